"""Record batches: written well, written badly, read.

make() gives one batch; its named arguments put wrong values into places that
are worked out otherwise, and the CRC is made to fit unless crc is given.
"""
import gzip
import struct
import time
import zlib

from codec import varint

HEAD = ">qiibIhiqqqhii"
HEAD_NAMES = ("base_offset", "batch_length", "partition_leader_epoch", "magic",
              "crc", "attributes", "last_offset_delta", "base_timestamp",
              "max_timestamp", "producer_id", "producer_epoch",
              "base_sequence", "records_count")
HEAD_SIZE = struct.calcsize(HEAD)
CONTROL, TRANSACTIONAL, LOG_APPEND_TIME = 32, 16, 8
BEFORE_CRC = 21


def table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        yield n


TABLE = list(table())


def crc32c(data):
    c = 0xffffffff
    for b in data:
        c = TABLE[(c ^ b) & 0xff] ^ c >> 8
    return c ^ 0xffffffff


def blob(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(offset, key=None, value=None, headers=(), time=0, attributes=0,
           extra=b"", size=None):
    """One record; offset and time are deltas."""
    out = struct.pack(">b", attributes) + varint(time) + varint(offset)
    out += blob(key) + blob(value) + varint(len(headers))
    for name, content in headers:
        out += blob(name) + blob(content)
    out += extra
    return varint(len(out) if size is None else size) + out


def some(count):
    return [record(i, b"k%d" % i, b"value %d" % i,
                   [(b"h", b"x"), (b"n", None)] if i == 0 else [])
            for i in range(count)]


def make(records=2, *, base_offset=0, epoch=-1, magic=2, attributes=0,
         codec=None, last_delta=None, base_time=None, max_time=None,
         producer=-1, producer_epoch=-1, sequence=-1, count=None, crc=None,
         length=None, body=None):
    """records: how many, or their bytes in a list."""
    if isinstance(records, int):
        records = some(records)
    if body is None:
        body = b"".join(records)
        if codec == "gzip":
            body = gzip.compress(body)
    if codec == "gzip":
        attributes |= 1
    base_time = int(time.time() * 1000) if base_time is None else base_time
    tail = struct.pack(
        ">hiqqqhii", attributes,
        len(records) - 1 if last_delta is None else last_delta, base_time,
        base_time if max_time is None else max_time, producer, producer_epoch,
        sequence, len(records) if count is None else count) + body
    length = len(tail) + 9 if length is None else length
    crc = crc32c(tail) if crc is None else crc
    return (struct.pack(">qiib", base_offset, length, epoch, magic) +
            struct.pack(">I", crc) + tail)


def read(data):
    """The heads of all whole batches, and how many bytes of a cut one follow.

    Of what follows a head there is the checksum, or what is wrong with it.
    """
    out, at = [], 0
    while at + 12 <= len(data):
        length = struct.unpack_from(">i", data, at + 8)[0]
        if length < HEAD_SIZE - 12 or at + 12 + length > len(data):
            break
        end = at + 12 + length
        head = dict(zip(HEAD_NAMES, struct.unpack_from(HEAD, data, at)))
        head["crc_is_right"] = crc32c(data[at + BEFORE_CRC:end]) == \
            head.pop("crc")
        body = data[at + HEAD_SIZE:end]
        head["contents"] = contents(head, body)
        out.append(head)
        at = end
    return out, len(data) - at


def contents(head, body):
    """Gzip's own bytes are another program's: its contents count."""
    if head["attributes"] & 7 == 1:
        head["batch_length"] = HEAD_SIZE - 12
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError):
            return "no gzip"
    return "%08x" % zlib.crc32(body)
