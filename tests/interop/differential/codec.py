"""Messages to bytes and back, driven by nothing but lib/wire/schema.

It shares no line with the codec of lib/wire, so that one checks the other.
A value is a dict; a field that is not in it has its default, a field that is
not in the version asked for is left out, and unknown tags are kept in "_tags".
"""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WIRE = os.path.join(HERE, "..", "..", "..", "lib", "wire")
sys.path.insert(0, os.path.join(WIRE, "compiler"))
sys.dont_write_bytecode = True

import schema   # noqa: E402

FIXED = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H",
         "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}
API_VERSIONS = 18
UNSUPPORTED_VERSION = 35


class WireError(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if not 0 <= count <= self.left():
            raise WireError("%d bytes wanted at %d of %d" %
                            (count, self.at, len(self.data)))
        self.at += count
        return self.data[self.at - count:self.at]

    def fixed(self, kind):
        form = FIXED[kind]
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        out = 0
        for shift in range(0, 64, 7):
            byte = self.take(1)[0]
            out |= (byte & 0x7f) << shift
            if byte < 0x80:
                return out
        raise WireError("a varint too long")

    def varint(self):
        u = self.uvarint()
        return (u >> 1) ^ -(u & 1)


def uvarint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def varint(n):
    return uvarint(n << 1 if n >= 0 else (-n << 1) - 1)


def default(f):
    """What a field holds that is not on the wire."""
    if f.starts_null():
        return None
    if f.is_array:
        return []
    if f.type is None:
        return {g.name: default(g) for g in f.fields}
    if f.type == "string":
        return (f.default or '""')[1:-1]
    if f.type == "bytes":
        return b""
    if f.type == "uuid":
        return bytes(16)
    if f.type == "bool":
        return f.default == "true"
    return float(f.default or 0) if f.type == "float64" else int(f.default or 0)


class Codec:
    """One message at one version."""

    def __init__(self, message, version):
        self.message, self.version = message, version
        self.flexible = version in message.flexible

    def decode(self, reader):
        return self.read_struct(reader, self.message.fields)

    def read_struct(self, r, fields):
        out, tagged = {}, {}
        for f in fields:
            if self.version not in f.versions:
                continue
            if f.tag is not None:
                tagged[f.tag] = f
                out[f.name] = default(f)
            else:
                out[f.name] = self.read_field(r, f)
        if self.flexible:
            self.read_tags(r, tagged, out)
        return out

    def read_tags(self, r, tagged, out):
        last = -1
        for _ in range(r.uvarint()):
            tag, size = r.uvarint(), r.uvarint()
            if tag <= last:
                raise WireError("tags out of order")
            last, part = tag, Reader(r.take(size))
            if tag not in tagged:
                out.setdefault("_tags", {})[tag] = part.data
                continue
            out[tagged[tag].name] = self.read_field(part, tagged[tag])
            if part.left():
                raise WireError("%d bytes left in tag %d" % (part.left(), tag))

    def read_field(self, r, f):
        null = self.version in f.null
        if not f.is_array:
            return self.read_one(r, f, null, f.tag is not None)
        count = self.read_length(r, f, 4)
        if count < 0:
            if not null:
                raise WireError("%s is null" % f.name)
            return None
        if count > r.left():
            raise WireError("%s has %d elements" % (f.name, count))
        return [self.read_one(r, f, False, False) for _ in range(count)]

    def read_one(self, r, f, null, in_tag):
        if f.type is None:
            if null:
                mark = r.uvarint() if in_tag else r.fixed("int8")
                if mark <= 0 if in_tag else mark < 0:
                    return None
            return self.read_struct(r, f.fields)
        if f.type in FIXED:
            return r.fixed(f.type)
        if f.type == "uuid":
            return r.take(16)
        count = self.read_length(r, f, 2 if f.type == "string" else 4)
        if count < 0:
            if not null:
                raise WireError("%s is null" % f.name)
            return None
        raw = r.take(count)
        return raw.decode() if f.type == "string" else raw

    def read_length(self, r, f, width):
        if self.flexible and not f.noncompact:
            return r.uvarint() - 1
        return r.fixed("int16" if width == 2 else "int32")

    def encode(self, value):
        out = bytearray()
        self.write_struct(out, self.message.fields, value)
        return bytes(out)

    def write_struct(self, out, fields, value):
        extra = set(value) - {f.name for f in fields} - {"_tags"}
        if extra:
            raise WireError("no such fields: %s" % " ".join(sorted(extra)))
        tags = dict(value.get("_tags", {}))
        for f in fields:
            if self.version not in f.versions:
                continue
            v = value.get(f.name, default(f))
            if f.tag is None:
                self.write_field(out, f, v)
            elif v != default(f):
                part = bytearray()
                self.write_field(part, f, v)
                tags[f.tag] = bytes(part)
        if self.flexible:
            out += uvarint(len(tags))
            for tag in sorted(tags):
                out += uvarint(tag) + uvarint(len(tags[tag])) + tags[tag]

    def write_field(self, out, f, v):
        if not f.is_array:
            null = self.version in f.null
            self.write_one(out, f, v, null, f.tag is not None)
            return
        self.write_length(out, f, v, 4)
        for one in v or []:
            self.write_one(out, f, one, False, False)

    def write_one(self, out, f, v, null, in_tag):
        if f.type is None:
            if null:
                absent = b"\x00" if in_tag else b"\xff"
                out += absent if v is None else b"\x01"
            if v is not None:
                self.write_struct(out, f.fields, v)
        elif f.type in FIXED:
            out += struct.pack(FIXED[f.type], v)
        elif f.type == "uuid":
            out += v
        else:
            raw = v.encode() if isinstance(v, str) else v
            self.write_length(out, f, raw, 2 if f.type == "string" else 4)
            out += raw or b""

    # A null that the schema forbids is written too: to see what becomes of it.
    def write_length(self, out, f, v, width):
        count = -1 if v is None else len(v)
        if self.flexible and not f.noncompact:
            out += uvarint(count + 1)
        else:
            out += struct.pack(">h" if width == 2 else ">i", count)


class Protocol:
    def __init__(self):
        apis, records = schema.parse_folder(os.path.join(WIRE, "schema"))
        self.apis = {api.name: api for api in apis}
        self.names = {api.key: api.name for api in apis}
        self.records = {record.name: record for record in records}

    def request(self, name, version, correlation, client, body):
        """The frame, without its length."""
        api = self.apis[name]
        # A version that is unknown is asked for in the layout of the last.
        layout = min(version, api.request.known.high)
        layout = max(layout, api.request.known.low)
        header = 2 if layout in api.request.flexible else 1
        return Codec(self.records["RequestHeader"], header).encode({
            "request_api_key": api.key, "request_api_version": version,
            "correlation_id": correlation, "client_id": client,
        }) + Codec(api.request, layout).encode(body)

    def response(self, name, version, frame):
        """(correlation id, body) of a frame without its length."""
        api, r = self.apis[name], Reader(frame)
        plain = api.key == API_VERSIONS
        header = 1 if version in api.response.flexible and not plain else 0
        head = Codec(self.records["ResponseHeader"], header).decode(r)
        if plain and struct.unpack(">h", frame[4:6])[0] == UNSUPPORTED_VERSION:
            version = 0     # the answer to a version that is unknown
        body = Codec(api.response, version).decode(r)
        if r.left():
            raise WireError("%d bytes left over" % r.left())
        return head["correlation_id"], body
