"""Fetch: offsets, limits, epochs, sessions."""
import struct

from batches import make, record
from pair import id_of

ABSENT = b"\7" * 16
BIG = 1 << 24


def _fill(pair, topic, index=0, count=6, size=100):
    """Batches of 1, 2, 3 records, so many times; some compressed."""
    for n in range(count):
        rows = [record(i, b"k", b"%d" % n * size) for i in range(n % 3 + 1)]
        pair.same("Produce", {"acks": -1, "timeout_ms": 9000, "topic_data": [{
            "topic_id": id_of(topic), "name": topic, "partition_data": [{
                "index": index, "records": make(
                    rows, base_time=1000 * n, max_time=1000 * n,
                    codec="gzip" if n % 2 else None)}]}]}, "filled")


def _part(offset=0, index=0, most=BIG, epoch=-1, **more):
    return dict({"partition": index, "fetch_offset": offset,
                 "partition_max_bytes": most, "current_leader_epoch": epoch},
                **more)


def _body(topic, *parts, **more):
    return dict({"max_wait_ms": 0, "min_bytes": 1, "max_bytes": BIG,
                 "topics": [{"topic": topic, "partitions": parts,
                             "topic_id": id_of(topic)}] if topic else []},
                **more)


def offsets(pair):
    topic = pair.topic("fetch-a", 2)
    _fill(pair, topic)
    pair.ask("Fetch", _body(topic, _part(0)), note="from 0")
    for offset in (1, 2, 3, 4, 5, 11):
        pair.same("Fetch", _body(topic, _part(offset)), "from %d" % offset)
    for offset in (12, 13, -1, -2, 1 << 60, -(1 << 60)):
        pair.ask("Fetch", _body(topic, _part(offset)), note="from %d" % offset)
    pair.ask("Fetch", _body(topic, _part(0, 1)), note="empty partition")
    pair.ask("Fetch", _body(topic, _part(0, 2)), _body(topic, _part(0, -1)),
             note="no such partition")
    pair.ask("Fetch", _body(topic, _part(0), _part(0, 1), _part(0, 9)),
             note="three")
    pair.ask("Fetch", _body(topic, _part(0), _part(3)), note="twice")
    pair.ask("Fetch", dict(_body("", max_wait_ms=0), topics=[{
        "topic": "fetch-absent", "topic_id": ABSENT, "partitions": [
            _part(0)]}]), note="no such topic")
    pair.ask("Fetch", dict(_body("", max_wait_ms=0), topics=[{
        "topic": "", "topic_id": bytes(16), "partitions": [_part(0)]}]),
             note="no topic")
    pair.ask("Fetch", _body(""), note="nothing")
    pair.ask("Fetch", _body(topic), note="no partition")
    for level in (0, 1, 2, -1):
        pair.ask("Fetch", _body(topic, _part(0), isolation_level=level),
                 note="isolation %d" % level)


def limits(pair):
    topic = pair.topic("fetch-b", 3)
    for index in range(3):
        _fill(pair, topic, index)
    for most in (0, 1, 100, 400, 700, -1, -2147483648):
        pair.ask("Fetch", _body(topic, _part(0, most=most), _part(0, 1)),
                 note="partition %d bytes" % most, low=11)
        pair.ask("Fetch", _body(topic, _part(0), _part(0, 1), _part(0, 2),
                                max_bytes=most),
                 note="%d bytes" % most, low=11)
    pair.ask("Fetch", _body(topic, _part(2, most=1), _part(1, 1, most=1)),
             note="first batch of each")
    for wait, least in ((0, 0), (0, 1 << 30), (-1, 1), (20, 1 << 20),
                        (20, -1), (20, 0)):
        pair.ask("Fetch", _body(topic, _part(0), max_wait_ms=wait,
                                min_bytes=least),
                 note="wait %d for %d" % (wait, least), low=12)
        pair.ask("Fetch", _body(topic, _part(12), max_wait_ms=wait,
                                min_bytes=least),
                 note="at the end, wait %d for %d" % (wait, least), low=12)


def epochs(pair):
    topic = pair.topic("fetch-c")
    _fill(pair, topic)
    for epoch in (0, 1, 99, -1, -2):
        pair.ask("Fetch", _body(topic, _part(0, epoch=epoch)), low=9,
                 note="epoch %d" % epoch)
    for epoch in (0, 1, -1, 99):
        pair.ask("Fetch", _body(topic, _part(2, last_fetched_epoch=epoch)),
                 _body(topic, _part(100, last_fetched_epoch=epoch)), low=12,
                 note="fetched epoch %d" % epoch)
    for start in (0, 5, -1, -7):
        pair.ask("Fetch", _body(topic, _part(0, log_start_offset=start)),
                 low=5, note="log start %d" % start)
    pair.ask("Fetch", _body(topic, _part(0), rack_id="r1"), low=11,
             note="rack")
    for replica in (1, 2, -2, -3):
        pair.ask("Fetch", _body(topic, _part(0), replica_id=replica,
                                replica_state={"replica_id": replica}),
                 low=11, note="replica %d" % replica)
    pair.ask("Fetch", _body(topic, _part(0), cluster_id="other"), low=12,
             note="cluster id")


def sessions(pair):
    one, two = pair.topic("fetch-d", 3), pair.topic("fetch-e", 2)

    def session(side):
        return side.kept["session"]

    def ask(note, version, epoch, *topics, forget=(), number=session):
        out = pair.at("Fetch", version, {
            "max_wait_ms": 0, "min_bytes": 0, "max_bytes": BIG,
            "session_id": number, "session_epoch": epoch, "topics": [
                {"topic": t, "topic_id": id_of(t), "partitions": parts}
                for t, parts in topics], "forgotten_topics_data": [
                    {"topic": t, "topic_id": id_of(t), "partitions": parts}
                    for t, parts in forget]}, note)
        for side, answer in zip(pair.sides, out):
            if isinstance(answer, dict) and answer.get("session_id"):
                side.kept["session"] = answer["session_id"]
    for v in pair.versions("Fetch", 7):
        start = 3 * (v - 7)
        for side in pair.sides:
            side.kept["session"] = 0

        def own(offset=None, index=0):
            return [_part(start if offset is None else offset, index)]
        ask("new", v, 0, (one, own() + own(0, 1)), (two, own(0)), number=0)
        ask("idle", v, 1)
        _fill(pair, one, count=2)
        ask("grown", v, 2)
        ask("not moved on", v, 3)
        ask("moved on", v, 4, (one, own(start + 3)))
        ask("idle again", v, 5)
        ask("one more", v, 6, (two, own(0, 1)))
        ask("forgotten", v, 7, forget=[(one, [0])])
        ask("forgotten twice", v, 8, forget=[(one, [0]), (two, [7])])
        ask("bad partition", v, 9, (one, own(0, 9)))
        ask("still bad", v, 10)
        ask("bad offset", v, 11, (one, own(1 << 40)))
        ask("still bad offset", v, 12)
        ask("epoch repeated", v, 12)
        ask("epoch ahead", v, 77)
        ask("after wrong epochs", v, 13)
        ask("full in a session", v, 0, (one, own()))
        ask("no such session", v, 5, number=12345)
        ask("negative epoch", v, -1, (one, own()))
        ask("ended", v, 5)
        ask("negative session", v, 3, number=-5)
        ask("epoch -2", v, -2, (one, own()), number=0)
        ask("session 0, epoch 5", v, 5, (one, own()), number=0)
        # Only good partitions go into a second, which names change under.
    for v in pair.versions("Fetch", 7):
        for side in pair.sides:
            side.kept["session"] = 0
        name = pair.topic("fetch-gone-%d" % v)
        ask("with a topic", v, 0, (name, [_part(0)]), number=0)
        for side in pair.sides:
            side.call("DeleteTopics", 5, {"topic_names": [name],
                                          "timeout_ms": 9000})
        ask("that is gone", v, 1)


def waits(pair):
    """A fetch that waits is answered by a produce on another connection."""
    topic = pair.topic("fetch-wait")
    if not pair.has("Fetch"):
        return
    body = _body(topic, _part(0), max_wait_ms=8000)
    for side in pair.sides:
        side.send_request("Fetch", 12, body)
        waiting, side.socket = side.socket, None
        side.kept["waiting"] = waiting
    _fill(pair, topic, count=1)
    answers = []
    for side in pair.sides:
        side.close()
        side.socket = side.kept.pop("waiting")
        frame = side.receive()
        answers.append(frame if isinstance(frame, str) else
                       side.protocol.response("Fetch", 12, frame)[1])
    pair.compare("Fetch", 12, "woken", answers)


def many(pair):
    """100 partitions in a session: idle ones are not in the answer."""
    topic = pair.topic("fetch-many", 100)
    parts = [_part(0, i) for i in range(100)]
    out = pair.at("Fetch", 12, _body(topic, *parts, session_epoch=0), "first")
    for side, answer in zip(pair.sides, out):
        side.kept["session"] = answer["session_id"]
    for epoch in (1, 2):
        pair.at("Fetch", 12, _body(
            None, session_id=lambda side: side.kept["session"],
            session_epoch=epoch), "idle")


def cut(pair):
    """Offsets that lie inside of batches, and nothing but whole ones."""
    topic = pair.topic("fetch-cut")
    rows = [record(i, None, b"x" * 50) for i in range(100)]
    for _ in range(3):
        pair.same("Produce", {"acks": -1, "timeout_ms": 9000, "topic_data": [{
            "topic_id": id_of(topic), "name": topic, "partition_data": [{
                "index": 0, "records": make(rows, base_time=1)}]}]}, "filled")
    size = struct.unpack(">i", make(rows, base_time=1)[8:12])[0] + 12
    for most in (1, size - 1, size, size + 1, 2 * size - 1, 2 * size):
        for offset in (0, 50, 99, 100, 299):
            pair.same("Fetch", _body(topic, _part(offset, most=most)),
                      "%d of %d at %d" % (most, size, offset))
