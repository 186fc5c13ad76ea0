"""CreateTopics, CreatePartitions, DeleteTopics."""
from pair import id_of

ABSENT = b"\7" * 16
one = {"num_partitions": 1, "replication_factor": 1}
auto = {"num_partitions": -1, "replication_factor": -1}


def _create(pair, note, *topics, validate=False):
    pair.same("CreateTopics", {"topics": topics, "validate_only": validate,
                               "timeout_ms": 9000}, note)


def create(pair):
    for validate in (True, False):
        pair.ask("CreateTopics", lambda v, o=validate: {
            "topics": [dict(one, name="made-%d" % v), dict(
                one, name="made-%d-configs" % v, num_partitions=3, configs=[
                    {"name": "retention.ms", "value": "3600000"},
                    {"name": "cleanup.policy", "value": "compact,delete"}])],
            "validate_only": o, "timeout_ms": 9000},
                 note="validate" if validate else "make")
    pair.ask("CreateTopics", lambda v: {
        "topics": [dict(one, name="made-%d" % v)], "timeout_ms": 9000},
             note="again")
    pair.ask("CreateTopics", lambda v: {
        "topics": [dict(one, name="made-%d" % v)], "timeout_ms": 9000,
        "validate_only": True}, note="validate again")
    pair.ask("CreateTopics", lambda v: {
        "topics": [dict(auto, name="made-%d-auto" % v)], "timeout_ms": 9000},
             low=4, note="defaults")
    pair.ask("CreateTopics", lambda v: {
        "topics": [dict(auto, name="x")], "timeout_ms": 9000},
             high=3, note="defaults in old versions")
    pair.ask("Metadata", {"topics": [{"name": "made-7-configs"}]}, high=9,
             note="of what was made")


def create_names(pair):
    for name in ("", ".", "..", "bad!", "with space", "a" * 249, "a" * 250,
                 "é", "a/b", "UPPER_lower-0.9", "__cluster_metadata",
                 "__consumer_offsets", "__transaction_state", "-", "_"):
        _create(pair, "name %r" % name[:30], dict(one, name=name),
                validate=True)
    _create(pair, "a.b", dict(one, name="a.b"))
    _create(pair, "a_b collides", dict(one, name="a_b"))
    _create(pair, "a.b and a_b of one request", dict(one, name="c.d"),
            dict(one, name="c_d"))
    _create(pair, "twice in one request", dict(one, name="twice"),
            dict(one, name="twice"), dict(one, name="other"))
    _create(pair, "no topics")
    pair.ask("CreateTopics", {"topics": [dict(one, name=None)]}, note="null")


def create_counts(pair):
    for parts in (0, -1, -2, 1, 100001, 2147483647, -2147483648):
        _create(pair, "%d partitions" % parts, dict(
            one, name="count", num_partitions=parts), validate=True)
    for factor in (0, -1, -2, 2, 32767, -32768):
        _create(pair, "factor %d" % factor, dict(
            one, name="count", replication_factor=factor), validate=True)


def create_assignments(pair):
    def assigned(note, *rows, parts=-1, factor=-1, validate=True):
        _create(pair, note, {
            "name": "placed" + ("" if validate else note.replace(" ", "")),
            "num_partitions": parts, "replication_factor": factor,
            "assignments": [{"partition_index": i, "broker_ids": ids}
                            for i, ids in rows]}, validate=validate)
    assigned("one", (0, [1]))
    assigned("made", (0, [1]), (1, [1]), validate=False)
    assigned("with a count", (0, [1]), parts=1)
    assigned("with a factor", (0, [1]), factor=1)
    assigned("with both", (0, [1]), parts=1, factor=1)
    assigned("unknown broker", (0, [2]))
    assigned("negative broker", (0, [-1]))
    assigned("broker twice", (0, [1, 1]))
    assigned("no broker", (0, []))
    assigned("not from 0", (1, [1]))
    assigned("a gap", (0, [1]), (2, [1]))
    assigned("one twice", (0, [1]), (0, [1]))
    assigned("negative index", (-1, [1]))
    assigned("unequal lengths", (0, [1]), (1, [1, 2]))


def create_configs(pair):
    def config(name, value):
        _create(pair, "config %s=%s" % (name, value), dict(
            one, name="conf", configs=[{"name": name, "value": value}]),
                validate=True)
    for name, value in (
            ("no.such.key", "1"), ("", "1"), ("retention.ms", None),
            ("retention.ms", ""), ("retention.ms", "abc"),
            ("retention.ms", "-1"), ("retention.ms", "-2"),
            ("retention.ms", " 5 "), ("retention.ms", "1.5"),
            ("retention.ms", "9223372036854775808"),
            ("segment.bytes", "1"), ("segment.bytes", "1048576"),
            ("segment.bytes", "2147483648"), ("max.message.bytes", "-1"),
            ("cleanup.policy", "nonsense"), ("cleanup.policy", ""),
            ("cleanup.policy", "delete,delete"), ("cleanup.policy", "compact"),
            ("cleanup.policy", "delete, compact"),
            ("compression.type", "zstd"), ("compression.type", "ZSTD"),
            ("compression.type", "nonsense"),
            ("compression.gzip.level", "0"), ("compression.gzip.level", "9"),
            ("compression.gzip.level", "10"), ("compression.gzip.level", "-1"),
            ("compression.lz4.level", "0"), ("compression.lz4.level", "17"),
            ("compression.lz4.level", "18"), ("compression.zstd.level", "22"),
            ("compression.zstd.level", "23"),
            ("compression.zstd.level", "-131072"),
            ("compression.zstd.level", "-131073"),
            ("message.timestamp.type", "LogAppendTime"),
            ("message.timestamp.type", "logappendtime"),
            ("min.cleanable.dirty.ratio", "1.5"),
            ("min.cleanable.dirty.ratio", "0.5"),
            ("min.cleanable.dirty.ratio", "NaN"),
            ("min.insync.replicas", "0"), ("min.insync.replicas", "3"),
            ("unclean.leader.election.enable", "true"),
            ("unclean.leader.election.enable", "yes"),
            ("preallocate", "TRUE"), ("message.format.version", "3.0"),
            ("message.downconversion.enable", "false"),
            ("follower.replication.throttled.replicas", "*"),
            ("follower.replication.throttled.replicas", "0:1"),
            ("follower.replication.throttled.replicas", "x"),
            ("leader.replication.throttled.replicas", "0:1,1:1"),
            ("remote.storage.enable", "true"),
            ("remote.storage.enable", "false"),
            ("local.retention.ms", "5"), ("local.retention.ms", "-2"),
            ("local.retention.bytes", "-3"),
            ("message.timestamp.before.max.ms", "-1"),
            ("message.timestamp.after.max.ms", "0"),
            ("max.compaction.lag.ms", "0"), ("max.compaction.lag.ms", "1"),
            ("min.compaction.lag.ms", "-1"), ("segment.ms", "0"),
            ("segment.jitter.ms", "-1"), ("segment.index.bytes", "3"),
            ("segment.index.bytes", "4"), ("index.interval.bytes", "-1"),
            ("flush.ms", "-1"), ("flush.messages", "0"),
            ("file.delete.delay.ms", "-1"), ("delete.retention.ms", "-1"),
            ("retention.bytes", "-2"), ("log.retention.ms", "1")):
        config(name, value)
    _create(pair, "min over max lag", dict(one, name="conf", configs=[
        {"name": "min.compaction.lag.ms", "value": "10"},
        {"name": "max.compaction.lag.ms", "value": "5"}]), validate=True)
    _create(pair, "local over whole retention", dict(one, name="conf", configs=[
        {"name": "local.retention.ms", "value": "10"},
        {"name": "retention.ms", "value": "5"}]), validate=True)
    _create(pair, "key twice", dict(one, name="conf", configs=[
        {"name": "retention.ms", "value": "10"},
        {"name": "retention.ms", "value": "5"}]), validate=True)


def grow(pair):
    for v in pair.versions("CreatePartitions"):
        pair.topic("grow-%d" % v)
    api = "CreatePartitions"

    def body(count, assignments=None, name="grow-%d", validate=False):
        return lambda v: {
            "topics": [{"name": name % v if "%" in name else name,
                        "count": count, "assignments": assignments and [
                            {"broker_ids": ids} for ids in assignments]}],
            "timeout_ms": 9000, "validate_only": validate}
    pair.ask(api, body(3, validate=True), note="validate")
    pair.ask(api, body(2), note="2")
    for count in (2, 1, 0, -1):
        pair.ask(api, body(count, validate=True), note="to %d" % count)
    pair.ask(api, body(4, name="grow-absent"), body(4, name=""),
             body(4, name="bad!"), note="names")
    for ids in ([[1]], [[1], [1]], [[2], [1]], [[1, 1], [1]], [[], []],
                [[1], [1], [1]], [[1], [1, 2]], [[-1], [1]], []):
        pair.ask(api, body(4, ids, validate=True), note="placed %s" % ids)
    pair.ask(api, body(4, [[1], [1]]), note="placed")
    pair.ask(api, lambda v: {"topics": [
        {"name": "grow-%d" % v, "count": 5, "assignments": None},
        {"name": "grow-%d" % v, "count": 6, "assignments": None}],
        "timeout_ms": 9000}, note="twice")
    pair.ask(api, {"topics": [], "timeout_ms": 9000}, note="none")
    pair.ask("Metadata", {"topics": [{"name": "grow-3"}]}, high=9, note="after")


def delete(pair):
    api = "DeleteTopics"
    for v in pair.versions(api):
        for kind in "abc":
            pair.topic("gone-%d-%s" % (v, kind))
    pair.ask(api, lambda v: {
        "topics": [{"name": "gone-%d-a" % v}, {"name": "gone-absent"}],
        "topic_names": ["gone-%d-a" % v, "gone-absent"], "timeout_ms": 9000},
             note="by name")
    pair.ask(api, lambda v: {
        "topics": [{"name": "gone-%d-a" % v}],
        "topic_names": ["gone-%d-a" % v], "timeout_ms": 9000}, note="again")
    pair.ask(api, lambda v: {
        "topics": [{"name": None, "topic_id": id_of("gone-%d-b" % v)},
                   {"name": None, "topic_id": ABSENT}], "timeout_ms": 9000},
             low=6, note="by id")
    def bad(*topics):
        return {"topics": topics, "timeout_ms": 9000}
    pair.ask(api, bad({"name": None, "topic_id": bytes(16)}),
             bad({"name": "", "topic_id": bytes(16)}),
             bad({"name": "gone-6-c", "topic_id": id_of("gone-6-c")}),
             bad({"name": "bad!"}, {"name": "gone-absent"},
                 {"name": "gone-absent"}), bad(), low=6, note="bad")
    pair.ask(api, lambda v: {
        "topics": [{"name": "gone-%d-c" % v}, {"name": "gone-%d-c" % v}],
        "topic_names": ["gone-%d-c" % v] * 2, "timeout_ms": 9000},
             note="twice in one")
    for name in ("", "bad!", "__cluster_metadata"):
        pair.ask(api, {"topic_names": [name], "timeout_ms": 9000}, high=5,
                 note="name %r" % name)
