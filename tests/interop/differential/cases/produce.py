"""Produce and InitProducerId: what is taken, what is refused, and how."""
import batches
from batches import make, record
from pair import id_of

HOUR = 3600000


def _body(topic, records, acks=-1, index=0, txn=None, topic_id=None):
    return {"acks": acks, "timeout_ms": 9000, "transactional_id": txn,
            "topic_data": [{
                "name": topic, "topic_id": topic_id or id_of(topic),
                "partition_data": [{"index": index, "records": records}]}]}


def _look(pair, topic, note, offset=0):
    """What is there now, at one version."""
    pair.same("Fetch", {
        "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1 << 24, "topics": [{
            "topic": topic, "topic_id": id_of(topic), "partitions": [{
                "partition": 0, "fetch_offset": offset,
                "partition_max_bytes": 1 << 24}]}]}, note, version=17,
              settles=True)


def good(pair):
    topic = pair.topic("prod-good", 2)
    pair.ask("Produce", lambda v: _body(topic, make(2, base_time=1000 + v)))
    pair.ask("Produce", lambda v: _body(topic, make(1, base_time=5), acks=1),
             note="acks 1")
    pair.ask("Produce", lambda v: _body(topic, make(3, codec="gzip",
                                                    base_time=9)),
             note="gzip")
    for version in pair.versions("Produce"):
        pair.tell("Produce", version, _body(topic, make(1, base_time=7),
                                            acks=0))
    _look(pair, topic, "all that was produced")


def where(pair):
    topic = pair.topic("prod-where", 2)
    good_batch = make(1, base_time=1)
    for index in (2, -1, 2147483647):
        pair.ask("Produce", _body(topic, good_batch, index=index),
                 note="partition %d" % index)
    pair.ask("Produce", _body("prod-absent", good_batch,
                              topic_id=b"\7" * 16),
             _body("", good_batch, topic_id=bytes(16)),
             _body("bad!", good_batch, topic_id=b"\6" * 16), note="topic")
    for acks in (2, -2, 32767):
        pair.ask("Produce", _body(topic, good_batch, acks=acks),
                 note="acks %d" % acks)
    pair.ask("Produce", {"acks": -1, "timeout_ms": 9000, "topic_data": []},
             note="nothing")
    pair.ask("Produce", {"acks": -1, "timeout_ms": 9000, "topic_data": [
        {"name": topic, "topic_id": id_of(topic), "partition_data": []}]},
             note="no partition")
    mixed = _body(topic, good_batch)
    mixed["topic_data"][0]["partition_data"] = [
        {"index": i, "records": good_batch} for i in (0, 1, 9)]
    pair.ask("Produce", mixed, note="good and bad partitions")
    pair.ask("Produce", _body(topic, good_batch, txn="tx"),
             note="transactional id, plain batch")
    for timeout in (0, -1):
        pair.ask("Produce", dict(_body(topic, good_batch), timeout_ms=timeout),
                 note="timeout %d" % timeout)
    _look(pair, topic, "after all")
    topic = pair.topic("prod-twice")
    both = _body(topic, good_batch)
    both["topic_data"][0]["partition_data"] *= 2
    pair.same("Produce", both, note="partition twice")


def null_records(pair):
    """Kafka logs an exception and never answers."""
    topic = pair.topic("prod-null")
    pair.same("Produce", _body(topic, None), patience=1.0)


def bad_batches(pair):
    """Each in a topic of its own, to see what became of it."""
    body = b"".join(batches.some(2))
    fine = make(2, base_time=1)
    for note, data in (
            ("empty", b""), ("a byte", b"\0"),
            ("60 bytes", fine[:60]), ("cut", fine[:-3]),
            ("bytes after it", fine + b"abc"), ("two", fine + fine),
            ("crc", make(2, crc=5)), ("magic 3", make(2, magic=3)),
            ("magic -1", make(2, magic=-1)),
            ("magic 0", make(2, magic=0)), ("magic 1", make(2, magic=1)),
            ("length 0", make(2, length=0)), ("length -1", make(2, length=-1)),
            ("length 48", make(2, length=48)),
            ("length too large", make(2, length=1 << 30)),
            ("count 0", make(2, count=0)), ("count 1", make(2, count=1)),
            ("count 3", make(2, count=3)), ("count -1", make(2, count=-1)),
            ("count huge", make(2, count=1 << 30)),
            ("no records", make(0, last_delta=0)),
            ("no records, delta -1", make(0, last_delta=-1)),
            ("last delta 0", make(2, last_delta=0)),
            ("last delta 5", make(2, last_delta=5)),
            ("last delta -1", make(2, last_delta=-1)),
            ("base offset 7", make(2, base_offset=7, base_time=1)),
            ("base offset -1", make(2, base_offset=-1, base_time=1)),
            ("epoch 9", make(2, epoch=9, base_time=1)),
            ("control", make(2, attributes=batches.CONTROL)),
            ("transactional", make(2, attributes=batches.TRANSACTIONAL)),
            ("append time", make(2, attributes=batches.LOG_APPEND_TIME,
                                 base_time=1)),
            ("codec 5", make(2, attributes=5)),
            ("codec 7", make(2, attributes=7)),
            ("says gzip, is not", make(2, attributes=1)),
            ("says snappy, is not", make(2, attributes=2)),
            ("says lz4, is not", make(2, attributes=3)),
            ("says zstd, is not", make(2, attributes=4)),
            ("unknown attributes", make(2, attributes=0x80, base_time=1)),
            ("high attributes", make(2, attributes=0x4000, base_time=1)),
            ("delete horizon", make(2, attributes=0x40, base_time=1)),
            ("offset gap", make([record(0), record(2)], last_delta=2)),
            ("offsets down", make([record(1), record(0)])),
            ("offset twice", make([record(0), record(0)])),
            ("offset not from 0", make([record(1), record(2)])),
            ("negative offset", make([record(-1), record(0)])),
            ("record size small", make([record(0, size=2)])),
            ("record size large", make([record(0, size=60)])),
            ("record size -1", make([record(0, size=-1)])),
            ("record size 0", make([record(0, size=0)])),
            ("bytes after a record", make([record(0, extra=b"xy")])),
            ("bytes after all", make(2, body=body + b"xyz")),
            ("record attributes", make([record(0, attributes=5)],
                                       base_time=1)),
            ("null header name", make([record(0, headers=[(None, b"x")])])),
            ("empty header name", make([record(0, headers=[(b"", b"x")])],
                                       base_time=1)),
            ("negative time", make(2, base_time=-5)),
            ("time -1", make(2, base_time=-1)),
            ("max time wrong", make(2, base_time=5, max_time=99)),
            ("gzip, cut", make(2, codec="gzip", body=__import__(
                "gzip").compress(body)[:-9])),
            ("gzip, empty", make(0, codec="gzip", last_delta=0))):
        topic = pair.topic("prod-bad-" + note.replace(" ", "-").replace(
            ",", ""))
        for version in (3, 8, 13):
            pair.same("Produce", _body(topic, data), note, version=version)
        _look(pair, topic, note)


def too_large(pair):
    topic = pair.topic("prod-large", 1, {"max.message.bytes": "1000"})
    for size in (900, 999, 1000, 1001, 3000):
        # The batch as a whole is so many bytes.
        value = size - len(make([record(0, value=b"x" * 800)])) + 800
        pair.ask("Produce", _body(topic, make([record(0, value=b"x" * value)],
                                              base_time=1)),
                 note="%d bytes" % size, low=8)
    pair.ask("Produce", _body(topic, make([record(0, value=b"x" * 5000)],
                                          codec="gzip", base_time=1)),
             note="small when compressed", low=8)
    _look(pair, topic, "after all")


def rules(pair):
    """Topics with rules of their own."""
    for name, configs in (
            ("append", {"message.timestamp.type": "LogAppendTime"}),
            ("compact", {"cleanup.policy": "compact"}),
            ("times", {"message.timestamp.before.max.ms": "600000",
                       "message.timestamp.after.max.ms": "600000"}),
            ("isr", {"min.insync.replicas": "2"})):
        topic = pair.topic("prod-" + name, 1, configs)
        now = pair.sides[0].started_ms - 1000
        for note, data in (
                ("plain", make(2, base_time=now)),
                ("old", make([record(0, b"k", b"v"),
                              record(1, b"k", b"v", time=5)],
                             base_time=now - HOUR)),
                ("one old", make([record(0, b"k", b"v"),
                                  record(1, b"k", b"v", time=HOUR)],
                                 base_time=now - HOUR, max_time=now)),
                ("to come", make([record(0, b"k", b"v"), record(
                    1, b"k", b"v", time=2 * HOUR)], base_time=now,
                                 max_time=now + 2 * HOUR)),
                ("no key", make([record(0, None, b"v")], base_time=now)),
                ("some keys", make([record(0, b"k", b"v"),
                                    record(1, None, b"v")], base_time=now)),
                ("empty key", make([record(0, b"", b"v")], base_time=now)),
                ("null value", make([record(0, b"k", None)], base_time=now)),
                ("no key, gzip", make([record(0, None, b"v")], codec="gzip",
                                      base_time=now))):
            for acks in (-1, 1):
                pair.ask("Produce", _body(topic, data, acks), low=7,
                         note="%s: %s, acks %d" % (name, note, acks))
        _look(pair, topic, name)


def init_producer(pair):
    producer = pair.producer()
    pair.ask("InitProducerId", {"transactional_id": None}, note="new")
    for timeout in (0, -1, 2147483647):
        pair.ask("InitProducerId", {"transactional_id": None,
                                    "transaction_timeout_ms": timeout},
                 note="timeout %d" % timeout)
    pair.ask("InitProducerId", {"transactional_id": "",
                                "transaction_timeout_ms": 60000}, note="empty")
    for number, epoch in ((producer, 0), (producer, 5), (producer, -1),
                          (-1, 0), (1 << 40, 0), (-2, -2)):
        pair.ask("InitProducerId", {
            "transactional_id": None, "producer_id": number,
            "producer_epoch": epoch}, low=3, note="%s epoch %d" % (
                "known" if callable(number) else number, epoch))


def idempotent(pair):
    topic = pair.topic("prod-idem", 1)
    producer = pair.producer()

    def send(note, sequence, epoch=0, count=2, number=producer, attributes=0):
        pair.same("Produce", _body(topic, lambda side: make(
            count, base_time=1, sequence=sequence, producer_epoch=epoch,
            attributes=attributes,
            producer=number(side) if callable(number) else number)), note)
    send("not from 0", 5)
    send("first", 0)
    send("again", 0)
    send("gap", 4)
    send("second", 2)
    send("one before again", 0)
    send("overlap", 1)
    send("other count", 2, count=3)
    for n in range(6):
        send("more %d" % n, 4 + 2 * n)
    send("long ago", 0)
    send("fifth before", 6)
    send("sixth before", 4)
    send("next epoch, not from 0", 3, epoch=1)
    send("next epoch", 0, epoch=1)
    send("old epoch", 16, epoch=0)
    send("far epoch", 0, epoch=7)
    send("negative epoch", 0, epoch=-1)
    send("negative sequence", -1, epoch=7)
    send("sequence -2", -2, epoch=7)
    send("sequence at its end", 2147483647, epoch=7)
    send("unknown producer", 0, number=77777)
    send("unknown producer, not from 0", 9, number=77778)
    send("negative producer", 0, number=-5)
    send("transactional", 2, epoch=7, attributes=batches.TRANSACTIONAL)
    send("control", 2, epoch=7, attributes=batches.CONTROL)
    pair.same("Produce", _body(topic, lambda side: make(
        1, base_time=1, sequence=2, producer_epoch=7,
        producer=producer(side)) + make(
            1, base_time=1, sequence=3, producer_epoch=7,
            producer=producer(side))), "two batches")
    _look(pair, topic, "after all")
    pair.ask("DescribeProducers", {"topics": [
        {"name": topic, "partition_indexes": [0]}]}, note="after all")


def idempotent_wraps(pair):
    """A sequence goes on at 0 after its largest."""
    topic = pair.topic("prod-wrap", 1)
    producer = pair.producer()
    last = 2147483647
    for note, sequence, count in (("near the end", last - 3, 2),
                                  ("over the end", last - 1, 4),
                                  ("goes on", 2, 1), ("again", 2, 1),
                                  ("gap", 9, 1)):
        pair.same("Produce", _body(topic, lambda side, s=sequence, c=count:
                                   make(c, base_time=1, sequence=s,
                                        producer_epoch=0,
                                        producer=producer(side))), note)
