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
const POLL_MS = 50
const MOVING = new Set([22, 25, 27, 79, 113])
// Its first retries are in the time that a broker needs to start again.
const base = { clientId: 'driver', bootstrapBrokers: [process.argv[2]],
  retries: 100, retryDelay: 20, metadataMaxAge: 1 }

const admin = new Admin({ ...base, retries: 3 })
const consumer = new Consumer({ ...base, groupId: 'unused' })
const producer = new Producer({ ...base, retries: 3 })
let stream, target, sent = []
const members = new Map()

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

// A member of a group.  It reads on by itself; poll hands out what has come.
class Member {
  constructor (options, topics) {
    this.records = []
    this.pending = []
    this.ends = new Map()
    this.joined = 0
    this.error = null
    this.isMoving = false
    this.consumer = new Consumer({ ...base, ...options, maxWaitTime: 20 })
    // Told of a rebalance it reads on until it is told what is its own: what
    // comes meanwhile is handed out when it is known to be.
    this.consumer.on('consumer:group:rebalance', () => { this.isMoving = true })
    this.consumer.on('consumer:group:join', () => {
      this.joined++
      this.isMoving = false
    })
    this.consumer.on('error', error => this.fail(error))
    this.consumer.on('consumer:heartbeat:error', ({ error }) => this.fail(error))
    // Not waited for: it ends when the group has settled.
    this.consumer.consume({ topics, mode: 'committed',
      fallbackMode: 'earliest', autocommit: false }).then(stream => {
      stream.on('data', message => this.records.push(message))
      stream.on('error', error => this.fail(error))
    }, error => this.fail(error))
  }

  fail (error) {
    const code = codeOf(error)
    if (!MOVING.has(code)) this.error = code ?? String(error)
  }

  owned () {
    return this.isMoving ? [] : (this.consumer.assignments ?? []).flatMap(
      ({ topic, partitions }) => partitions.map(p => [topic, p]))
  }

  // Having asked where to begin it asks again, when it has joined, and may
  // hand out twice what came between.
  take () {
    if (this.isMoving) return []
    const mine = new Set(this.owned().map(([t, p]) => `${t} ${p}`))
    const out = []
    for (const m of this.records) {
      const at = `${m.topic} ${m.partition}`
      if (!mine.has(at) || m.offset < (this.ends.get(at) ?? 0n)) continue
      this.ends.set(at, m.offset + 1n)
      out.push(m)
    }
    this.records = []
    return out
  }

  async poll () {
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    // What was not committed is told again, with what is committed next.
    const held = new Set(this.owned().map(([t, p]) => `${t} ${p}`))
    const records = [...this.pending.filter(
      m => held.has(`${m.topic} ${m.partition}`)), ...this.take()]
    let committed = true
    try {
      if (records.length) {
        const ends = new Map(records.map(m => [`${m.topic} ${m.partition}`, {
          topic: m.topic, partition: m.partition, offset: m.offset + 1n,
          leaderEpoch: -1 }]))
        await this.consumer.commit({ offsets: [...ends.values()] })
        // It gives partitions away without waiting for a commit of ours.
        const mine = new Set(this.owned().map(([t, p]) => `${t} ${p}`))
        committed = [...ends.keys()].every(at => mine.has(at))
      }
    } catch (error) {
      committed = false
      this.fail(error)
    }
    this.pending = committed ? [] : records
    const rows = some => some.map(
      m => [m.topic, m.partition, Number(m.offset)])
    return { owned: this.owned(), joined: this.joined, error: this.error,
      // It may begin where it was committed before the rebalance was over.
      batches: [{ records: rows(records), committed, again: true }] }
  }
}

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
  },
  async join ({ member, group, topics, pattern, protocol, instance,
    session_ms: session }) {
    if (pattern !== null) throw new Unsupported('it has no patterns of topics')
    const options = { groupId: group }
    if (protocol === 'consumer') {
      options.groupProtocol = 'consumer'
    } else {
      Object.assign(options, { sessionTimeout: session ?? 30000,
        rebalanceTimeout: 30000, heartbeatInterval: 100 })
    }
    if (instance !== null) options.groupInstanceId = instance
    members.set(member, new Member(options, topics))
  },
  async poll ({ members: names }) {
    const out = {}
    for (const name of names) out[name] = await members.get(name).poll()
    return { members: out }
  },
  async owned ({ members: names }) {
    return { members: Object.fromEntries(
      names.map(name => [name, members.get(name).owned()])) }
  },
  async leave ({ member }) {
    const { consumer } = members.get(member)
    members.delete(member)
    await consumer.close(true)
  },
  async seek () {
    throw new Unsupported('its members do not seek')
  },
  async assignors ({ protocol }) {
    return { assignors: protocol === 'classic' ? ['roundrobin']
      : ['uniform', 'range'] }
  },
  async groups () {
    return { groups: [...(await admin.listGroups()).keys()] }
  },
  async group ({ group }) {
    const found = (await admin.describeGroups({ groups: [group] })).get(group)
    return { state: found.state.toLowerCase(),
      members: [...found.members.values()].map(m => ({
        partitions: [...(m.assignments ?? new Map()).values()].flatMap(
          a => a.partitions.map(p => [a.topic, p])) })) }
  },
  async group_offsets ({ group }) {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] })
    return { offsets: found.topics.flatMap(t => t.partitions.map(
      p => [t.name, p.partitionIndex, Number(p.committedOffset)])) }
  },
  async alter_offsets ({ group, offsets }) {
    await admin.alterConsumerGroupOffsets({ groupId: group,
      topics: offsets.map(([name, partition, offset]) => ({ name,
        partitionOffsets: [{ partition, offset: BigInt(offset) }] })) })
  },
  async delete_offsets ({ group, places }) {
    await admin.deleteConsumerGroupOffsets({ groupId: group,
      topics: places.map(([name, partition]) => ({ name,
        partitionIndexes: [partition] })) })
  },
  async delete_group ({ group }) {
    await admin.deleteGroups({ groups: [group] })
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
