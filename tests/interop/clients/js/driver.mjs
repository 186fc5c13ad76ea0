// The driver of @platformatic/kafka: see ../python/driver.py for what it is
// asked.  Its consumer fetches without a group by fetch() alone.
import { createInterface } from 'node:readline'
import zlib from 'node:zlib'
import { Admin, Consumer, Producer } from '@platformatic/kafka'

const { createZstdCompress } = zlib
const TOPIC = 2
const SET = 0
const WAIT_MS = 20000
const LIMIT = 1 << 22
// Its first retries are in the time that a broker needs to start again.
const base = { clientId: 'driver', bootstrapBrokers: [process.argv[2]],
  retries: 100, retryDelay: 20, metadataMaxAge: 1 }

const admin = new Admin({ ...base, retries: 3 })
const consumer = new Consumer({ ...base, groupId: 'unused' })
const producer = new Producer({ ...base, retries: 3 })
let stream, target, sent = []

class Unsupported extends Error {}

const raw = text => text === null ? null : Buffer.from(text, 'base64')
const encoded = bytes => bytes === null || bytes === undefined
  ? null : Buffer.from(bytes).toString('base64')

// The innermost error that has Kafka's number.
function codeOf (error) {
  if (error.apiCode !== undefined) return error.apiCode
  for (const inner of [...(error.errors ?? []), error.cause]) {
    const code = inner && codeOf(inner)
    if (code !== undefined && code !== null) return code
  }
  return null
}

async function found (topic) {
  const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
  return metadata.topics.get(topic)
}

function messageOf (topic, partition, { key, value, headers, time }) {
  const message = { topic, partition, headers: new Map(
    headers.map(([name, content]) => [Buffer.from(name), raw(content)])) }
  if (key !== null) message.key = raw(key)
  if (value !== null) message.value = raw(value)
  if (time !== null) message.timestamp = BigInt(time)
  return message
}

// What the batches of one fetch hold from that offset on.
function recordsOf (answer, offset) {
  const out = []
  for (const batch of answer.responses[0]?.partitions[0].records ?? []) {
    for (const r of batch.records) {
      const at = batch.firstOffset + BigInt(r.offsetDelta)
      // Its fetch() leaves LogAppendTime to its stream.
      const time = batch.attributes & 8
        ? batch.maxTimestamp : batch.firstTimestamp + r.timestampDelta
      if (at >= offset) out.push({ ...r, offset: at, time })
    }
  }
  return out
}

async function take ({ topic, partition, offset, count }) {
  const { id, partitions } = await found(topic)
  const end = Date.now() + WAIT_MS
  const out = []
  let next = BigInt(offset)
  while (out.length < count && Date.now() < end) {
    const answer = await consumer.fetch({
      node: partitions[partition].leader, maxWaitTime: 200, topics: [{
        topicId: id, partitions: [{
          partition, currentLeaderEpoch: -1, fetchOffset: next,
          lastFetchedEpoch: -1, partitionMaxBytes: LIMIT }] }] })
    const some = recordsOf(answer, next)
    out.push(...some)
    if (some.length) next = some.at(-1).offset + 1n
  }
  return out.slice(0, count)
}

async function offsetAt (topic, partition, timestamp) {
  const out = await consumer.listOffsets({ topics: [topic],
    partitions: { [topic]: [partition] }, timestamp })
  return Number(out.get(topic)[partition])
}

const resource = topic => ({ resourceType: TOPIC, resourceName: topic })

const calls = {
  async create ({ topic, partitions, configs }) {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1,
      configs: Object.entries(configs).map(
        ([name, value]) => ({ name, value })) })
  },
  async create_many ({ topics, partitions }) {
    await admin.createTopics({ topics, partitions, replicas: 1 })
  },
  async delete ({ topic }) {
    await admin.deleteTopics({ topics: [topic] })
  },
  async delete_many ({ topics }) {
    await admin.deleteTopics({ topics })
  },
  async list () {
    return { topics: await admin.listTopics({}) }
  },
  async describe ({ topic }) {
    const { partitions } = await found(topic)
    return { partitions: partitions.map((p, i) => ({ partition: i,
      leader: p.leader, replicas: p.replicas, isr: p.isr })) }
  },
  async configs ({ topic }) {
    const out = await admin.describeConfigs({ resources: [resource(topic)] })
    return { configs: Object.fromEntries(
      out[0].configs.map(c => [c.name, c.value])) }
  },
  async alter ({ topic, configs }) {
    await admin.incrementalAlterConfigs({ resources: [{ ...resource(topic),
      configs: Object.entries(configs).map(([name, value]) => ({
        name, value, configOperation: SET })) }] })
  },
  async grow ({ topic, partitions }) {
    await admin.createPartitions({ topics: [{ name: topic, count: partitions }] })
  },
  async produce ({ topic, partition, records, codec }) {
    if (codec === 'zstd' && !createZstdCompress) {
      throw new Unsupported('it needs Node 22.15 or later for zstd')
    }
    await producer.send({ acks: -1, compression: codec ?? 'none',
      messages: records.map(r => messageOf(topic, partition, r)) })
  },
  async consume (request) {
    return { records: (await take(request)).map(r => ({
      offset: Number(r.offset), time: Number(r.time), key: encoded(r.key),
      value: encoded(r.value), headers: [...r.headers].map(
        ([name, value]) => [name.toString(), encoded(value)]) })) }
  },
  async consume_numbers ({ topic, partition, count }) {
    const out = await take({ topic, partition, offset: 0, count })
    return { numbers: out.map(r => Number(r.value)) }
  },
  async open ({ topic, partition }) {
    target = { topic, partition }
    stream = new Producer({ ...base, idempotent: true })
  },
  // It keeps no order among sends that are under way: one after the other.
  async send ({ first, count }) {
    const before = sent.at(-1)
    sent.push((async () => {
      await before
      for (let n = first; n < first + count; n += 100) {
        await stream.send({ acks: -1, messages: Array.from({ length: 100 },
          (_, i) => ({ ...target, value: Buffer.from(String(n + i)) })) })
      }
    })())
    sent.at(-1).catch(() => {})     // flush tells
  },
  async flush () {
    const all = sent
    sent = []
    await Promise.all(all)
  },
  async watermarks ({ topic, partition }) {
    return { offsets: [await offsetAt(topic, partition, -2n),
      await offsetAt(topic, partition, -1n)] }
  },
  async offset_for ({ topic, partition, time }) {
    return { offset: await offsetAt(topic, partition, BigInt(time)) }
  },
  async delete_records ({ topic, partition, offset }) {
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [
      { partition, offset: BigInt(offset) }] }] })
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...request } = JSON.parse(line)
  let out
  try {
    out = await calls[name](request) ?? {}
  } catch (error) {
    out = error instanceof Unsupported
      ? { unsupported: error.message }
      : { error: String(error), code: codeOf(error) }
  }
  process.stdout.write(JSON.stringify(out) + '\n')
}
