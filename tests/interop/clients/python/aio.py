"""aiokafka."""
import asyncio
import collections
import threading

from aiokafka import (AIOKafkaConsumer, AIOKafkaProducer,
                      ConsumerRebalanceListener, TopicPartition)
from aiokafka.admin import (AIOKafkaAdminClient, NewPartitions, NewTopic,
                            RecordsToDelete)
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import \
    RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import \
    StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import CommitFailedError, KafkaError, for_code

import driver

ASSIGNORS = {a.name: a for a in (
    RangePartitionAssignor, RoundRobinPartitionAssignor,
    StickyPartitionAssignor)}


def check(code, text=""):
    if code:
        raise for_code(code)(text)


class Member(ConsumerRebalanceListener):
    """Of a group, in a task: a commit waits while it joins."""

    def __init__(self, config):
        self.owned, self.joined, self.error = set(), 0, None
        self.pending = []
        self.consumer = AIOKafkaConsumer(**config)
        self.batches, self.task = collections.deque(), None

    async def start(self, topics, pattern):
        await self.consumer.start()
        if pattern:
            self.consumer.subscribe(pattern=pattern, listener=self)
        else:
            self.consumer.subscribe(topics, listener=self)
        self.task = asyncio.ensure_future(self.run())

    async def on_partitions_assigned(self, assigned):
        self.joined += 1
        self.owned |= {(p.topic, p.partition) for p in assigned}

    async def on_partitions_revoked(self, revoked):
        self.owned -= {(p.topic, p.partition) for p in revoked}
        self.pending = driver.kept(self)

    async def run(self):
        while self.error is None:
            try:
                found = await self.consumer.getmany(timeout_ms=1000)
                records = self.pending + [
                    (m.topic, m.partition, m.offset)
                    for some in found.values() for m in some]
                committed = await self.commit(records)
                self.pending = [] if committed else records
                self.batches.append(driver.batch(records, committed))
            except KafkaError as error:
                self.error = getattr(error, "errno", None) or str(error)

    async def close(self):
        self.task.cancel()
        await self.consumer.stop()

    async def commit(self, records):
        if not records:
            return True
        try:
            await self.consumer.commit({
                TopicPartition(t, p): o
                for (t, p), o in driver.ends(records).items()})
        except (CommitFailedError, KafkaError):
            return False
        return True


class Client:
    """Its calls are coroutines, which serve() sees as plain ones."""

    def __init__(self, address):
        self.loop = asyncio.new_event_loop()
        self.config = {"bootstrap_servers": address, "retry_backoff_ms": 20}
        self.admin = self.consumer = self.stream = self.target = None
        self.producers, self.members, self.sent = {}, {}, []
        # Members live on between two calls.
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.plain(self.start)()
        for name in dir(self):
            if not name.startswith("_") and asyncio.iscoroutinefunction(
                    getattr(self, name)):
                setattr(self, name, self.plain(getattr(self, name)))

    def plain(self, coroutine):
        return lambda **more: asyncio.run_coroutine_threadsafe(
            coroutine(**more), self.loop).result()

    async def start(self):
        self.admin = AIOKafkaAdminClient(**self.config)
        await self.admin.start()
        self.consumer = AIOKafkaConsumer(
            **self.config, enable_auto_commit=False, auto_offset_reset="none")
        await self.consumer.start()

    def code(self, error):
        return getattr(error, "errno", None)

    # Topics

    async def create(self, topic, partitions, configs):
        out = await self.admin.create_topics([NewTopic(
            topic, partitions, 1, topic_configs=configs)])
        for _, code, text, *_ in out.topic_errors:
            check(code, text)

    async def create_many(self, topics, partitions):
        out = await self.admin.create_topics([
            NewTopic(t, partitions, 1) for t in topics])
        for _, code, text, *_ in out.topic_errors:
            check(code, text)

    async def delete(self, topic):
        await Client.delete_many(self, [topic])

    async def delete_many(self, topics):
        out = await self.admin.delete_topics(topics)
        for _, code, *_ in out.topic_error_codes:
            check(code)

    async def list(self):
        return {"topics": await self.admin.list_topics()}

    async def describe(self, topic):
        found = (await self.admin.describe_topics([topic]))[0]
        return {"partitions": [
            {"partition": p["partition"], "leader": p["leader"],
             "replicas": p["replicas"], "isr": p["isr"]}
            for p in found["partitions"]]}

    async def configs(self, topic):
        out = await self.admin.describe_configs([
            ConfigResource(ConfigResourceType.TOPIC, topic)])
        code, text, _, _, entries = out[0].resources[0]
        check(code, text)
        return {"configs": {entry[0]: entry[1] for entry in entries}}

    async def alter(self, topic, configs):
        out = await self.admin.alter_configs([
            ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
        code, text, *_ = out[0].resources[0]
        check(code, text)

    async def grow(self, topic, partitions):
        await self.admin.create_partitions({topic: NewPartitions(partitions)})

    # Records

    async def producer(self, codec):
        if codec not in self.producers:
            self.producers[codec] = AIOKafkaProducer(
                **self.config, linger_ms=1,
                compression_type=None if codec == "none" else codec)
            await self.producers[codec].start()
        return self.producers[codec]

    async def wait(self):
        sent, self.sent = self.sent, []
        await asyncio.wait_for(asyncio.gather(*sent), driver.WAIT_SECONDS)

    async def produce(self, topic, partition, records, codec="none"):
        producer = await Client.producer(self, codec)
        for r in records:
            self.sent.append(await producer.send(
                topic, driver.raw(r["value"]), driver.raw(r["key"]), partition,
                r["time"], driver.headers(r)))
        await Client.wait(self)

    async def take(self, topic, partition, offset, count):
        at = TopicPartition(topic, partition)
        self.consumer.assign([at])
        self.consumer.seek(at, offset)

        async def all_of_them():
            out = []
            while len(out) < count:
                found = await self.consumer.getmany(
                    at, timeout_ms=200, max_records=count - len(out))
                out.extend(found.get(at, ()))
            return out
        return await asyncio.wait_for(all_of_them(), driver.WAIT_SECONDS)

    async def consume(self, topic, partition, offset, count):
        return {"records": [
            driver.row(m.offset, m.timestamp, m.key, m.value, m.headers)
            for m in await Client.take(self, topic, partition, offset, count)]}

    async def consume_numbers(self, topic, partition, count):
        return {"numbers": [int(m.value) for m in await Client.take(
            self, topic, partition, 0, count)]}

    async def open(self, topic, partition):
        self.target = (topic, partition)
        self.stream = AIOKafkaProducer(
            **self.config, enable_idempotence=True, max_batch_size=1000)
        await self.stream.start()

    async def send(self, first, count):
        # Its send() waits for room in the batch that is being filled: a task
        # of its own, one after the other, so that this call does not.
        async def all_of_them():
            topic, partition = self.target
            acks = []
            for number in range(first, first + count):
                acks.append(await self.stream.send(
                    topic, b"%d" % number, partition=partition))
            await asyncio.gather(*acks)
        before = self.sent[-1:]

        async def in_turn():
            await asyncio.gather(*before)
            await all_of_them()
        self.sent.append(self.loop.create_task(in_turn()))
        await asyncio.sleep(0.01)   # to let it begin: nothing waits for that

    async def flush(self):
        await Client.wait(self)

    # Positions

    async def watermarks(self, topic, partition):
        at = TopicPartition(topic, partition)
        return {"offsets": [
            (await self.consumer.beginning_offsets([at]))[at],
            (await self.consumer.end_offsets([at]))[at]]}

    async def offset_for(self, topic, partition, time):
        at = TopicPartition(topic, partition)
        found = (await self.consumer.offsets_for_times({at: time}))[at]
        return {"offset": found.offset if found else None}

    async def delete_records(self, topic, partition, offset):
        await self.admin.delete_records({
            TopicPartition(topic, partition): RecordsToDelete(offset)})

    # Groups

    async def join(self, member, group, topics, pattern, protocol, assignor,
                   instance, session_ms):
        more = {"group_id": group, "enable_auto_commit": False,
                "auto_offset_reset": "earliest", "fetch_max_wait_ms": 20,
                "metadata_max_age_ms": driver.METADATA_MS,
                "heartbeat_interval_ms": driver.HEARTBEAT_MS,
                "session_timeout_ms": session_ms or 30000,
                "group_instance_id": instance}
        if protocol != "classic":
            raise driver.Unsupported("its groups are classic")
        if assignor:
            more["partition_assignment_strategy"] = (ASSIGNORS[assignor],)
        made = self.members[member] = Member(dict(self.config, **more))
        await made.start(topics, pattern)

    def poll(self, members):
        return driver.drained({m: self.members[m] for m in members})

    async def owned(self, members):
        return {"members": {m: driver.places(self.members[m].owned)
                            for m in members}}

    async def leave(self, member):
        await self.members.pop(member).close()

    async def seek(self, member, topic, partition, offset):
        self.members[member].consumer.seek(
            TopicPartition(topic, partition), offset)

    async def assignors(self, protocol):
        if protocol != "classic":
            raise driver.Unsupported("its groups are classic")
        return {"assignors": list(ASSIGNORS)}

    async def groups(self):
        return {"groups": [g[0] for g in
                           await self.admin.list_consumer_groups()]}

    async def group(self, group):
        out = (await self.admin.describe_consumer_groups([group]))[0].groups[0]
        check(out[0])
        state, members = out[2], out[5]
        return {"state": state.lower(), "members": [
            {"partitions": [
                [t, p] for t, parts in ConsumerProtocolMemberAssignment.decode(
                    m[-1]).assignment for p in parts] if m[-1] else []}
            for m in members]}

    async def group_offsets(self, group):
        out = await self.admin.list_consumer_group_offsets(group)
        return {"offsets": [[p.topic, p.partition, o.offset]
                            for p, o in out.items()]}

    async def alter_offsets(self, group, offsets):
        raise driver.Unsupported("its admin alters no offsets")

    async def delete_offsets(self, group, places):
        raise driver.Unsupported("its admin deletes no offsets")

    async def delete_group(self, group):
        raise driver.Unsupported("its admin deletes no groups")


driver.serve(Client)
