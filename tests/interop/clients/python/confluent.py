"""confluent-kafka, which is librdkafka."""
import time

from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions,
                             KafkaError, KafkaException, Producer,
                             TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry,
                                   ConfigResource, NewPartitions, NewTopic)

import driver

# A fetch that waits holds up the next position.
QUICK = {"reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100,
         "log_level": 0}


def results(futures):
    return [f.result() for f in futures.values()]


class Member:
    """Of a group; librdkafka tells of its partitions while it is polled."""

    def __init__(self, config, topics):
        self.owned, self.joined, self.error = set(), 0, None
        self.pending = []
        self.consumer = Consumer(config)
        self.consumer.subscribe(topics, on_assign=self.assigned,
                                on_revoke=self.revoked, on_lost=self.revoked)

    def assigned(self, _consumer, partitions):
        self.joined += 1
        self.owned |= {(p.topic, p.partition) for p in partitions}

    def revoked(self, _consumer, partitions):
        self.owned -= {(p.topic, p.partition) for p in partitions}
        self.pending = driver.kept(self)

    def poll(self):
        records = []
        try:
            for m in self.consumer.consume(500, driver.POLL_MS / 1000):
                if m.error():
                    self.error = code_of(m.error())
                else:
                    records.append((m.topic(), m.partition(), m.offset()))
        except KafkaException as error:
            self.error = code_of(error.args[0])
        records = self.pending + records
        committed = self.commit(records)
        self.pending = [] if committed else records
        return driver.polled(self, [driver.batch(records, committed)])

    def commit(self, records):
        if not records:
            return True
        try:
            for p in self.consumer.commit(offsets=[
                    TopicPartition(t, p, o)
                    for (t, p), o in driver.ends(records).items()],
                    asynchronous=False):
                if p.error:
                    raise KafkaException(p.error)
        except KafkaException as error:
            code = code_of(error.args[0])
            if code not in driver.MOVING + (KafkaError._STATE,):
                self.error = code
            return False
        return True


def code_of(error):
    """What librdkafka takes for fatal it calls so; its text has the reason."""
    if error.code() == KafkaError._FATAL:
        for words, code in (("fenced by other consumer", 82),
                            ("instance ID is still used", 111)):
            if words in error.str():
                return code
    return error.code()


class Client:
    def __init__(self, address):
        self.config = dict(QUICK, **{"bootstrap.servers": address})
        self.admin = AdminClient(self.config)
        self.consumer = Consumer(dict(self.config, **{
            "group.id": "unused", "fetch.wait.max.ms": 20, "enable.auto.commit": False,
            "auto.offset.reset": "error", "enable.partition.eof": False}))
        self.producers, self.members = {}, {}
        self.failed = None

    def code(self, error):
        first = error.args[0] if error.args else None
        return first.code() if isinstance(first, KafkaError) else \
            getattr(error, "code", None)

    # Topics

    def create(self, topic, partitions, configs):
        results(self.admin.create_topics([
            NewTopic(topic, partitions, 1, config=configs)]))

    def create_many(self, topics, partitions):
        results(self.admin.create_topics([
            NewTopic(t, partitions, 1) for t in topics]))

    def delete(self, topic):
        results(self.admin.delete_topics([topic]))

    def delete_many(self, topics):
        results(self.admin.delete_topics(topics))

    def list(self):
        return {"topics": list(self.admin.list_topics(timeout=60).topics)}

    def describe(self, topic):
        found = self.admin.list_topics(topic, timeout=60).topics[topic]
        return {"partitions": [
            {"partition": p.id, "leader": p.leader, "replicas": p.replicas,
             "isr": p.isrs} for p in found.partitions.values()]}

    def configs(self, topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        out = results(self.admin.describe_configs([resource]))[0]
        return {"configs": {k: v.value for k, v in out.items()}}

    def alter(self, topic, configs):
        results(self.admin.incremental_alter_configs([ConfigResource(
            ConfigResource.Type.TOPIC, topic, incremental_configs=[
                ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET)
                for k, v in configs.items()])]))

    def grow(self, topic, partitions):
        results(self.admin.create_partitions([
            NewPartitions(topic, partitions)]))

    # Records

    def producer(self, codec):
        if codec not in self.producers:
            self.producers[codec] = Producer(dict(self.config, **{
                "compression.type": codec, "linger.ms": 1}))
        return self.producers[codec]

    def delivered(self, error, _message):
        self.failed = self.failed or error

    def wait(self, producer):
        left = producer.flush(driver.WAIT_SECONDS)
        failed, self.failed = self.failed, None
        if failed:
            raise KafkaException(failed)
        if left:
            raise driver.Refused("%d not sent" % left, None)

    def produce(self, topic, partition, records, codec="none"):
        producer = self.producer(codec)
        for r in records:
            more = {} if r["time"] is None else {"timestamp": r["time"]}
            producer.produce(topic, driver.raw(r["value"]),
                             driver.raw(r["key"]), partition,
                             on_delivery=self.delivered,
                             headers=driver.headers(r), **more)
        self.wait(producer)

    def take(self, topic, partition, offset, count):
        # Or it learns of a new topic only when a timer says so.
        self.consumer.list_topics(topic, timeout=60)
        self.consumer.assign([TopicPartition(topic, partition, offset)])
        out, end = [], time.monotonic() + driver.WAIT_SECONDS
        while len(out) < count and time.monotonic() < end:
            for message in self.consumer.consume(count - len(out), 0.2):
                if message.error():
                    raise KafkaException(message.error())
                out.append(message)
        self.consumer.unassign()
        return out

    def consume(self, topic, partition, offset, count):
        return {"records": [
            driver.row(m.offset(), m.timestamp()[1], m.key(), m.value(),
                       m.headers())
            for m in self.take(topic, partition, offset, count)]}

    def consume_numbers(self, topic, partition, count):
        return {"numbers": [int(m.value()) for m in
                            self.take(topic, partition, 0, count)]}

    def open(self, topic, partition):
        self.target = (topic, partition)
        self.stream = Producer(dict(self.config, **{
            "enable.idempotence": True, "batch.num.messages": 100}))

    def send(self, first, count):
        topic, partition = self.target
        for number in range(first, first + count):
            self.stream.produce(topic, b"%d" % number, partition=partition,
                                on_delivery=self.delivered)

    def flush(self):
        self.wait(self.stream)

    # Positions

    def watermarks(self, topic, partition):
        return {"offsets": list(self.consumer.get_watermark_offsets(
            TopicPartition(topic, partition), 10))}

    def offset_for(self, topic, partition, time):
        out = self.consumer.offsets_for_times(
            [TopicPartition(topic, partition, time)], 10)
        return {"offset": out[0].offset}

    def delete_records(self, topic, partition, offset):
        results(self.admin.delete_records([
            TopicPartition(topic, partition, offset)]))

    # Groups

    def join(self, member, group, topics, pattern, protocol, assignor,
             instance, session_ms):
        more = {"group.id": group, "enable.auto.commit": False,
                "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20,
                "group.protocol": protocol,
                "topic.metadata.refresh.interval.ms": driver.METADATA_MS}
        if protocol == "classic":
            more["heartbeat.interval.ms"] = driver.HEARTBEAT_MS
            more["session.timeout.ms"] = session_ms or 30000
        if assignor:
            more["partition.assignment.strategy" if protocol == "classic"
                 else "group.remote.assignor"] = assignor
        if instance:
            more["group.instance.id"] = instance
        self.members[member] = Member(dict(self.config, **more),
                                      [pattern] if pattern else topics)

    def poll(self, members):
        return {"members": {m: self.members[m].poll() for m in members}}

    def owned(self, members):
        return {"members": {m: driver.places(self.members[m].owned)
                            for m in members}}

    def leave(self, member):
        self.members.pop(member).consumer.close()

    def seek(self, member, topic, partition, offset):
        self.members[member].consumer.seek(
            TopicPartition(topic, partition, offset))

    def assignors(self, protocol):
        return {"assignors": ["range", "roundrobin", "cooperative-sticky"]
                if protocol == "classic" else ["uniform", "range"]}

    def groups(self):
        out = self.admin.list_consumer_groups().result()
        if out.errors:
            raise out.errors[0]
        return {"groups": [g.group_id for g in out.valid]}

    def group(self, group):
        out = results(self.admin.describe_consumer_groups([group]))[0]
        return {"state": out.state.name.lower(), "members": [
            {"partitions": [[p.topic, p.partition]
                            for p in m.assignment.topic_partitions]}
            for m in out.members]}

    def group_offsets(self, group):
        out = results(self.admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)]))[0]
        return {"offsets": [[p.topic, p.partition, p.offset]
                            for p in out.topic_partitions]}

    def alter_offsets(self, group, offsets):
        out = results(self.admin.alter_consumer_group_offsets([
            ConsumerGroupTopicPartitions(group, [
                TopicPartition(t, p, o) for t, p, o in offsets])]))[0]
        for p in out.topic_partitions:
            if p.error:
                raise KafkaException(p.error)

    def delete_offsets(self, group, places):
        raise driver.Unsupported("its admin deletes no offsets")

    def delete_group(self, group):
        results(self.admin.delete_consumer_groups([group]))


driver.serve(Client)
