"""DescribeConfigs, IncrementalAlterConfigs, AlterConfigs, ListConfigResources."""
TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3


def _change(pair, note, kind, name, *rows, validate=False):
    pair.ask("IncrementalAlterConfigs", {"resources": [{
        "resource_type": kind, "resource_name": name, "configs": [
            {"name": k, "config_operation": op, "value": v}
            for k, op, v in rows]}], "validate_only": validate}, note=note)


def _show(pair, note, kind, name, keys=None):
    if not pair.has("DescribeConfigs"):
        return
    pair.ask("DescribeConfigs", {"resources": [{
        "resource_type": kind, "resource_name": name,
        "configuration_keys": keys}], "include_synonyms": True,
        "include_documentation": True}, note=note)


def describe_topic(pair):
    pair.topic("conf-a", 1, {"retention.ms": "3600000"})
    _show(pair, "all", TOPIC, "conf-a")
    _show(pair, "two", TOPIC, "conf-a", ["retention.ms", "segment.bytes"])
    _show(pair, "unknown key", TOPIC, "conf-a", ["no.such", "retention.ms"])
    _show(pair, "no key", TOPIC, "conf-a", [])
    _show(pair, "key twice", TOPIC, "conf-a", ["retention.ms"] * 2)
    for name in ("conf-absent", "", "bad!", "__cluster_metadata"):
        _show(pair, "name %r" % name, TOPIC, name)
    pair.ask("DescribeConfigs", {"resources": [{
        "resource_type": TOPIC, "resource_name": "conf-a",
        "configuration_keys": None}]}, note="without synonyms")
    pair.ask("DescribeConfigs", {"resources": []}, note="nothing")
    pair.ask("DescribeConfigs", {"resources": [
        {"resource_type": TOPIC, "resource_name": "conf-a",
         "configuration_keys": ["retention.ms"]}] * 2}, note="twice")


def describe_broker(pair):
    _show(pair, "all", BROKER, "1")
    _show(pair, "default", BROKER, "")
    for name in ("2", "x", "-1", "1 "):
        _show(pair, "name %r" % name, BROKER, name)
    _show(pair, "two", BROKER, "1", ["log.retention.ms", "num.io.threads"])


def describe_others(pair):
    _show(pair, "logger", LOGGER, "1", [])
    _show(pair, "logger elsewhere", LOGGER, "2")
    _show(pair, "logger without a name", LOGGER, "")
    _show(pair, "logger x", LOGGER, "x")
    _show(pair, "metrics", METRICS, "cm-absent")
    _show(pair, "metrics without a name", METRICS, "")
    _show(pair, "group", GROUP, "g-absent")
    _show(pair, "group without a name", GROUP, "")
    for kind in (0, 1, 3, 64, -1):
        _show(pair, "kind %d" % kind, kind, "x")


def alter_topic(pair):
    topic = pair.topic("conf-b")
    keys = ["retention.ms", "cleanup.policy", "segment.ms", "compression.type",
            "max.message.bytes"]

    def change(note, *rows, validate=False):
        _change(pair, note, TOPIC, topic, *rows, validate=validate)
    change("validate", ("retention.ms", SET, "5"), validate=True)
    change("set", ("retention.ms", SET, "7200000"), ("segment.ms", SET, "60000"))
    change("set the same", ("retention.ms", SET, "7200000"))
    change("append", ("cleanup.policy", APPEND, "compact"))
    change("append again", ("cleanup.policy", APPEND, "compact"))
    change("append what it has", ("cleanup.policy", APPEND, "delete"))
    _show(pair, "after append", TOPIC, topic, keys)
    change("subtract", ("cleanup.policy", SUBTRACT, "delete"))
    change("subtract what it has not", ("cleanup.policy", SUBTRACT, "delete"))
    change("subtract a wrong word", ("cleanup.policy", SUBTRACT, "nonsense"))
    change("append a wrong word", ("cleanup.policy", APPEND, "nonsense"))
    change("append to no list", ("retention.ms", APPEND, "1"))
    change("delete", ("segment.ms", DELETE, None))
    change("delete with a value", ("segment.ms", DELETE, "5"))
    change("delete the unset", ("max.message.bytes", DELETE, None))
    change("delete the unknown", ("no.such", DELETE, None))
    change("set the unknown", ("no.such", SET, "1"))
    change("set null", ("retention.ms", SET, None))
    change("set empty", ("retention.ms", SET, ""))
    change("append null", ("cleanup.policy", APPEND, None))
    change("no key", ("", SET, "1"))
    change("wrong operation", ("retention.ms", 4, "1"))
    change("negative operation", ("retention.ms", -1, "1"))
    change("twice", ("retention.ms", SET, "1"), ("retention.ms", SET, "2"))
    change("good and bad", ("retention.ms", SET, "9"), ("segment.ms", SET, "x"))
    change("not positive", ("segment.ms", SET, "0"))
    change("nothing")
    _show(pair, "after all", TOPIC, topic, keys)
    for name in ("conf-absent", "", "bad!", "__cluster_metadata"):
        _change(pair, "name %r" % name, TOPIC, name, ("retention.ms", SET, "1"))
        _change(pair, "name %r validated" % name, TOPIC, name,
                ("retention.ms", SET, "1"), validate=True)
    row = {"resource_type": TOPIC, "resource_name": topic, "configs": [
        {"name": "retention.ms", "config_operation": 0, "value": "1"}]}
    pair.ask("IncrementalAlterConfigs", {"resources": [row, row]},
             {"resources": []}, {"resources": [row, dict(
                 row, resource_name="conf-absent")]}, note="several")


def alter_broker(pair):
    keys = ["log.retention.ms", "message.max.bytes", "num.io.threads",
            "log.segment.bytes", "log.cleaner.threads", "compression.type",
            "unclean.leader.election.enable", "max.connections"]
    for where in ("1", ""):
        def change(note, *rows, validate=False, at=where):
            _change(pair, "%s of %r" % (note, at), BROKER, at, *rows,
                    validate=validate)
        change("validate", ("log.retention.ms", SET, "5000"), validate=True)
        change("set", ("log.retention.ms", SET, "7200000"),
               ("message.max.bytes", SET, "2000000"))
        _show(pair, "after set of %r" % where, BROKER, "1", keys)
        _show(pair, "default after set of %r" % where, BROKER, "")
        change("compression.type", ("compression.type", SET, "gzip"))
        change("bad compression.type", ("compression.type", SET, "x"))
        change("read-only", ("node.id", SET, "7"))
        change("read-only log.dirs", ("log.dirs", SET, "/x"))
        change("read-only auto.create", ("auto.create.topics.enable", SET,
                                         "true"))
        change("unknown", ("no.such", SET, "7"))
        change("not a number", ("log.retention.ms", SET, "x"))
        change("below the least", ("message.max.bytes", SET, "-1"))
        change("threads", ("num.io.threads", SET, "4"))
        change("threads, too many", ("num.io.threads", SET, "4000"))
        change("threads, none", ("num.io.threads", SET, "0"))
        change("listeners", ("listeners", SET, "PLAINTEXT://:0"))
        change("policy", ("log.cleanup.policy", APPEND, "compact"))
        change("back", ("log.retention.ms", DELETE, None),
               ("message.max.bytes", DELETE, None),
               ("compression.type", DELETE, None),
               ("log.cleanup.policy", DELETE, None),
               ("num.io.threads", DELETE, None))
        _show(pair, "after back of %r" % where, BROKER, "1", keys)
    for name in ("2", "x", "-1"):
        _change(pair, "broker %r" % name, BROKER, name,
                ("log.retention.ms", SET, "1"))


def topic_sees_broker(pair):
    """A default of the broker's is what a topic has, and where from."""
    pair.topic("conf-c")
    _change(pair, "default", BROKER, "", ("log.retention.ms", SET, "1111111"))
    _change(pair, "its own", BROKER, "1", ("log.retention.ms", SET, "2222222"))
    _show(pair, "both", TOPIC, "conf-c", ["retention.ms"])
    _change(pair, "no own", BROKER, "1", ("log.retention.ms", DELETE, None))
    _show(pair, "default", TOPIC, "conf-c", ["retention.ms"])
    _change(pair, "none", BROKER, "", ("log.retention.ms", DELETE, None))
    _show(pair, "none", TOPIC, "conf-c", ["retention.ms"])


def alter_others(pair):
    _change(pair, "group", GROUP, "cg", ("consumer.session.timeout.ms", SET,
                                         "50000"))
    _show(pair, "group", GROUP, "cg")
    _change(pair, "group, out of range", GROUP, "cg",
            ("consumer.session.timeout.ms", SET, "1"))
    _change(pair, "group, unknown", GROUP, "cg", ("no.such", SET, "1"))
    _change(pair, "group without a name", GROUP, "",
            ("consumer.session.timeout.ms", SET, "50000"))
    _change(pair, "group, undone", GROUP, "cg",
            ("consumer.session.timeout.ms", DELETE, None))
    _change(pair, "metrics", METRICS, "cm", ("metrics", SET, "a.b,c"),
            ("interval.ms", SET, "1000"),
            ("match", SET, "client_id=x.*"))
    _show(pair, "metrics", METRICS, "cm")
    for key, value in (("interval.ms", "99"), ("interval.ms", "3600001"),
                       ("interval.ms", "x"), ("match", "nonsense"),
                       ("match", "client_id=["), ("match", "no_such=a"),
                       ("no.such", "1")):
        _change(pair, "metrics %s=%s" % (key, value), METRICS, "cm",
                (key, SET, value))
    _change(pair, "metrics without a name", METRICS, "",
            ("interval.ms", SET, "1000"))
    pair.ask("ListConfigResources", {"resource_types": []},
             {"resource_types": [METRICS]}, low=1, note="listed")
    pair.ask("ListConfigResources", {}, high=0, note="listed")
    pair.ask("ListConfigResources", {"resource_types": [BROKER, LOGGER]},
             {"resource_types": [GROUP]}, {"resource_types": [0]},
             {"resource_types": [99]}, {"resource_types": [-1, METRICS]},
             low=1, note="kinds")
    _change(pair, "metrics, undone", METRICS, "cm", ("metrics", DELETE, None),
            ("interval.ms", DELETE, None), ("match", DELETE, None))
    _change(pair, "logger", LOGGER, "1", ("kafka.no.such", SET, "DEBUG"))
    _change(pair, "logger, wrong level", LOGGER, "1", ("root", SET, "LOUD"))
    for kind in (0, 1, 3, 64, -1):
        _change(pair, "kind %d" % kind, kind, "x", ("a", SET, "b"))


def alter_whole(pair):
    topic = pair.topic("conf-d", 1, {"segment.ms": "60000"})

    def alter(note, kind, name, *rows, validate=False):
        pair.ask("AlterConfigs", {"resources": [{
            "resource_type": kind, "resource_name": name, "configs": [
                {"name": k, "value": v} for k, v in rows]}],
            "validate_only": validate}, note=note)
    keys = ["retention.ms", "segment.ms"]
    alter("validate", TOPIC, topic, ("retention.ms", "5000"), validate=True)
    alter("set", TOPIC, topic, ("retention.ms", "5000"))
    _show(pair, "after set", TOPIC, topic, keys)
    alter("null", TOPIC, topic, ("retention.ms", None))
    alter("unknown", TOPIC, topic, ("no.such", "1"))
    alter("bad", TOPIC, topic, ("retention.ms", "x"))
    alter("nothing", TOPIC, topic)
    _show(pair, "after nothing", TOPIC, topic, keys)
    alter("absent", TOPIC, "conf-absent", ("retention.ms", "1"))
    alter("no name", TOPIC, "", ("retention.ms", "1"))
    alter("broker", BROKER, "1", ("log.retention.ms", "7777777"))
    alter("broker, read-only", BROKER, "1", ("node.id", "7"))
    alter("broker, undone", BROKER, "1")
    alter("another broker", BROKER, "2", ("log.retention.ms", "1"))
    alter("logger", LOGGER, "1", ("root", "DEBUG"))
    alter("kind 3", 3, "x", ("a", "b"))
    pair.ask("AlterConfigs", {"resources": []}, note="no resource")
    row = {"resource_type": TOPIC, "resource_name": topic, "configs": []}
    pair.same("AlterConfigs", {"resources": [row, row]}, "twice", patience=1.0)
