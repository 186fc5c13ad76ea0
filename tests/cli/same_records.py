#!/usr/bin/env python3
"""Do two files of envelopes hold the same records?

    same_records.py A B

Key, value, headers, timestamp, and the order in each partition count; the
offset does if both have it.  Exit 1 at the first difference, which is shown.
"""
import base64
import json
import sys


def decode(value, encoding):
    if value is None:
        return None
    return base64.b64decode(value) if encoding == "b64" else value.encode()


def read(path):
    partitions = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            e = json.loads(line)
            flat = e.get("headers", [])
            headers = [(flat[i], decode(flat[i + 1], e.get("headers_enc")))
                       for i in range(0, len(flat), 2)]
            partitions.setdefault(e["partition"], []).append(
                (e["ts"], decode(e["key"], e.get("key_enc")),
                 decode(e["payload"], e.get("payload_enc")), headers))
    return partitions


def main():
    a, b = (read(path) for path in sys.argv[1:3])
    if a.keys() != b.keys():
        sys.exit(f"partitions {sorted(a)} and {sorted(b)}")
    for partition in sorted(a):
        for i, (x, y) in enumerate(zip(a[partition], b[partition])):
            if x != y:
                sys.exit(f"partition {partition} record {i}:\n{x}\n{y}")
        if len(a[partition]) != len(b[partition]):
            sys.exit(f"partition {partition} has {len(a[partition])} and "
                     f"{len(b[partition])} records")


main()
