"""What cannot be the same in two brokers' answers, made the same.

A field is masked by its name, by API where needed.  Elements of arrays are
compared by what they are about, not by their order, which Kafka does not keep.
"""
import time

import batches

ZERO = bytes(16)

# The fields that say what an element of an array is about.
SUBJECT = ("api_key", "resource_type", "resource_name", "name", "topic_name",
           "topic", "topic_id", "partition_index", "partition", "index",
           "feature", "entity_type", "entity_name", "key", "producer_id", "broker_id",
           "node_id", "replica_id", "principal", "config_name", "log_dir",
           "group_id", "transactional_id", "source", "entity", "user",
           "member_id")


def topic_id(side, value, _api):
    if value == ZERO:
        return "none"
    for name, known in side.topics.items():
        if known == value:
            return "id of %s" % name
    # A test's own is one byte again and again; the rest is made by the broker.
    return value.hex() if len(set(value)) == 1 else "an id"


def text(_side, value, _api):
    return value if not value else "a text"


def some(word):
    def masked(_side, value, _api):
        return word if value not in (None, 0, -1, "", ZERO) else value
    return masked


def host(side, value, _api):
    return "its host" if value == side.address[0] else value


def port(side, value, _api):
    return "its port" if value == side.address[1] else value


def cluster(side, value, _api):
    return "its cluster" if value == side.cluster else value


def producer(side, value, _api):
    if value in side.producers:
        return "producer %d" % side.producers.index(value)
    return value if value < 0 or value in (77777, 77778) else "an id"


def member(side, value, _api):
    """A broker makes them; a test's own begin with own-."""
    for name, known in side.members.items():
        if known and known == value:
            return "member %s" % name
    return value if not value or value.startswith("own-") else "an id"


def clock(side, value, _api):
    """A time of the broker's own clock; tests send only earlier ones."""
    now = int(time.time() * 1000)
    return "now" if side.started_ms <= value <= now + 1000 else value


def records(side, value, _api):
    """A line of what is in the batches; their contents as a checksum."""
    if not value:
        return value
    out, cut = batches.read(value)
    words = []
    for b in out:
        first = b["base_offset"]
        words.append("%d-%d: %d of %d bytes, times %s %s, producer %s %d %d, "
                     "attributes %x, epoch %d, crc %s, contents %s" % (
                         first, first + b["last_offset_delta"],
                         b["records_count"], b["batch_length"],
                         clock(side, b["base_timestamp"], None),
                         clock(side, b["max_timestamp"], None),
                         producer(side, b["producer_id"], None),
                         b["producer_epoch"], b["base_sequence"],
                         b["attributes"], b["partition_leader_epoch"],
                         "right" if b["crc_is_right"] else "wrong",
                         b["contents"]))
    if cut:
        words.append("%d bytes of another" % cut)
    return "; ".join(words)


MASKS = {
    "topic_id": topic_id,
    "error_message": text, "error_string": text,
    "batch_index_error_message": text, "documentation": text,
    "host": host, "port": port, "cluster_id": cluster,
    "producer_id": producer, "log_dir": some("a folder"),
    "total_bytes": some("bytes"), "usable_bytes": some("bytes"),
    "session_id": some("a session"),
    "timestamp": clock, "log_append_time_ms": clock, "last_timestamp": clock,
    "finalized_features_epoch": some("an epoch"),
    "broker_epoch": some("an epoch"),
    "client_instance_id": some("an id"), "subscription_id": some("an id"),
    "records": records, "member_id": member, "leader": member,
    ("DescribeQuorum", "log_end_offset"): some("an offset"),
    ("DescribeQuorum", "high_watermark"): some("an offset"),
    ("DescribeQuorum", "leader_epoch"): some("an epoch"),
    ("DescribeQuorum", "last_fetch_timestamp"): clock,
    ("DescribeQuorum", "last_caught_up_timestamp"): clock,
    ("DescribeQuorum", "replica_directory_id"): some("an id"),
}


def answer(api, value, side):
    if isinstance(value, dict):
        return {k: one(api, k, v, side) for k, v in value.items()}
    return value


def one(api, name, value, side):
    masked = MASKS.get((api, name)) or MASKS.get(name)
    if masked and not isinstance(value, (list, dict)):
        return masked(side, value, api)
    if isinstance(value, dict):
        return answer(api, value, side)
    if isinstance(value, list):
        return [one(api, name, v, side) for v in value]
    return value


def subject(element):
    words = []
    for name in SUBJECT:
        value = element.get(name)
        if isinstance(value, list):
            value = ",".join(str(v) for e in value for v in e.values()) \
                if value and isinstance(value[0], dict) else ""
        if value is not None and not isinstance(value, dict):
            words.append(str(value))
    return " ".join(words)


def by_subject(elements):
    """Or by position where an element is about nothing."""
    out = {}
    for position, element in enumerate(elements):
        name = subject(element) if isinstance(element, dict) else ""
        name = name or str(position)
        count = 2
        while name in out:
            name = "%s #%d" % (name.split(" #")[0], count)
            count += 1
        out[name] = element
    return out


def brief(value):
    """A whole element that one side alone has."""
    if isinstance(value, dict) and "error_code" in value:
        return "present, error_code %d" % value["error_code"]
    if isinstance(value, (dict, list)) and value:
        return "present"
    return value


def differences(path, ours, theirs):
    """(path, ours, theirs) of every leaf that is not the same."""
    if ours == theirs and type(ours) is type(theirs):
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in list(ours) + [n for n in theirs if n not in ours]:
            yield from differences(
                "%s.%s" % (path, name) if path else name,
                ours.get(name, "absent"), theirs.get(name, "absent"))
    elif is_rows(ours) and is_rows(theirs) and (ours or theirs):
        mine, other = by_subject(ours), by_subject(theirs)
        for name in list(mine) + [n for n in other if n not in mine]:
            yield from differences(
                "%s[%s]" % (path, name), mine.get(name, "absent"),
                other.get(name, "absent"))
    elif isinstance(ours, list) and isinstance(theirs, list) and \
            sorted(map(str, ours)) == sorted(map(str, theirs)):
        return
    else:
        yield path or "answer", brief(ours), brief(theirs)


def is_rows(value):
    return isinstance(value, list) and \
        all(isinstance(v, dict) for v in value)
