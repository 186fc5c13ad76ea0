"""The cases, by name.  Each gets a World and raises if something is wrong."""
import os
import time

from world import CLIENTS, Broker, Driver, Proxy, record, same

UNKNOWN_TOPIC, TOO_LARGE, EXISTS, INVALID_TOPIC = 3, 10, 36, 17
INVALID_PARTITIONS, INVALID_CONFIG, OUT_OF_RANGE = 37, 40, 1
LONG_AGO = 1600000000000
ALL = {}


def case(function):
    ALL[function.__name__.replace("_", " ")] = function
    return function


def numbered(count, first=0, size=0):
    return [record(b"%d" % i + b"." * size) for i in range(first, first + count)]


def values(records):
    return [r["value"] for r in records]


# Topics

def _lists(w, topic):
    return topic in w.ask("list")["topics"]


def _lists_not(w, topic):
    return not _lists(w, topic)


def _starts_and_ends(w, topic, low, high):
    return w.ask("watermarks", topic=topic,
                 partition=0)["offsets"] == [low, high]


@case
def create(w):
    topic = w.topic(3, retention_ms="3600000")
    w.eventually(_lists, w, topic)
    w.refused(EXISTS, "create", topic=topic, partitions=1, configs={})
    w.refused(INVALID_TOPIC, "create", topic="bad!", partitions=1, configs={})


@case
def create_with_a_bad_config(w):
    w.refused(INVALID_CONFIG, "create", topic=w.name(), partitions=1,
              configs={"retention.ms": "soon"})


@case
def describe(w):
    topic = w.topic(3)
    parts = w.ask("describe", topic=topic)["partitions"]
    same(sorted(p["partition"] for p in parts), [0, 1, 2])
    leader = parts[0]["leader"]
    assert leader >= 0
    for part in parts:
        same([part["leader"], part["replicas"], part["isr"]],
             [leader, [leader], [leader]], "partition %s" % part)


@case
def describe_configs(w):
    topic = w.topic(1, retention_ms="3600000")
    configs = w.ask("configs", topic=topic)["configs"]
    same(configs["retention.ms"], "3600000")
    same(configs["cleanup.policy"], "delete")


def _is_config(w, topic, name, value):
    return w.ask("configs", topic=topic)["configs"][name] == value


@case
def alter_configs(w):
    topic = w.topic(1, segment_ms="7200000")
    w.ask("alter", topic=topic, configs={"retention.ms": "1234567"})
    w.eventually(_is_config, w, topic, "retention.ms", "1234567")
    w.refused(INVALID_CONFIG, "alter", topic=topic,
              configs={"retention.ms": "soon"})


@case
def add_partitions(w):
    topic = w.topic(2)
    w.ask("grow", topic=topic, partitions=5)
    w.eventually(w.leads, topic, 5)
    w.produce(topic, [record(b"new")], partition=4)
    same(values(w.consume(topic, 1, partition=4)), [b"new"])
    w.refused(INVALID_PARTITIONS, "grow", topic=topic, partitions=3)


@case
def delete(w):
    topic = w.topic()
    w.ask("delete", topic=topic)
    w.eventually(_lists_not, w, topic)
    w.refused(UNKNOWN_TOPIC, "delete", topic=topic)


# Records

def _codec(w, codec):
    topic = w.topic()
    wanted = numbered(1000, size=50)
    w.produce(topic, wanted, codec=codec)
    out = w.consume(topic, 1000)
    same(values(out), values(wanted))
    same([r["offset"] for r in out], list(range(1000)))


@case
def not_compressed(w):
    _codec(w, "none")


@case
def gzip(w):
    _codec(w, "gzip")


@case
def snappy(w):
    _codec(w, "snappy")


@case
def lz4(w):
    _codec(w, "lz4")


@case
def zstd(w):
    _codec(w, "zstd")


@case
def keys_and_headers(w):
    topic = w.topic()
    wanted = [
        record(b"v", b"k", [("a", b"1"), ("b", b"2"), ("a", b"3")]),
        record(b"v", "ключ 😀".encode(), [("имя", b"\0\xff")]),
        record(bytes(range(256)), b"\0\xff"),
    ]
    w.produce(topic, wanted)
    for out, want in zip(w.consume(topic, len(wanted)), wanted):
        same([out[k] for k in ("key", "value", "headers")],
             [want[k] for k in ("key", "value", "headers")])


@case
def null_and_empty(w):
    topic = w.topic()
    wanted = [record(None, b"k"), record(b"v", None), record(b"", b""),
              record(b"v", b"k", [("", b"x")]), record(b"last")]
    w.produce(topic, wanted)
    for out, want in zip(w.consume(topic, len(wanted)), wanted):
        same([out[k] for k in ("key", "value", "headers")],
             [want[k] for k in ("key", "value", "headers")])


@case
def null_in_a_header(w):
    topic = w.topic()
    wanted = record(b"v", None, [("n", None), ("e", b"")])
    w.produce(topic, [wanted])
    same(w.consume(topic, 1)[0]["headers"], wanted["headers"])


@case
def timestamps(w):
    topic = w.topic()
    w.produce(topic, [record(b"a", time=LONG_AGO),
                      record(b"b", time=LONG_AGO + 77)])
    same([r["time"] for r in w.consume(topic, 2)], [LONG_AGO, LONG_AGO + 77])
    before = int(time.time() * 1000)
    topic = w.topic(1, message_timestamp_type="LogAppendTime")
    w.produce(topic, [record(b"a", time=LONG_AGO)])
    got = w.consume(topic, 1)[0]["time"]
    assert before - 1000 <= got <= int(time.time() * 1000) + 1000, got


@case
def too_large(w):
    topic = w.topic(1, max_message_bytes="2000")
    w.refused(TOO_LARGE, "produce", topic=topic, partition=0, records=[
        {"key": None, "value": "eHh4" * 1000, "headers": [], "time": None}])


# Positions

@case
def consume_from_an_offset(w):
    topic = w.topic()
    for first in range(0, 300, 100):
        w.produce(topic, numbered(100, first), codec="gzip")
    for offset in (0, 1, 99, 100, 150, 299):
        out = w.consume(topic, 300 - offset, offset)
        same(out[0]["offset"], offset)
        same(values(out), values(numbered(300 - offset, offset)))


@case
def offsets_by_time(w):
    topic = w.topic()
    w.produce(topic, [record(b"%d" % i, time=LONG_AGO + 1000 * i)
                      for i in range(10)])
    w.eventually(_starts_and_ends, w, topic, 0, 10)

    def at(when):
        return w.ask("offset_for", topic=topic, partition=0,
                     time=when)["offset"]
    same(at(LONG_AGO), 0)
    same(at(LONG_AGO + 4000), 4)
    same(at(LONG_AGO + 4001), 5)
    assert at(LONG_AGO + 9001) in (None, -1, 10)
    out = w.consume(topic, 5, at(LONG_AGO + 4001))
    same(values(out), [b"5", b"6", b"7", b"8", b"9"])


@case
def watermarks(w):
    topic = w.topic()
    w.eventually(_starts_and_ends, w, topic, 0, 0)
    w.produce(topic, numbered(7))
    w.eventually(_starts_and_ends, w, topic, 0, 7)


@case
def delete_records(w):
    topic = w.topic()
    w.produce(topic, numbered(10))
    # A client that does not ask for acks=all by itself is answered earlier.
    w.eventually(_starts_and_ends, w, topic, 0, 10)
    w.ask("delete_records", topic=topic, partition=0, offset=4)
    w.eventually(_starts_and_ends, w, topic, 4, 10)
    same(values(w.consume(topic, 6, 4)), values(numbered(6, 4)))
    w.refused(OUT_OF_RANGE, "delete_records", topic=topic, partition=0,
              offset=11)


# Producers that try again

def _stream(w, driver, rounds, between, topic):
    """Sends by rounds without waiting; each record once and in order."""
    size = 2000
    driver.ask("open", topic=topic, partition=0)
    for n in range(rounds):
        driver.ask("send", first=n * size, count=size)
        if n == 0:
            # A broker that goes at the very first request of a producer is
            # taken by franz-go for one that wants SASL, and given up.
            driver.ask("flush")
        between()
    driver.ask("flush")
    out = driver.ask("consume_numbers", topic=topic, partition=0,
                     count=rounds * size)
    same(out["numbers"], list(range(rounds * size)))
    same(driver.ask("watermarks", topic=topic, partition=0)["offsets"],
         [0, rounds * size])


@case
def idempotent_producer_outlives_kill_9(w):
    if w.other:
        return "left out"
    topic = w.topic()

    def between():
        w.broker.kill()
        w.broker.start()
    return _stream(w, w.driver, 4, between, topic)


@case
def idempotent_producer_whose_answers_are_lost(w):
    if w.other:
        return "left out"
    proxy = Proxy(losses=4)
    broker = Broker(os.path.join(w.folder.name, "proxied"), "-X",
                    "advertised.listeners=PLAINTEXT://127.0.0.1:%d" %
                    proxy.port)
    broker.start()
    proxy.target = broker.port
    driver = Driver(CLIENTS[w.client], "127.0.0.1:%d" % proxy.port)
    try:
        topic = w.name()
        driver.ask("create", topic=topic, partitions=1, configs={})
        _stream(w, driver, 12, lambda: driver.ask("flush"), topic)
        assert proxy.lost == proxy.losses, "%d answers lost" % proxy.lost
    finally:
        driver.close()
        broker.stop()
        proxy.close()
    return None


# Size

@case
def a_hundred_topics_of_a_hundred_partitions(w):
    names = ["%s-%d" % (w.name(), i) for i in range(100)]
    # Kafka itself refuses to make all of them by one request.
    for i in range(0, 100, 25):
        w.ask("create_many", topics=names[i:i + 25], partitions=100)
    for name in names[::20]:
        w.eventually(w.leads, name, 100)
    for name in names[::20]:
        for partition in (0, 99):
            w.produce(name, numbered(3), partition=partition)
            same(values(w.consume(name, 3, partition=partition)),
                 values(numbered(3)))
    w.ask("delete_many", topics=names)
    for name in names[::33]:
        w.eventually(_lists_not, w, name)
