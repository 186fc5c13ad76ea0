#!/usr/bin/env python3
"""Make a fuzzer's first inputs from the recorded frames in tests/vectors.

    make-seeds.py TARGET FOLDER

TARGET is the name of a program of this folder.  wire_fuzz gets the body of
each frame behind three bytes (kind, api key, version); request_fuzz gets each
request frame whole; targets that read record batches get each stored batch whole.  A target not known here gets
nothing and starts from nothing.
"""
import os
import sys

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "vectors")
API_VERSIONS = 18
# The first versions with compact encoding are read from the schema.
SCHEMA = os.path.join(VECTORS, "..", "..", "lib", "wire", "schema")


def read_vector(path):
    """The "name: value" lines, and the bytes."""
    head, hex_text, part = {}, "", None
    with open(path, encoding="ascii") as file:
        for line in file.read().splitlines():
            if line in ("hex:", "decoded:"):
                part = line
            elif part is None:
                name, _, value = line.partition(": ")
                head[name] = value
            elif part == "hex:":
                hex_text += line.strip()
    return head, bytes.fromhex(hex_text)


def flexible_from():
    """api key -> first flexible version."""
    found = {}
    for name in os.listdir(SCHEMA):
        if not name[:2].isdigit():
            continue
        with open(os.path.join(SCHEMA, name), encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[:1] == ["flexible"] and words[1] != "none":
                    found[int(name[:2])] = int(words[1].rstrip("+"))
    return found


def request_header_size(frame, flexible):
    """Key, version, correlation id, client id, and an empty list of tags."""
    client_id = int.from_bytes(frame[8:10], "big", signed=True)
    return 10 + max(client_id, 0) + (1 if flexible else 0)


def wire_seed(head, frame, flexible):
    if "api" not in head:
        return None
    key, version = int(head["api"].split()[0]), int(head["version"])
    is_flexible = version >= flexible.get(key, 1 << 15)
    if head["direction"] == "request":
        size = request_header_size(frame, is_flexible)
        return bytes([0, key, version]) + frame[size:]
    size = 5 if is_flexible and key != API_VERSIONS else 4
    return bytes([1, key, version]) + frame[size:]


def metadata_seeds(head, frame):
    """The values of an uncompressed batch of the metadata log."""
    if head.get("batch") != "__cluster_metadata" or frame[22] & 0x27:
        return
    at = 61

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = frame[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    while at < len(frame):
        size = varint()
        end = at + size
        at += 1
        varint()
        varint()
        at += max(varint(), 0)
        size = varint()
        yield bytes([3, 0, 0]) + frame[at:at + max(size, 0)]
        at = end


def seeds(target):
    flexible = flexible_from()
    for name in sorted(os.listdir(VECTORS)):
        if not name.endswith(".txt"):
            continue
        head, frame = read_vector(os.path.join(VECTORS, name))
        if target == "wire_fuzz":
            seed = wire_seed(head, frame, flexible)
            if seed:
                yield name, seed
            for i, value in enumerate(metadata_seeds(head, frame)):
                yield "%s.%d" % (name, i), value
        elif target == "request_fuzz" and head.get("direction") == "request":
            yield name, frame
        elif target in ("record_fuzz", "batch_fuzz") and "batch" in head:
            yield name, frame


def main(argv):
    if len(argv) != 3:
        sys.exit("usage: make-seeds.py TARGET FOLDER")
    target, folder = argv[1:]
    os.makedirs(folder, exist_ok=True)
    for name, seed in seeds(target):
        with open(os.path.join(folder, name[:-4] + ".seed"), "wb") as file:
            file.write(seed)


if __name__ == "__main__":
    main(sys.argv)
