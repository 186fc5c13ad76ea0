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

    join MEMBER GROUP TOPICS PATTERN PROTOCOL ASSIGNOR INSTANCE SESSION_MS
        a member of a group, by the protocol "classic" or "consumer"; PATTERN
        instead of TOPICS; what is null is as the client has it
    poll MEMBERS -> members     for each: {"owned": [[topic, partition]],
        "batches": [{"records": [[topic, partition, offset]],
                     "committed": whether they are,
                     "at": when that was, if it was before this call,
                     "again": if some of it may have been told before}],
        "joined": how often it got an assignment, "error": Kafka's number}
    owned MEMBERS -> members    what each has at this moment, as in poll
    leave MEMBER                seek MEMBER TOPIC PARTITION OFFSET
    assignors PROTOCOL -> assignors
    groups -> groups, their names
    group GROUP -> state, members: [{"partitions": [[topic, partition]]}]
    group_offsets GROUP -> offsets: [[topic, partition, offset]]
    alter_offsets GROUP OFFSETS     delete_offsets GROUP PLACES
    delete_group GROUP
"""
import base64
import json
import sys
import time

WAIT_SECONDS = 20
# How long one member is asked for what has come, and how soon it looks whether
# its topics are others now.
POLL_MS, METADATA_MS, HEARTBEAT_MS = 50, 300, 100
# A commit while the group rebalances is refused, and that is no error.
MOVING = (22, 25, 27, 113)


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


def places(owned):
    return [[topic, partition] for topic, partition in owned]


def batch(records, committed):
    return {"at": time.monotonic(), "committed": committed,
            "records": [[t, p, o] for t, p, o in records]}


def polled(member, batches):
    return {"owned": places(member.owned), "batches": batches,
            "joined": member.joined, "error": member.error}


def kept(member):
    """Of its pending records, whose commit was refused while the group moved,
    those that are its own still: told again with what is committed next."""
    return [r for r in member.pending if (r[0], r[1]) in member.owned]


def drained(members):
    """Of members that read by themselves: {name: Member}, all at one moment,
    since what one gives away another gets."""
    time.sleep(POLL_MS / 1000)
    out = {}
    for name, member in members.items():
        batches = []
        while member.batches:       # a deque: its thread goes on
            batches.append(member.batches.popleft())
        out[name] = polled(member, batches)
    return {"members": out}


def ends(records):
    """{(topic, partition): the offset to commit}"""
    out = {}
    for topic, partition, offset in records:
        out[(topic, partition)] = offset + 1
    return out


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
