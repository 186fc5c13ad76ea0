"""ElectLeaders, reassignments, DescribeQuorum, UpdateFeatures,
UnregisterBroker, client quotas, client telemetry."""
import struct

PRODUCE, CONSUME = "producer_byte_rate", "consumer_byte_rate"


def elect(pair):
    topic = pair.topic("adm-elect", 2)
    api = "ElectLeaders"
    for kind in (0, 1, 2, -1):
        pair.ask(api, {"election_type": kind, "timeout_ms": 9000,
                       "topic_partitions": [{"topic": topic,
                                             "partitions": [0, 1, 9, -1]}]},
                 {"election_type": kind, "timeout_ms": 9000,
                  "topic_partitions": [{"topic": "adm-absent",
                                        "partitions": [0]}]},
                 {"election_type": kind, "timeout_ms": 9000,
                  "topic_partitions": []}, note="kind %d" % kind)
        pair.ask(api, {"election_type": kind, "timeout_ms": 9000,
                       "topic_partitions": None}, note="all, kind %d" % kind)


def reassign(pair):
    topic = pair.topic("adm-move", 2)
    api = "AlterPartitionReassignments"

    def move(note, index, replicas, name=topic, **more):
        pair.ask(api, dict({"timeout_ms": 9000, "topics": [{
            "name": name, "partitions": [{
                "partition_index": index, "replicas": replicas}]}]}, **more),
                 note=note)
    move("to itself", 0, [1])
    move("cancel", 0, None)
    move("to another", 0, [2])
    move("to two", 0, [1, 2])
    move("to one twice", 0, [1, 1])
    move("to none", 0, [])
    move("to -1", 0, [-1])
    move("partition 9", 9, [1])
    move("cancel 9", 9, None)
    move("partition -1", -1, [1])
    move("absent", 0, [1], "adm-absent")
    move("no name", 0, [1], "")
    move("same factor only", 0, [1], allow_replication_factor_change=False)
    pair.ask(api, {"timeout_ms": 9000, "topics": []}, note="none")
    part = {"partition_index": 0, "replicas": [1]}
    pair.ask(api, {"timeout_ms": 9000, "topics": [
        {"name": topic, "partitions": [part, part]}]}, note="twice")
    api = "ListPartitionReassignments"
    pair.ask(api, {"timeout_ms": 9000, "topics": None},
             {"timeout_ms": 9000, "topics": []},
             {"timeout_ms": 9000, "topics": [
                 {"name": topic, "partition_indexes": [0, 9, -1]}]},
             {"timeout_ms": 9000, "topics": [
                 {"name": "adm-absent", "partition_indexes": [0]}]},
             note="listed")


def quorum(pair):
    for name, index in (("__cluster_metadata", 0), ("__cluster_metadata", 1),
                        ("other", 0), ("", 0)):
        pair.ask("DescribeQuorum", {"topics": [{
            "topic_name": name, "partitions": [{"partition_index": index}]}]},
                 note="%s-%d" % (name, index))
    pair.ask("DescribeQuorum", {"topics": []}, {"topics": [
        {"topic_name": "__cluster_metadata", "partitions": []}]},
             {"topics": [{"topic_name": "__cluster_metadata", "partitions": [
                 {"partition_index": 0}, {"partition_index": 0}]}]},
             note="odd")


def features(pair):
    def update(note, *rows, validate=True):
        pair.ask("UpdateFeatures", {
            "timeout_ms": 9000, "validate_only": validate,
            "feature_updates": [dict({"feature": f, "max_version_level": n},
                                     **more) for f, n, more in rows]},
                 note=note, low=1)
    for name in ("group.version", "metadata.version", "kraft.version",
                 "transaction.version", "share.version", "streams.version",
                 "eligible.leader.replicas.version", "nonsense", ""):
        for level in (0, 1, 99, -1):
            for kind in (1, 2, 3):
                update("%s to %d by %d" % (name, level, kind),
                       (name, level, {"upgrade_type": kind}))
    for kind in (0, 4, -1):
        update("by %d" % kind, ("group.version", 1, {"upgrade_type": kind}))
    update("none")
    update("twice", ("group.version", 1, {}), ("group.version", 1, {}))
    update("good and bad", ("group.version", 1, {}), ("nonsense", 1, {}))
    for low in (False, True):
        pair.ask("UpdateFeatures", {"timeout_ms": 9000, "feature_updates": [
            {"feature": "group.version", "max_version_level": 99,
             "allow_downgrade": low}]}, high=0, note="downgrade %s" % low)
    update("to what it is", ("group.version", 1, {}), validate=False)
    pair.ask("ApiVersions", {"client_software_name": "d",
                             "client_software_version": "1"}, low=3)


def unregister(pair):
    for broker in (4711, -1, 2):
        pair.ask("UnregisterBroker", {"broker_id": broker},
                 note="broker %d" % broker)


def _entity(**names):
    return [{"entity_type": k.replace("_", "-"), "entity_name": v}
            for k, v in names.items()]


def quotas(pair):
    def alter(note, entity, *ops, validate=False):
        pair.ask("AlterClientQuotas", {"entries": [{
            "entity": entity, "ops": [
                {"key": k, "value": float(v or 0), "remove": v is None}
                for k, v in ops]}], "validate_only": validate}, note=note)

    def show(note, *parts, strict=False):
        pair.ask("DescribeClientQuotas", {"components": [
            {"entity_type": t, "match_type": m, "match": w}
            for t, m, w in parts], "strict": strict}, note=note)
    show("none yet")
    entities = {
        "user": _entity(user="ann"), "default user": _entity(user=None),
        "client": _entity(client_id="app"),
        "default client": _entity(client_id=None),
        "both": _entity(user="ann", client_id="app"),
        "user, default client": _entity(user="ann", client_id=None),
        "default both": _entity(user=None, client_id=None),
        "ip": _entity(ip="127.1.2.3"), "default ip": _entity(ip=None),
        "bad ip": _entity(ip="not an address"),
        "name as ip": _entity(ip="localhost"),
        "ip and user": _entity(ip="127.1.2.3", user="ann"),
        "unknown type": _entity(nonsense="x"), "nothing": [],
        "empty name": _entity(user=""),
        "twice": _entity(user="ann") + _entity(user="bob"),
    }
    for name, entity in entities.items():
        key = "connection_creation_rate" if "ip" in name else PRODUCE
        alter("%s, validated" % name, entity, (key, 1e9), validate=True)
        alter(name, entity, (key, 1e9))
    user = entities["user"]
    for key, value in ((CONSUME, 1e9), ("request_percentage", 2000),
                       ("controller_mutation_rate", 1e6), (PRODUCE, 0),
                       (PRODUCE, -1), (PRODUCE, 0.5), (PRODUCE, 1.5),
                       (PRODUCE, 1e300), ("request_percentage", 0.5),
                       ("connection_creation_rate", 5), ("nonsense", 1),
                       ("", 1), ("SCRAM-SHA-256", 1)):
        alter("%s=%s" % (key, value), user, (key, value))
    alter("connection rate of 0.5", entities["ip"],
          ("connection_creation_rate", 0.5))
    alter("producer rate of an ip", entities["ip"], (PRODUCE, 1000))
    alter("twice", user, (CONSUME, 1e9), (CONSUME, 2e9))
    alter("nan", user, (CONSUME, "nan"), validate=True)
    alter("no ops", user)
    show("all")
    show("all, strict", strict=True)
    for strict in (False, True):
        for kind in ("user", "client-id", "ip"):
            for match, name in ((0, "ann"), (0, "app"), (1, None), (2, None),
                                (0, None), (1, "x"), (3, None), (-1, None)):
                show("%s %d %s %s" % (kind, match, name, strict),
                     (kind, match, name), strict=strict)
        show("both %s" % strict, ("user", 0, "ann"), ("client-id", 0, "app"),
             strict=strict)
        show("user and ip %s" % strict, ("user", 2, None), ("ip", 2, None),
             strict=strict)
        show("twice %s" % strict, ("user", 2, None), ("user", 2, None),
             strict=strict)
        show("unknown %s" % strict, ("nonsense", 2, None), strict=strict)
        show("empty %s" % strict, ("", 2, None), strict=strict)
    for name, entity in entities.items():
        alter("%s, removed" % name, entity, *[(k, None) for k in (
            ("connection_creation_rate",) if "ip" in name else
            (PRODUCE, CONSUME, "request_percentage",
             "controller_mutation_rate"))])
    alter("removed again", user, (PRODUCE, None))
    show("none left")


def telemetry(pair):
    ask = "GetTelemetrySubscriptions"
    pair.ask(ask, {"client_instance_id": bytes(16)}, note="first")
    pair.ask(ask, {"client_instance_id": b"\3" * 16}, note="own id")
    pair.ask(ask, {"client_instance_id": b"\3" * 16}, note="own id again")
    for number in (0, 5, -1):
        pair.ask("PushTelemetry", {"client_instance_id": b"\3" * 16,
                                   "subscription_id": number, "metrics": b""},
                 note="push %d" % number)
    pair.ask("PushTelemetry", {"client_instance_id": bytes(16)},
             {"client_instance_id": b"\4" * 16, "compression_type": 9},
             {"client_instance_id": b"\4" * 16, "terminating": True},
             note="push badly")


def frames(pair):
    """Frames that are no requests."""
    def head(key, version, rest=b""):
        return struct.pack(">hhih", key, version, 5, -1) + rest
    for note, key, version in (
            ("unknown api", 999, 0), ("negative api", -1, 0),
            ("controller's api", 52, 0), ("api that is gone", 4, 0),
            ("unknown version", 3, 99), ("negative version", 3, -1),
            ("version too old", 1, 3), ("produce too old", 0, 2),
            ("produce of 0", 0, 0)):
        pair.raw("Frame", 0, note, head(key, version))
    for note, frame in (
            ("empty", b""), ("3 bytes", b"\0\0\0"), ("no header", head(3, 1)[:7]),
            ("cut header", head(3, 1)[:9]), ("cut body", head(3, 1)),
            ("bytes after the body", head(3, 1, b"\0\0\0\0" + b"abc")),
            ("array too long", head(3, 1, b"\x7f\xff\xff\xff")),
            ("array of -2", head(3, 1, b"\xff\xff\xff\xfe")),
            ("null where none may be", head(3, 0, b"\xff\xff\xff\xff")),
            ("string too long", head(3, 1, b"\0\0\0\1\x7f\xff")),
            ("string of -2", head(3, 1, b"\0\0\0\1\xff\xfe")),
            ("bad utf-8", head(3, 1, b"\0\0\0\1\0\2\xff\xfe")),
            ("unknown tag", head(18, 3, b"\0\2a\0021\1\7\2ab")),
            ("ApiVersions v99", head(18, 99)),
            ("ApiVersions v-1", head(18, -1)),
            ("ApiVersions v3 cut", head(18, 3, b"\0"))):
        pair.raw("Frame", 0, note, frame)
    pair.raw("Frame", 0, "length -1", b"", length=-1)
    pair.raw("Frame", 0, "length of 200 MB", b"", length=200 << 20)
    pair.raw("Frame", 0, "length of 2 GB", b"", length=0x7fffffff)
