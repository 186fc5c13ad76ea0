"""ListOffsets, OffsetForLeaderEpoch, DeleteRecords, DescribeProducers,
DescribeLogDirs."""
from batches import make, record
from pair import id_of


def _fill(pair, topic, count=4):
    for n in range(count):
        pair.same("Produce", {"acks": -1, "timeout_ms": 9000, "topic_data": [{
            "topic_id": id_of(topic), "name": topic, "partition_data": [{
                "index": 0, "records": make(
                    [record(i, b"k", b"v", time=10 * i) for i in range(3)],
                    base_time=1000 * (n + 1), max_time=1000 * (n + 1) + 20,
                    codec="gzip" if n % 2 else None)}]}]}, "filled")


def _list(pair, topic, time, note, index=0, **more):
    epoch = more.pop("epoch", -1)
    pair.ask("ListOffsets", dict({
        "replica_id": -1, "timeout_ms": 5000, "topics": [{
            "name": topic, "partitions": [{
                "partition_index": index, "timestamp": time,
                "current_leader_epoch": epoch}]}]}, **more), note=note)


def list_offsets(pair):
    topic = pair.topic("off-a", 2)
    for time in (-1, -2, -3, -4, -5, -6, -7, 0, 1):
        _list(pair, topic, time, "empty, %d" % time)
    _fill(pair, topic)
    for time in (-1, -2, -3, -4, -5, -6, -7, -100, 0, 999, 1000, 1001, 1010,
                 1011, 1020, 1021, 2000, 2015, 4020, 4021, 1 << 60):
        _list(pair, topic, time, "at %d" % time)
    for index in (2, -1):
        _list(pair, topic, -1, "partition %d" % index, index)
    for name in ("off-absent", "", "bad!"):
        _list(pair, name, -1, "topic %r" % name)
    for epoch in (0, 1, -2):
        _list(pair, topic, -1, "epoch %d" % epoch, epoch=epoch)
        _list(pair, topic, 1010, "time, epoch %d" % epoch, epoch=epoch)
    for level in (1, 2, -1):
        _list(pair, topic, -1, "isolation %d" % level, isolation_level=level)
    for replica in (-2, -3, 1, 2):
        _list(pair, topic, -1, "replica %d" % replica, replica_id=replica)
        _list(pair, topic, 1010, "time, replica %d" % replica,
              replica_id=replica)
    part = {"partition_index": 0, "timestamp": -1}
    pair.ask("ListOffsets", {"replica_id": -1, "topics": [
        {"name": topic, "partitions": [part, dict(part, timestamp=-2)]}]},
             {"replica_id": -1, "topics": []},
             {"replica_id": -1, "topics": [{"name": topic, "partitions": []}]},
             note="twice or none")


def leader_epochs(pair):
    topic = pair.topic("off-b", 2)
    api = "OffsetForLeaderEpoch"

    def ask(note, epoch, current=-1, index=0, name=topic, **more):
        pair.ask(api, dict({"topics": [{"topic": name, "partitions": [
            {"partition": index, "current_leader_epoch": current,
             "leader_epoch": epoch}]}]}, **more), note=note)
    for what in ("empty", "filled"):
        for epoch in (0, 1, 99, -1, -2):
            ask("%s, epoch %d" % (what, epoch), epoch)
        for current in (0, 1, -2):
            ask("%s, current %d" % (what, current), 0, current)
        _fill(pair, topic)
    ask("partition 9", 0, index=9)
    ask("partition -1", 0, index=-1)
    ask("absent topic", 0, name="off-absent")
    for replica in (-1, -3, 1, 2):
        ask("replica %d" % replica, 0, replica_id=replica)
    pair.ask(api, {"topics": []}, note="none")


def delete_records(pair):
    api = "DeleteRecords"
    for v in pair.versions(api):
        topic = pair.topic("off-del-%d" % v, 2)
        _fill(pair, topic)
        for index, offset in ((0, 0), (0, 4), (0, 4), (0, 2), (0, 12), (0, 13),
                              (0, -2), (0, -1), (1, 0), (1, 1), (1, -1),
                              (9, 0), (-1, 0)):
            pair.at(api, v, {"timeout_ms": 9000, "topics": [{
                "name": topic, "partitions": [{
                    "partition_index": index, "offset": offset}]}]},
                "%d of partition %d" % (offset, index))
            pair.at("ListOffsets", 7, {"replica_id": -1, "topics": [{
                "name": topic, "partitions": [
                    {"partition_index": 0, "timestamp": t}]}
                for t in (-2,)]}, "start after %d" % offset)
        _fill(pair, topic, 1)
        pair.at("Fetch", 12, {"max_wait_ms": 0, "min_bytes": 0, "topics": [{
            "topic": topic, "partitions": [
                {"partition": 0, "fetch_offset": o,
                 "partition_max_bytes": 1 << 20}]}
            for o in (0,)]}, "below the start")
    pair.ask(api, {"timeout_ms": 9000, "topics": [
        {"name": name, "partitions": [{"partition_index": 0, "offset": 0}]}
        for name in ("off-absent", "__cluster_metadata")]}, note="topics")
    pair.ask(api, {"timeout_ms": 9000, "topics": []}, note="none")
    topic = pair.topic("off-compact", 1, {"cleanup.policy": "compact"})
    _fill(pair, topic, 1)
    pair.ask(api, {"timeout_ms": 9000, "topics": [{
        "name": topic, "partitions": [{"partition_index": 0, "offset": 1}]}]},
             note="compacted topic")


def describe_producers(pair):
    topic = pair.topic("off-prod", 2)
    api = "DescribeProducers"
    producer = pair.producer()
    pair.same("Produce", {"acks": -1, "timeout_ms": 9000, "topic_data": [{
        "topic_id": id_of(topic), "name": topic, "partition_data": [{
            "index": 0, "records": lambda side: make(
                3, base_time=1, producer=producer(side), producer_epoch=0,
                sequence=0)}]}]}, "filled")
    pair.ask(api, {"topics": [{"name": topic,
                               "partition_indexes": [0, 1, 9, -1]}]},
             {"topics": [{"name": "off-absent", "partition_indexes": [0]}]},
             {"topics": [{"name": "", "partition_indexes": [0]}]},
             {"topics": [{"name": "bad!", "partition_indexes": [0]}]},
             {"topics": [{"name": topic, "partition_indexes": [0, 0]}]},
             {"topics": [{"name": topic, "partition_indexes": []}]},
             {"topics": []}, note="asked")


def log_dirs(pair):
    topic = pair.topic("off-dirs", 3)
    _fill(pair, topic)
    api = "DescribeLogDirs"
    pair.ask(api, {"topics": [{"topic": topic, "partitions": [0, 1, 2]}]},
             {"topics": [{"topic": topic, "partitions": [0, 9, -1]}]},
             {"topics": [{"topic": topic, "partitions": []}]},
             {"topics": [{"topic": "off-absent", "partitions": [0]}]},
             {"topics": [{"topic": "", "partitions": [0]}]},
             {"topics": []}, note="asked")
    pair.ask(api, {"topics": None}, note="all")
