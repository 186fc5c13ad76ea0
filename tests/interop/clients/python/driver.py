"""A driver's loop, and what it answers: one JSON object a line, both ways.

A request is {"do": NAME, ...}; the answer holds what is asked, or {"error":
text, "code": Kafka's number}, or {"unsupported": why} where the client has no
such call.

    create TOPIC PARTITIONS CONFIGS     create_many TOPICS PARTITIONS
    delete TOPIC                        delete_many TOPICS
    list -> topics                      describe TOPIC -> partitions
    configs TOPIC -> configs            alter TOPIC CONFIGS
    grow TOPIC PARTITIONS               watermarks TOPIC PARTITION -> offsets
    offset_for TOPIC PARTITION TIME -> offset
    delete_records TOPIC PARTITION OFFSET
    produce TOPIC PARTITION RECORDS [CODEC]     waits until all are there
    consume TOPIC PARTITION OFFSET COUNT -> records
    consume_numbers TOPIC PARTITION COUNT -> numbers, of values from 0 on
    open TOPIC PARTITION    an idempotent producer, that is kept
    send FIRST COUNT        numbers to it, without waiting; flush waits
"""
import base64
import json
import sys

WAIT_SECONDS = 20


class Unsupported(Exception):
    pass


class Refused(Exception):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code


def raw(value):
    return None if value is None else base64.b64decode(value)


def base(value):
    return None if value is None else base64.b64encode(value).decode()


def headers(record):
    return [(name, raw(value)) for name, value in record["headers"]]


def row(offset, time, key, value, pairs):
    return {"offset": offset, "time": time, "key": base(key),
            "value": base(value),
            "headers": [[name, base(v)] for name, v in pairs or ()]}


def answer(client, request):
    function = getattr(client, request.pop("do"), None)
    if not function:
        return {"unsupported": "no such call"}
    try:
        return function(**request) or {}
    except Unsupported as error:
        return {"unsupported": str(error)}
    except Exception as error:      # all of a client's errors are answers
        return {"error": "%s: %s" % (type(error).__name__, error),
                "code": client.code(error)}


def serve(make):
    client = make(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(answer(client, json.loads(line))), flush=True)
