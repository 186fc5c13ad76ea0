#!/usr/bin/env python3
"""Envelopes of random records, for the laws of the envelope.

    random_records.py SEED COUNT PARTITIONS

Any bytes in keys, values and headers; null and empty ones, headers that
repeat, are null or have binary values; several sizes; own timestamps.
"""
import base64
import json
import random
import sys

SEED, COUNT, PARTITIONS = (int(a) for a in sys.argv[1:4])
rng = random.Random(SEED)
TEXTS = ["", "a", "é", "😀", "\u2028", '"', "\\", "\n", "\t", "\0", "\x7f",
         "\ufeff", "\uffff", "NULL", "null", "{", " "]


def some_bytes():
    kind = rng.randrange(6)
    if kind == 0:
        return None
    if kind == 1:
        return b""
    if kind == 2:
        return "".join(rng.choices(TEXTS, k=rng.randrange(8))).encode()
    if kind == 3:  # nearly UTF-8: cut, overlong, surrogates
        return rng.choice([b"\xc3", b"\xe2\x82", b"\xc0\x80", b"\xed\xa0\x80",
                           b"ok\xff", b"\xf4\x90\x80\x80", b"\xfe"])
    size = rng.choice([1, 10, 100, 1000]) if kind == 4 else rng.randrange(40)
    return rng.randbytes(size)


def encode(field, value):
    """As text where that is what it is, else base64."""
    if value is None:
        return {field: None}
    try:
        return {field: value.decode()}
    except UnicodeDecodeError:
        return {field: base64.b64encode(value).decode(), field + "_enc": "b64"}


def headers():
    names = ["", "n", "n", "trace-id", "é", "a b"]
    pairs = [(rng.choice(names), some_bytes())
             for _ in range(rng.choice([0, 0, 1, 2, 5]))]
    if not pairs:
        return {}
    flat = []
    for name, value in pairs:
        flat += [name, None if value is None
                 else base64.b64encode(value).decode()]
    return {"headers": flat, "headers_enc": "b64"}


for i in range(COUNT):
    record = {"partition": rng.randrange(PARTITIONS),
              "ts": 1700000000000 + rng.randrange(-10**9, 10**9)}
    record.update(headers())
    record.update(encode("key", some_bytes()))
    record.update(encode("payload", some_bytes()))
    print(json.dumps(record, ensure_ascii=rng.random() < 0.5))
