"""kafka-python."""
import collections
import re
import threading
import time

from kafka import (ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer,
                   KafkaProducer, OffsetAndMetadata, TopicPartition, errors)
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.cooperative_sticky import \
    CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import \
    StickyPartitionAssignor

import driver

QUICK = {"reconnect_backoff_ms": 10, "reconnect_backoff_max_ms": 100,
         "retry_backoff_ms": 20}


def resource(topic, configs=None):
    return ConfigResource(ConfigResourceType.TOPIC, topic, configs)


ASSIGNORS = {a.name: a for a in (
    RangePartitionAssignor, RoundRobinPartitionAssignor,
    StickyPartitionAssignor, CooperativeStickyAssignor)}


class Member(ConsumerRebalanceListener):
    """Of a group, in a thread: its poll() must not end while it joins, or it
    never learns what it was assigned."""
    POLL_MS = 5000

    def __init__(self, topics, pattern, config):
        self.owned, self.joined, self.error = set(), 0, None
        self.pending = []
        self.batches, self.left = collections.deque(), False
        self.consumer = KafkaConsumer(**config)
        if pattern:
            self.consumer.subscribe(pattern=pattern, listener=self)
        else:
            self.consumer.subscribe(topics, listener=self)
        threading.Thread(target=self.run, daemon=True).start()

    def on_partitions_assigned(self, assigned):
        self.joined += 1
        self.owned = self.owned | {(p.topic, p.partition) for p in assigned}

    def on_partitions_revoked(self, revoked):
        self.owned = self.owned - {(p.topic, p.partition) for p in revoked}
        self.pending = driver.kept(self)

    def on_partitions_lost(self, lost):
        self.on_partitions_revoked(lost)

    def run(self):
        while not self.left and self.error is None:
            try:
                found = self.consumer.poll(self.POLL_MS)
                records = self.pending + [
                    (m.topic, m.partition, m.offset)
                    for some in found.values() for m in some]
                self.pending = records
                committed = self.commit(records)
                self.pending = [] if committed else records
                self.batches.append(driver.batch(records, committed))
            except KeyError:
                pass    # its own: a partition went while offsets were asked
            except (errors.KafkaError, OSError) as error:
                self.error = getattr(error, "errno", None) or str(error)

    def commit(self, records):
        if not records:
            return True
        try:
            self.consumer.commit({
                TopicPartition(t, p): OffsetAndMetadata(o, "", -1)
                for (t, p), o in driver.ends(records).items()})
        except (errors.CommitFailedError, errors.RebalanceInProgressError):
            return False
        return True

    def close(self):
        self.left = True
        self.consumer.close()


class Client:
    def __init__(self, address):
        self.config = dict(QUICK, bootstrap_servers=address)
        self.admin = KafkaAdminClient(**self.config)
        self.consumer = KafkaConsumer(
            **self.config, group_id=None, enable_auto_commit=False,
            auto_offset_reset="none", fetch_max_wait_ms=20)
        self.producers, self.members = {}, {}
        self.sent = []

    def code(self, error):
        return getattr(error, "errno", getattr(error, "code", None))

    # Topics

    def create(self, topic, partitions, configs):
        self.admin.create_topics({topic: {
            "num_partitions": partitions, "replication_factor": 1,
            "configs": configs}}, wait_for_metadata=True)

    def create_many(self, topics, partitions):
        self.admin.create_topics({t: {
            "num_partitions": partitions, "replication_factor": 1}
            for t in topics}, wait_for_metadata=True)

    def delete(self, topic):
        self.admin.delete_topics([topic])

    def delete_many(self, topics):
        self.admin.delete_topics(topics)

    def list(self):
        return {"topics": [t if isinstance(t, str) else t["name"]
                           for t in self.admin.list_topics()]}

    def describe(self, topic):
        found = self.admin.describe_topics([topic])[0]
        return {"partitions": [
            {"partition": p["partition_index"], "leader": p["leader_id"],
             "replicas": p["replica_nodes"], "isr": p["isr_nodes"]}
            for p in found["partitions"]]}

    def configs(self, topic):
        out = self.admin.describe_configs([resource(topic)],
                                          config_filter="all")
        found = list(out.values())[0][topic]
        return {"configs": {k: v["value"] for k, v in found.items()}}

    def alter(self, topic, configs):
        out = self.admin.alter_configs([resource(topic, configs)])
        found = list(out.values())[0][topic]
        self.check({topic: found})

    def grow(self, topic, partitions):
        self.admin.create_partitions({topic: partitions})

    # Records

    def producer(self, codec):
        if codec not in self.producers:
            self.producers[codec] = KafkaProducer(
                **self.config, linger_ms=1,
                compression_type=None if codec == "none" else codec)
        return self.producers[codec]

    def wait(self, producer):
        sent, self.sent = self.sent, []
        producer.flush(driver.WAIT_SECONDS)
        for future in sent:
            future.get(driver.WAIT_SECONDS)

    def produce(self, topic, partition, records, codec="none"):
        producer = self.producer(codec)
        if any(value is None for r in records for _, value in r["headers"]):
            raise driver.Unsupported("its headers have a value")
        for r in records:
            self.sent.append(producer.send(
                topic, driver.raw(r["value"]), driver.raw(r["key"]),
                driver.headers(r), partition, r["time"]))
        try:
            self.wait(producer)
        except errors.KafkaError:
            del self.producers[codec]   # it would tell of it once more
            raise

    def take(self, topic, partition, offset, count):
        at = TopicPartition(topic, partition)
        self.consumer.assign([at])
        self.consumer.seek(at, offset)
        out, end = [], time.monotonic() + driver.WAIT_SECONDS
        while len(out) < count and time.monotonic() < end:
            found = self.consumer.poll(200, max_records=count - len(out))
            for some in found.values():
                out.extend(some)
        self.consumer.assign([])
        return out

    def consume(self, topic, partition, offset, count):
        return {"records": [
            driver.row(m.offset, m.timestamp, m.key, m.value, m.headers)
            for m in self.take(topic, partition, offset, count)]}

    def consume_numbers(self, topic, partition, count):
        return {"numbers": [int(m.value) for m in
                            self.take(topic, partition, 0, count)]}

    def open(self, topic, partition):
        self.target = (topic, partition)
        self.stream = KafkaProducer(**self.config, enable_idempotence=True,
                                    batch_size=1000)

    def send(self, first, count):
        topic, partition = self.target
        for number in range(first, first + count):
            self.sent.append(self.stream.send(
                topic, b"%d" % number, partition=partition))

    def flush(self):
        self.wait(self.stream)

    # Positions

    def watermarks(self, topic, partition):
        at = TopicPartition(topic, partition)
        return {"offsets": [self.consumer.beginning_offsets([at])[at],
                            self.consumer.end_offsets([at])[at]]}

    def offset_for(self, topic, partition, time):
        at = TopicPartition(topic, partition)
        found = self.consumer.offsets_for_times({at: time})[at]
        return {"offset": found.offset if found else None}

    def delete_records(self, topic, partition, offset):
        self.admin.delete_records({TopicPartition(topic, partition): offset})

    # Groups

    def join(self, member, group, topics, pattern, protocol, assignor,
             instance, session_ms):
        more = {"group_id": group, "enable_auto_commit": False,
                "auto_offset_reset": "earliest", "fetch_max_wait_ms": 20,
                "metadata_max_age_ms": driver.METADATA_MS,
                "heartbeat_interval_ms": driver.HEARTBEAT_MS,
                "session_timeout_ms": session_ms or 30000}
        if protocol != "classic":
            raise driver.Unsupported("its groups are classic")
        if assignor:
            more["partition_assignment_strategy"] = (ASSIGNORS[assignor],)
        if instance:
            more["group_instance_id"] = instance
        self.members[member] = Member(topics, pattern,
                                      dict(self.config, **more))

    def poll(self, members):
        return driver.drained({m: self.members[m] for m in members})

    def owned(self, members):
        return {"members": {m: driver.places(self.members[m].owned)
                            for m in members}}

    def leave(self, member):
        self.members.pop(member).close()

    def seek(self, member, topic, partition, offset):
        self.members[member].consumer.seek(
            TopicPartition(topic, partition), offset)

    def assignors(self, protocol):
        if protocol != "classic":
            raise driver.Unsupported("its groups are classic")
        return {"assignors": list(ASSIGNORS)}

    def groups(self):
        return {"groups": [g["group_id"] for g in self.admin.list_groups()]}

    def group(self, group):
        out = self.admin.describe_groups([group])[group]
        return {"state": out["group_state"].lower(), "members": [
            {"partitions": [[t["topic"], p] for t in
                            m["member_assignment"]["assigned_partitions"]
                            for p in t["partitions"]]}
            for m in out["members"]]}

    def group_offsets(self, group):
        out = self.admin.list_group_offsets({group: None})[group]
        return {"offsets": [[p.topic, p.partition, o.offset]
                            for p, o in out.items()]}

    def alter_offsets(self, group, offsets):
        self.check(self.admin.alter_group_offsets(group, {
            TopicPartition(t, p): OffsetAndMetadata(o, "", -1)
            for t, p, o in offsets}))

    def delete_offsets(self, group, places):
        self.check(self.admin.delete_group_offsets(group, [
            TopicPartition(t, p) for t, p in places]))

    def delete_group(self, group):
        self.check(self.admin.delete_groups([group]))

    def check(self, out):
        """It hands out a text, a class or its name, and does not raise."""
        for error in out.values():
            number = re.match(r"\[Error (\d+)\]", str(error))
            if number:
                raise driver.Refused(error, int(number.group(1)))
            if isinstance(error, str):
                error = getattr(errors, error, errors.NoError)
            if error is not errors.NoError:
                raise error()


driver.serve(Client)
