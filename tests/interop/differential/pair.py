"""Two brokers that are asked the same, and what differs in their answers.

    pair.ask("ListOffsets", {...})        at every version that both advertise
    pair.ask("Fetch", {...}, low=7)       from that version on
    pair.same("CreateTopics", {...})      once, at the newest version

A body holds plain values; a callable in it is called with the side, for what
the two know by different names: ids of topics, of producers, of sessions.
Whatever can not be the same (ids, ports, times of their clocks, the words of
error texts) is masked by mask.py before the answers are compared.
"""
import fnmatch
import socket
import struct
import time

import mask
from codec import WireError

CLIENT = "differential"
ANSWER_SECONDS = 60.0
# A request that must not be answered: long enough for both to have done so.
SILENCE_SECONDS = 0.5
SLOW_SECONDS = 0.3      # worth a word with --verbose
# Kafka answers a change before all of it knows of that: what is asked of these
# is asked again for a while if the answers differ.
SETTLING = ("DescribeConfigs", "ListConfigResources", "DescribeClientQuotas",
            "Metadata", "DescribeTopicPartitions", "DescribeLogDirs",
            "ApiVersions", "FindCoordinator", "DescribeUserScramCredentials")
SETTLE_SECONDS = 60.0
CLOSED, SILENT = "closes the connection", "does not answer"


class Side:
    """One broker, one connection to it, and its names for things."""

    def __init__(self, name, address, protocol):
        self.name, self.protocol = name, protocol
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.socket = None
        self.correlation = 0
        self.cluster = None
        self.started_ms = int(time.time() * 1000)
        self.topics = {}        # name -> id
        self.producers = []     # ids, as they were learned
        self.members = {}       # name -> id of a member of a group
        self.kept = {}          # whatever a case keeps

    def connect(self):
        self.close()
        self.socket = socket.create_connection(self.address, ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, frame, length=None):
        if self.socket is None:
            self.connect()
        length = len(frame) if length is None else length
        try:
            self.socket.sendall(struct.pack(">i", length) + frame)
        except OSError:
            pass                # the answer tells

    def send_request(self, name, version, body):
        self.correlation += 1
        self.send(self.protocol.request(name, version, self.correlation,
                                        CLIENT, fill(body, self)))

    def take(self, count):
        out = b""
        while len(out) < count:
            part = self.socket.recv(count - len(out))
            if not part:
                raise ConnectionError("closed")
            out += part
        return out

    def receive(self, seconds=ANSWER_SECONDS):
        """A frame, CLOSED or SILENT."""
        if self.socket is None:
            return CLOSED
        self.socket.settimeout(seconds)
        try:
            return self.take(struct.unpack(">i", self.take(4))[0])
        except TimeoutError:
            self.close()
            return SILENT
        except OSError:
            self.close()
            return CLOSED

    def receive_response(self, name, version, seconds=ANSWER_SECONDS):
        frame = self.receive(seconds)
        if isinstance(frame, str):
            return frame
        try:
            correlation, body = self.protocol.response(name, version, frame)
        except (WireError, struct.error, UnicodeDecodeError) as error:
            return "cannot be decoded: %s: %s" % (error, frame[:200].hex())
        if correlation != self.correlation:
            return "answers %d to %d" % (correlation, self.correlation)
        return body

    def call(self, name, version, body):
        """Asks without comparing."""
        self.send_request(name, version, body)
        return self.receive_response(name, version)

    # Names

    def learn_topic(self, name):
        """Waits until the topic is there and led, too."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            out = self.call("Metadata", 12, {"topics": [{"name": name}]})
            topic = out["topics"][0]
            parts = [p["partition_index"] for p in topic["partitions"]]
            if not topic["error_code"] and parts and self.leads(name, parts):
                self.topics[name] = topic["topic_id"]
                return
        raise SystemExit("%s: topic %s is not led" % (self.name, name))

    def leads(self, name, parts):
        """Kafka says so in its metadata before it does so."""
        out = self.call("ListOffsets", 5, {"replica_id": -1, "topics": [{
            "name": name, "partitions": [
                {"partition_index": p, "timestamp": -1} for p in parts]}]})
        return all(not p["error_code"] for t in out["topics"]
                   for p in t["partitions"])

    def learn_producer(self, body):
        """Its index; body is that of InitProducerId."""
        # Kafka has none to give until it has asked its controller for some.
        deadline = time.monotonic() + ANSWER_SECONDS
        out = self.call("InitProducerId", 4, body)
        while out["error_code"] and time.monotonic() < deadline:
            out = self.call("InitProducerId", 4, body)
        self.producers.append(out["producer_id"])
        return len(self.producers) - 1


def fill(value, side):
    if callable(value):
        return fill(value(side), side)
    if isinstance(value, dict):
        return {k: fill(v, side) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(v, side) for v in value]
    return value


class Difference:
    def __init__(self, api, case, path, ours, theirs):
        self.api, self.case, self.path = api, case, path
        self.ours, self.theirs = str(ours), str(theirs)
        self.versions = []

    def key(self):
        return (self.api, self.case, self.path, self.ours, self.theirs)

    def __str__(self):
        return "%s v%s | %s | %s | ours: %s | Kafka: %s" % (
            self.api, spans(self.versions), self.case, self.path, self.ours,
            self.theirs)


def spans(numbers):
    out = []
    for n in sorted(set(numbers)):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(str(a) if a == b else "%d-%d" % (a, b) for a, b in out)


class Pair:
    def __init__(self, ours, theirs, protocol, accepted):
        self.protocol, self.accepted = protocol, accepted
        self.sides = (Side("kbrokerd", ours, protocol),
                      Side("Kafka", theirs, protocol))
        self.found = {}
        self.case = ""
        self.asked = 0
        self.slow = []
        self.seen = set()       # (api, version) that was answered
        self.skipped = set()    # apis that one of the two lacks
        self.advertised = [self.learn(side) for side in self.sides]

    def learn(self, side):
        out = side.call("ApiVersions", 3, {
            "client_software_name": CLIENT, "client_software_version": "1"})
        side.cluster = side.call("DescribeCluster", 0, {})["cluster_id"]
        return {k["api_key"]: (k["min_version"], k["max_version"])
                for k in out["api_keys"]}

    def begin(self, case):
        self.case = case
        for side in self.sides:
            side.connect()
            side.kept = {}

    def versions(self, name, low=0, high=99):
        """What both have; none, and that is noted, if kbrokerd has it not."""
        key = self.protocol.apis[name].key
        spans_of = [a.get(key) for a in self.advertised]
        if None in spans_of:
            self.skipped.add(name)
            return range(0)
        return range(max(low, *(s[0] for s in spans_of)),
                     min(high, *(s[1] for s in spans_of)) + 1)

    def has(self, name):
        return len(self.versions(name)) > 0

    # Asking

    def ask(self, name, *bodies, low=0, high=99, note="", before=None):
        """Each body at each version; before(version) is called first.

        A body may be a callable of the version.  Returns the last answers.
        """
        out = None
        for index, body in enumerate(bodies):
            label = note if len(bodies) == 1 else "%s %d" % (note, index + 1)
            for version in self.versions(name, low, high):
                if before:
                    before(version)
                made = body(version) if callable(body) else body
                out = self.at(name, version, made, label.strip())
        return out

    def same(self, name, body, note="", version=None, **more):
        versions = self.versions(name)
        if not versions:
            return None
        return self.at(name, versions[-1] if version is None else version,
                       body, note, **more)

    def at(self, name, version, body, note="", patience=ANSWER_SECONDS,
           settles=False):
        start = time.monotonic()
        answers = self.answers(name, version, body, patience)
        while settles or name in SETTLING:
            found = self.differences(name, note, answers)
            if all(map(self.accepted.has, found)) or \
                    time.monotonic() - start > SETTLE_SECONDS:
                break
            answers = self.answers(name, version, body, patience)
        self.asked += 1
        seconds = time.monotonic() - start
        if seconds > SLOW_SECONDS:
            self.slow.append("%.2f s  %s v%d, %s: %s" % (
                seconds, name, version, self.case, note))
        if isinstance(answers[0], dict):
            self.seen.add((name, version))
        self.compare(name, version, note, answers)
        return answers

    def answers(self, name, version, body, patience):
        for side in self.sides:
            side.send_request(name, version, body)
        return [side.receive_response(name, version, patience)
                for side in self.sides]

    def tell(self, name, version, body):
        """Sends what must not be answered."""
        for side in self.sides:
            side.send_request(name, version, body)

    def raw(self, name, version, note, frame, length=None, answered=True):
        """Any bytes as a frame; whether something comes back is compared."""
        answers = []
        for side in self.sides:
            side.connect()
            side.send(frame, length)
        for side in self.sides:
            seconds = ANSWER_SECONDS if answered else SILENCE_SECONDS
            out = side.receive(seconds)
            answers.append(out if isinstance(out, str) else "answers")
            side.close()
        self.asked += 1
        self.compare(name, version, note, answers)

    def differences(self, name, note, answers):
        masked = [mask.answer(name, body, side)
                  for body, side in zip(answers, self.sides)]
        case = self.case + (": " + note if note else "")
        for path, ours, theirs in mask.differences("", *masked):
            yield Difference(name, case, path, ours, theirs)

    def compare(self, name, version, note, answers):
        for found in self.differences(name, note, answers):
            found = self.found.setdefault(found.key(), found)
            found.versions.append(version)

    # What cases share

    def topic(self, name, partitions=1, configs=None):
        """Made on both sides, and led."""
        for side in self.sides:
            side.call("CreateTopics", 7, {"timeout_ms": 9000, "topics": [{
                "name": name, "num_partitions": partitions,
                "replication_factor": 1, "configs": [
                    {"name": k, "value": v}
                    for k, v in (configs or {}).items()]}]})
            side.learn_topic(name)
        return name

    def learn_topic(self, name):
        for side in self.sides:
            side.learn_topic(name)

    def producer(self):
        """A callable for bodies: an idempotent producer's id."""
        index = [side.learn_producer({"transactional_id": None})
                 for side in self.sides][0]
        return lambda side: side.producers[index]


def id_of(name):
    return lambda side: side.topics[name]


def choices(glob):
    """a{b,c}d, and what else is a glob, as globs without braces."""
    start, end = glob.find("{"), glob.find("}")
    if start < 0 or end < start:
        return [glob.replace("[", "[[]")]
    return [out for word in glob[start + 1:end].split(",")
            for out in choices(glob[:start] + word + glob[end + 1:])]


def fits(text, glob):
    return any(fnmatch.fnmatchcase(text, c) for c in choices(glob))


class Accepted:
    """The table of known differences, accepted.md: one row each, globs.

    API, case and path are globs with {a,b}; * and ? and nothing else is
    special.  A row that fits no difference is out of date.
    """

    def __init__(self, path):
        self.rows = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                cells = [c.strip().strip("`") for c in line.split("|")][1:-1]
                if len(cells) != 6 or cells[0] in ("API", "---"):
                    continue
                self.rows.append((number, cells, [0]))

    def has(self, found):
        """Whether a row says so; the row counts as used."""
        for _, cells, used in self.rows:
            actual = (found.api, found.case, found.path, found.ours,
                      found.theirs)
            if all(map(fits, actual, cells)):
                used[0] += 1
                return True
        return False

    def unused(self):
        return [(n, cells) for n, cells, used in self.rows if not used[0]]
