"""The cases of consumer groups, by name, as in cases.py.

Each is there for the classic protocol and for that of KIP-848, but where it is
about the group's offsets alone.  A group's members live in drivers, which are
asked in turn for what has come; a driver commits that before it answers.  What
must always be so is looked at each time:

    - no partition is of two members at once;
    - a record whose commit was answered is not handed out again, to nobody.
"""
import concurrent.futures
import os
import re
import subprocess
import time

from cases import ALL
from world import BIN, PATIENCE_SECONDS, PROGRAMS, Unsupported, record, same

NOT_EMPTY, NO_GROUP, FENCED, UNRELEASED = 68, 69, 82, 111
SHORT_SESSION_MS = 1500
LONG_AGO = 1600000000000
MIXED = {}
# What a client has a call for, but does not do.
LACKS = {
    ("kafka-python", "classic group: a second of an instance"):
        "a member that is fenced joins again",
    ("aiokafka", "classic group: a second of an instance"):
        "a member that is fenced joins again",
    ("franz-go", "consumer group: a static member comes back"):
        "its static members leave without their instance, which is refused",
    ("@platformatic/kafka", "classic group: the topic grows"):
        "its members do not look for new partitions",
    ("@platformatic/kafka", "classic group: a static member comes back"):
        "its static members leave when they are closed",
    ("@platformatic/kafka", "consumer group: described"):
        "its admin describes classic groups",
}


def _add(name, function, *args):
    def run(w):
        if (w.client, name) in LACKS:
            raise Unsupported(LACKS[(w.client, name)])
        return function(w, *args)
    ALL[name] = run


def both(function):
    words = function.__name__.replace("_", " ")
    for protocol in ("classic", "consumer"):
        _add("%s group: %s" % (protocol, words), function, protocol)
    return function


def once(function):
    _add("group: " + function.__name__.replace("_", " "), function)
    return function


def mixed(function):
    MIXED[function.__name__.replace("_", " ")] = function
    return function


class Group:
    def __init__(self, w, protocol, *topics):
        self.w, self.protocol, self.topics = w, protocol, list(topics)
        self.name = w.name()
        self.members = {}       # name -> its driver
        self.told = {}          # name -> its last answer
        self.seen = {}          # (topic, partition) -> offsets handed out
        self.committed = {}     # (topic, partition) -> the next

    def join(self, member, driver=None, **more):
        driver = driver or self.w.driver
        driver.ask("join", **dict({
            "member": member, "group": self.name, "topics": self.topics,
            "protocol": self.protocol, "pattern": None, "assignor": None,
            "instance": None, "session_ms": None}, **more))
        self.members[member] = driver
        self.told[member] = {"owned": [], "joined": 0, "error": None}

    def leave(self, member):
        """The others live on: a client may wait for them before it goes."""
        driver = self.members[member]
        self.forget(member)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            gone = pool.submit(driver.ask, "leave", member=member)
            while not gone.done() and set(self.members.values()) - {driver}:
                self.poll(but=driver)
            gone.result()

    def forget(self, member):
        del self.members[member], self.told[member]

    def poll(self, but=None):
        out = self.ask_all("poll", but)
        self.told.update(out)
        # Some members read and commit before they are asked for it.
        for batch, member in sorted(
                ((b, m) for m in out for b in out[m]["batches"]),
                key=lambda pair: pair[0].get("at", float("inf"))):
            self.look(member, batch)
        if but is None:
            self.check_owners()

    def ask_all(self, what, but=None):
        """{member: answer}.  All drivers at once: one may wait for what
        another's member has to do."""
        drivers = list(set(self.members.values()) - {but})
        with concurrent.futures.ThreadPoolExecutor(len(drivers)) as pool:
            answers = list(pool.map(lambda driver: driver.ask(what, members=[
                m for m, d in self.members.items() if d is driver]), drivers))
        return {m: row for a in answers for m, row in a["members"].items()}

    def look(self, member, batch):
        for topic, partition, offset in batch["records"]:
            at = (topic, partition)
            if offset < self.committed.get(at, 0) and "again" not in batch:
                raise AssertionError(
                    "%s was given %s %d at %d, committed is %d" % (
                        member, topic, partition, offset, self.committed[at]))
            self.seen.setdefault(at, set()).add(offset)
        if batch["committed"]:
            for topic, partition, offset in batch["records"]:
                at = (topic, partition)
                self.committed[at] = max(self.committed.get(at, 0), offset + 1)

    def check_owners(self):
        """Members tell one after the other, and what one gives away between
        another gets: only what the same two say twice was of both between."""
        before = self.owners()
        if all(len(members) == 1 for members in before.values()):
            return
        for member, owned in self.ask_all("owned").items():
            self.told[member]["owned"] = owned
        twofold = {at: both for at, members in self.owners().items()
                   if len(both := members & before.get(at, set())) > 1}
        if twofold:
            raise AssertionError("of two members: %s; %s" % (
                twofold, self.told))

    def owners(self):
        out = {}
        for member in self.members:
            for at in self.owned(member):
                out.setdefault(at, set()).add(member)
        return out

    def owned(self, member):
        return {tuple(at) for at in self.told[member]["owned"]}

    def until(self, condition, *args):
        """Polls all until that is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition(*args):
            if time.monotonic() > end:
                raise AssertionError("never: %s%s; %s; seen %s" % (
                    condition.__name__, args, self.told,
                    {at: len(o) for at, o in self.seen.items()}))
            self.poll()

    def has_seen(self, topic, counts):
        """So many records of each partition, from the first on."""
        return all(self.seen.get((topic, p), set()) == set(range(n))
                   for p, n in enumerate(counts))

    def has_committed(self, topic, counts):
        return all(self.committed.get((topic, p), 0) == n
                   for p, n in enumerate(counts))

    def settled(self, *wanted):
        """All partitions have an owner; so many each, in any order."""
        return sorted(len(self.owned(m)) for m in self.members) == \
            sorted(wanted)

    def fails(self, member, code):
        return self.told[member]["error"] == code

    def has_all(self, count):
        return sum(len(self.owned(m)) for m in self.members) == count

    def read_all(self, topic, counts):
        self.until(self.has_seen, topic, counts)
        self.until(self.has_committed, topic, counts)


def _fill(w, topic, partitions, count):
    for partition in range(partitions):
        w.produce(topic, [record(b"%d" % i) for i in range(count)],
                  partition=partition)


@both
def commit_and_go_on(w, protocol):
    topic = w.topic(3)
    _fill(w, topic, 3, 20)
    group = Group(w, protocol, topic)
    group.join("a")
    group.read_all(topic, [20] * 3)
    group.leave("a")
    _fill(w, topic, 3, 5)
    group.join("b")
    group.read_all(topic, [25] * 3)
    group.leave("b")
    same({(t, p): o for t, p, o in w.ask(
        "group_offsets", group=group.name)["offsets"]},
         {(topic, p): 25 for p in range(3)})


@both
def members_share_and_leave(w, protocol):
    topic = w.topic(4)
    group = Group(w, protocol, topic)
    group.join("a")
    group.until(group.settled, 4)
    _fill(w, topic, 4, 10)
    group.join("b")
    group.until(group.settled, 2, 2)
    _fill(w, topic, 4, 10)
    group.read_all(topic, [20] * 4)
    group.leave("a")
    _fill(w, topic, 4, 10)
    group.until(group.settled, 4)
    group.read_all(topic, [30] * 4)
    group.leave("b")


@both
def a_member_is_killed(w, protocol):
    topic = w.topic(2)
    group = Group(w, protocol, topic)
    if protocol == "consumer":
        w.set_group_config(group.name, "consumer.session.timeout.ms",
                           str(SHORT_SESSION_MS))
    doomed = w.another_driver()
    try:
        group.join("a")
        group.join("b", doomed, session_ms=SHORT_SESSION_MS)
        _fill(w, topic, 2, 10)
        group.until(group.settled, 1, 1)
        group.read_all(topic, [10] * 2)
    finally:
        doomed.close()
    group.forget("b")
    _fill(w, topic, 2, 10)
    group.until(group.settled, 2)
    group.read_all(topic, [20] * 2)
    group.leave("a")


@both
def a_static_member_comes_back(w, protocol):
    topic = w.topic(4)
    group = Group(w, protocol, topic)
    group.join("a", instance="first")
    group.join("b", instance="second")
    group.until(group.settled, 2, 2)
    _fill(w, topic, 4, 5)
    group.read_all(topic, [5] * 4)
    # A client may tell late of the rebalance that b came with: once more then.
    for count in (10, 15, 20):
        before, had = group.told["a"]["joined"], group.owned("b")
        group.leave("b")
        group.join("b", instance="second")
        group.until(group.settled, 2, 2)
        _fill(w, topic, 4, 5)
        group.read_all(topic, [count] * 4)
        same(group.owned("b"), had)
        if group.told["a"]["joined"] == before:
            break
    same(group.told["a"]["joined"], before, "rebalances of the other")
    group.leave("a")
    group.leave("b")


@both
def a_second_of_an_instance(w, protocol):
    """The first is fenced; by KIP-848 the second is refused."""
    topic = w.topic(2)
    group = Group(w, protocol, topic)
    group.join("a", instance="same")
    group.until(group.settled, 2)
    group.join("b", instance="same")
    loser, winner = ("a", "b") if protocol == "classic" else ("b", "a")
    code = FENCED if protocol == "classic" else UNRELEASED
    # Until it is told the fenced one still believes in what it had.
    group.check_owners = lambda: None
    group.until(group.fails, loser, code)
    group.forget(loser)
    del group.check_owners
    _fill(w, topic, 2, 5)
    group.until(group.settled, 2)
    group.read_all(topic, [5] * 2)
    group.leave(winner)


@both
def the_topic_grows(w, protocol):
    topic = w.topic(1)
    group = Group(w, protocol, topic)
    group.join("a")
    group.join("b")
    group.until(group.settled, 0, 1)
    w.ask("grow", topic=topic, partitions=4)
    w.eventually(w.leads, topic, 4)
    # Records after it: a commit may fail while partitions move.
    group.until(group.settled, 2, 2)
    _fill(w, topic, 4, 5)
    group.read_all(topic, [5] * 4)
    group.leave("a")
    group.leave("b")


@both
def seek_by_time(w, protocol):
    topic = w.topic(1)
    w.produce(topic, [record(b"%d" % i, time=LONG_AGO + 1000 * i)
                      for i in range(10)])
    group = Group(w, protocol, topic)
    group.join("a")
    group.read_all(topic, [10])
    offset = w.ask("offset_for", topic=topic, partition=0,
                   time=LONG_AGO + 6001)["offset"]
    same(offset, 7)
    w.ask("seek", member="a", topic=topic, partition=0, offset=offset)
    group.seen, group.committed = {}, {}
    group.until(lambda: group.seen.get((topic, 0)) == {7, 8, 9})
    group.leave("a")


@both
def a_pattern_of_topics(w, protocol):
    base = w.name()
    names = ["%s-%d" % (base, i) for i in range(3)]

    def make(name):
        w.ask("create", topic=name, partitions=2, configs={})
        w.eventually(w.leads, name, 2)
        _fill(w, name, 2, 3)
    make(names[0])
    make(names[1])
    group = Group(w, protocol)
    group.join("a", pattern="^%s-[0-9]+$" % base)
    group.until(group.settled, 4)
    if protocol == "classic":
        # By KIP-848 the broker looks, and Kafka's not for some ten seconds.
        make(names[2])
        group.until(group.settled, 6)
    else:
        names.pop()
    for name in names:
        group.read_all(name, [3] * 2)
    group.leave("a")


@both
def each_assignor(w, protocol):
    for assignor in w.ask("assignors", protocol=protocol)["assignors"]:
        topic = w.topic(4)
        group = Group(w, protocol, topic)
        group.join("a", assignor=assignor)
        group.join("b", assignor=assignor)
        group.until(group.settled, 2, 2)
        group.join("c", assignor=assignor)
        group.until(group.settled, 2, 1, 1)
        _fill(w, topic, 4, 5)
        group.read_all(topic, [5] * 4)
        for member in list(group.members):
            group.leave(member)


def _is_state(w, group, state, members):
    out = w.ask("group", group=group)
    return out["state"] == state and len(out["members"]) == members


@both
def described(w, protocol):
    topic = w.topic(2)
    group = Group(w, protocol, topic)
    group.join("a")
    group.until(group.settled, 2)
    w.eventually(_is_state, w, group.name, "stable", 1)
    member = w.ask("group", group=group.name)["members"][0]
    same(sorted(map(tuple, member["partitions"])), [(topic, 0), (topic, 1)])
    assert group.name in w.ask("groups")["groups"]
    group.leave("a")
    w.eventually(_is_state, w, group.name, "empty", 0)


# Offsets, of a group that has no member any more

def _left_group(w):
    topic = w.topic(2)
    _fill(w, topic, 2, 5)
    group = Group(w, "classic", topic)
    group.join("a")
    group.read_all(topic, [5] * 2)
    group.leave("a")
    return group, topic


def _offsets(w, group):
    return {(t, p): o for t, p, o in
            w.ask("group_offsets", group=group.name)["offsets"]}


@once
def offsets_are_altered(w):
    group, topic = _left_group(w)
    w.ask("alter_offsets", group=group.name,
          offsets=[[topic, 0, 3], [topic, 1, 0]])
    same(_offsets(w, group), {(topic, 0): 3, (topic, 1): 0})
    group.seen, group.committed = {}, {(topic, 0): 3}
    group.join("b")
    group.until(lambda: group.seen.get((topic, 0)) == {3, 4} and
                group.seen.get((topic, 1)) == {0, 1, 2, 3, 4})
    group.leave("b")


@once
def offsets_are_deleted(w):
    group, topic = _left_group(w)
    w.ask("delete_offsets", group=group.name, places=[[topic, 1]])
    same(_offsets(w, group), {(topic, 0): 5})


@once
def deleted(w):
    group, _ = _left_group(w)
    group.join("b")
    group.until(group.settled, 2)
    w.refused(NOT_EMPTY, "delete_group", group=group.name)
    group.leave("b")
    w.ask("delete_group", group=group.name)
    assert group.name not in w.ask("groups")["groups"]
    same(_offsets(w, group), {})
    w.refused(NO_GROUP, "delete_group", group=group.name)


# Groups of several clients

class Program:
    """A command-line consumer, which commits by itself, as a driver of its one
    member, of which it does not tell what is committed.

    What it has said is read when it is asked for: so that what it gave away
    before another was given it is never taken for its own."""

    def __init__(self, address):
        self.address, self.process = address, None

    def ask(self, what, **more):
        return getattr(self, what)(**more)

    def join(self, member, group, topics, protocol, assignor, **_):
        self.mine, self.joined, self.partial = [], 0, {}
        self.process = subprocess.Popen(
            self.command(group, topics, protocol, assignor),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        for pipe in (self.process.stdout, self.process.stderr):
            os.set_blocking(pipe.fileno(), False)

    def lines(self, pipe):
        """The whole lines that have come."""
        data = self.partial.pop(pipe, b"") + (pipe.read() or b"")
        *lines, self.partial[pipe] = data.split(b"\n")
        return [line.decode() for line in lines]

    def listen(self):
        for line in self.lines(self.process.stderr):
            mine = self.assigned(line)
            if mine is not None:
                self.joined += bool(mine)
                self.mine = mine

    def poll(self, members):
        self.listen()
        records = [[topic, int(partition), int(offset)]
                   for topic, partition, offset in map(
                       str.split, self.lines(self.process.stdout))]
        return {"members": {members[0]: {
            "owned": self.mine, "joined": self.joined, "error": None,
            "batches": [{"records": records, "committed": False}]}}}

    def owned(self, members):
        self.listen()
        return {"members": {members[0]: self.mine}}

    def leave(self, member):
        self.process.terminate()
        self.process.wait()
        self.close()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Kcat(Program):
    """kcat -G, which commits when it has to give partitions away and when it
    ends."""
    ASSIGNED = re.compile(r"assigned: (.*)|revoked")
    PLACE = re.compile(r"(\S+) \[(\d+)\]")

    def command(self, group, topics, protocol, assignor):
        return ["kcat", "-b", self.address, "-u", "-f", "%t %p %o\\n",
                "-X", "auto.offset.reset=earliest",
                "-X", "heartbeat.interval.ms=100",
                "-X", "partition.assignment.strategy=" + assignor,
                "-G", group, *topics]

    def assigned(self, line):
        found = self.ASSIGNED.search(line)
        return found and [[t, int(p)] for t, p in self.PLACE.findall(
            found.group(1) or "")]


class Kconsume(Program):
    """Ours, in groups of others."""
    ASSIGNED = re.compile(r"group '[^']*': has (.*)")

    def command(self, group, topics, protocol, assignor):
        assign = ["--assignor", assignor] if assignor else []
        return [os.path.join(BIN, "kconsume"), "-b", self.address, "-v", "-u",
                "-f", "%t %p %o\\n", "-X", "auto.offset.reset=earliest",
                "-X", "heartbeat.interval.ms=100",
                "-X", "auto.commit.interval.ms=100",
                "-X", "group.protocol=" + protocol, *assign,
                "-G", group, *topics]

    def assigned(self, line):
        found = self.ASSIGNED.search(line)
        if not found or found.group(1) == "no partitions":
            return found and []
        return [[topic, int(p)] for topic, *partitions in map(
            str.split, found.group(1).split(", ")) for p in partitions]


PROGRAMS["kcat"] = Kcat
PROGRAMS["kconsume"] = Kconsume


def _one_group(w, assignor, clients, protocol="classic"):
    """All of them in one group: one of them assigns for all, or the broker
    does, and when it has left another does."""
    count = 2 * len(clients)
    topic = w.topic(count)
    group = Group(w, protocol, topic)
    for client in clients:
        group.join(client, w.driver_of(client), assignor=assignor)
    group.until(group.settled, *[2] * len(clients))
    _fill(w, topic, count, 10)
    group.until(group.has_seen, topic, [10] * count)
    # The coordinator's choice is the first; with the others it is any.
    for client in clients[:2]:
        group.leave(client)
        group.until(group.has_all, count)
        _fill(w, topic, count, 5)
    group.until(group.has_seen, topic, [20] * count)
    for client in clients[2:]:
        group.leave(client)


@mixed
def a_group_by_range(w):
    _one_group(w, "range", ["kcat", "kconsume", "confluent-kafka",
                            "kafka-python", "aiokafka", "franz-go",
                            "Apache Kafka"])


@mixed
def a_group_by_roundrobin(w):
    _one_group(w, "roundrobin", ["Apache Kafka", "@platformatic/kafka",
                                 "franz-go", "aiokafka", "kafka-python",
                                 "confluent-kafka", "kconsume", "kcat"])


@mixed
def a_sticky_group(w):
    _one_group(w, "sticky", ["kconsume", "Apache Kafka", "franz-go",
                             "kafka-python"])


@mixed
def a_cooperative_group(w):
    _one_group(w, "cooperative-sticky", ["kconsume", "franz-go",
                                         "Apache Kafka", "kafka-python",
                                         "confluent-kafka"])


@mixed
def a_group_of_kip_848(w):
    _one_group(w, "uniform", ["Apache Kafka", "kconsume", "franz-go",
                              "confluent-kafka"], "consumer")


@mixed
def a_group_moves_to_kip_848_and_back(w):
    topic = w.topic(6)
    group = Group(w, "classic", topic)

    def all_of_it(*counts):
        group.until(group.settled, *counts)
        total = max(map(len, group.seen.values()), default=0) + 5
        _fill(w, topic, 6, 5)
        group.until(group.has_seen, topic, [total] * 6)
        group.until(is_stored, {(topic, p): total for p in range(6)})

    def is_stored(wanted):
        return _offsets(w, group) == wanted
    old = {"java": "Apache Kafka", "confluent": "confluent-kafka"}
    for member, client in old.items():
        group.join(member, w.driver_of(client), assignor="range")
    all_of_it(3, 3)
    new = {"new " + m: c for m, c in old.items()}
    new["new ours"] = "kconsume"
    for member, client in new.items():
        group.join(member, w.driver_of(client), protocol="consumer")
    all_of_it(2, 1, 1, 1, 1)
    assert w.type_of(group.name) == "consumer"
    for member in old:
        group.leave(member)
    all_of_it(2, 2, 2)
    for member, client in old.items():
        group.join(member, w.driver_of(client), assignor="range")
    all_of_it(2, 1, 1, 1, 1)
    for member in new:
        group.leave(member)
    all_of_it(3, 3)
    assert w.type_of(group.name) == "classic"
    for member in old:
        group.leave(member)
