"""kafka-python."""
import re
import time

from kafka import (KafkaAdminClient, KafkaConsumer, KafkaProducer,
                   TopicPartition, errors)
from kafka.admin import ConfigResource, ConfigResourceType

import driver

QUICK = {"reconnect_backoff_ms": 10, "reconnect_backoff_max_ms": 100,
         "retry_backoff_ms": 20}


def resource(topic, configs=None):
    return ConfigResource(ConfigResourceType.TOPIC, topic, configs)


class Client:
    def __init__(self, address):
        self.config = dict(QUICK, bootstrap_servers=address)
        self.admin = KafkaAdminClient(**self.config)
        self.consumer = KafkaConsumer(
            **self.config, group_id=None, enable_auto_commit=False,
            auto_offset_reset="none", fetch_max_wait_ms=20)
        self.producers = {}
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
        number = re.match(r"\[Error (\d+)\]", str(found))
        if number:      # it hands out the text, it does not raise
            raise driver.Refused(found, int(number.group(1)))

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


driver.serve(Client)
