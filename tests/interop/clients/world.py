"""A broker, a client's driver, and a proxy that loses answers."""
import base64
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "differential"))

import codec    # noqa: E402
import pair     # noqa: E402

TOP = os.path.join(HERE, "..", "..", "..")
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build", "bin")))
BUILD = os.path.abspath(os.environ.get(
    "INTEROP_BUILD", os.path.join(TOP, "build", "interop")))
KAFKA = os.path.abspath(os.environ.get(
    "KAFKA_JARS", os.path.join(TOP, "build", "kafka")))
PATIENCE_SECONDS = 60
ANSWER_SECONDS = 120    # longer than any client waits by itself here
# Groups that do not wait: for more members, for the next heartbeat, or long
# for one that was killed.
GROUP_OPTIONS = ("group.initial.rebalance.delay.ms=0",
                 "group.min.session.timeout.ms=1000",
                 "group.consumer.min.session.timeout.ms=1000",
                 "group.consumer.min.heartbeat.interval.ms=100",
                 "group.consumer.heartbeat.interval.ms=100")
GROUP_RESOURCE = 32

PYTHON = os.path.join(BUILD, "python", "bin", "python")
JAVA = ("java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
        "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp",
        "%s:%s/libs/*" % (os.path.join(BUILD, "java"), KAFKA))
CLIENTS = {
    "confluent-kafka": (PYTHON, os.path.join(HERE, "python", "confluent.py")),
    "kafka-python": (PYTHON, os.path.join(HERE, "python", "kafkapython.py")),
    "aiokafka": (PYTHON, os.path.join(HERE, "python", "aio.py")),
    "franz-go": (os.path.join(BUILD, "go", "driver"),),
    "@platformatic/kafka": ("node", os.path.join(BUILD, "js", "driver.mjs")),
    "Apache Kafka": JAVA + ("Driver",),
}

# Programs that are members of groups: what makes one, by an address.
PROGRAMS = {}


class Unsupported(Exception):
    pass


class Refused(Exception):
    """The client's error: what it says and Kafka's number for it."""

    def __init__(self, text, code):
        super().__init__("%s (code %s)" % (text, code))
        self.code = code


class Broker:
    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        self.port, self.process = 0, None
        os.makedirs(folder)

    def start(self):
        ready, write = os.pipe()
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "kbrokerd"),
                 "-X", "log.dirs=%s" % os.path.join(self.folder, "data"),
                 "-X", "listeners=PLAINTEXT://127.0.0.1:%d" % self.port,
                 "-X", "log.retention.ms=-1",
                 "--port-file", os.path.join(self.folder, "port"),
                 "--ready-fd", str(write), *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[write])
        os.close(write)
        with os.fdopen(ready) as file:
            if not file.readline():
                with open(log.name, encoding="utf-8") as text:
                    raise SystemExit("kbrokerd: %s" % text.read())
        with open(os.path.join(self.folder, "port"), encoding="ascii") as file:
            self.port = int(file.read())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def address(self):
        return "127.0.0.1:%d" % self.port


class Proxy:
    """Forwards; of every third Produce the answer is lost, and with it the
    connection, until that has happened so many times."""
    PRODUCE, EVERY = 0, 3

    def __init__(self, losses):
        self.losses, self.lost, self.seen = losses, 0, 0
        self.target, self.lock = None, threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            doomed = set()      # correlation ids whose answers get lost
            for args in ((client, server, doomed, True),
                         (server, client, doomed, False)):
                threading.Thread(target=self.pump, args=args,
                                 daemon=True).start()

    def pump(self, source, sink, doomed, forward):
        try:
            with source.makefile("rb") as file:
                while True:
                    head = file.read(4)
                    if len(head) < 4:
                        break
                    frame = file.read(struct.unpack(">i", head)[0])
                    if not self.passes(frame, doomed, forward):
                        break
                    sink.sendall(head + frame)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def passes(self, frame, doomed, forward):
        with self.lock:
            if not forward:
                return frame[:4] not in doomed
            if struct.unpack_from(">h", frame)[0] == self.PRODUCE:
                self.seen += 1
                if self.lost < self.losses and self.seen % self.EVERY == 0:
                    self.lost += 1
                    doomed.add(frame[4:8])
        return True

    def close(self):
        self.socket.close()


class Driver:
    def __init__(self, command, address):
        self.process = subprocess.Popen(
            [*command, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

    def ask(self, what, **more):
        """The answer, a dict; raises Refused or Unsupported."""
        timer = threading.Timer(ANSWER_SECONDS, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(dict(more, do=what)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise RuntimeError("%s ended, or did not answer to %s within %d s"
                               % (os.path.basename(self.process.args[-2]),
                                  what, ANSWER_SECONDS))
        out = json.loads(line)
        if "unsupported" in out:
            raise Unsupported(out["unsupported"])
        if "error" in out:
            raise Refused(out["error"], out.get("code"))
        return out

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class World:
    """A broker, and a client to make topics and ask the admin's questions."""

    def __init__(self, client):
        self.client = client
        self.number = 0
        self.other = os.environ.get("KSPOOL_TEST_BROKER")
        self.folder = tempfile.TemporaryDirectory(prefix="kspool-interop-")
        self.broker = self.driver = None
        self.drivers = {}

    def __enter__(self):
        if not self.other:
            options = [word for o in GROUP_OPTIONS for word in ("-X", o)]
            self.broker = Broker(os.path.join(self.folder.name, "broker"),
                                 *options)
            self.broker.start()
        self.address = self.other or self.broker.address()
        self.driver = self.another_driver()
        self.side = pair.Side("broker", self.address, codec.Protocol())
        return self

    def __exit__(self, *_):
        for driver in [self.driver, *self.drivers.values()]:
            driver.close()
        self.side.close()
        if self.broker:
            self.broker.stop()
        self.folder.cleanup()

    def restart_driver(self):
        for driver in [self.driver, *self.drivers.values()]:
            driver.close()
        self.drivers = {}
        self.driver = self.another_driver()

    # What no client needs to be asked for

    def set_group_config(self, group, name, value):
        out = self.side.call("IncrementalAlterConfigs", 1, {"resources": [{
            "resource_type": GROUP_RESOURCE, "resource_name": group,
            "configs": [{"name": name, "config_operation": 0,
                         "value": value}]}]})
        self.side.close()       # a broker that is killed closes it, too
        same(out["responses"][0]["error_code"], 0)

    # What cases say

    def type_of(self, group):
        out = self.side.call("ListGroups", 5, {})
        self.side.close()
        return {g["group_id"]: g["group_type"] for g in out["groups"]}[group]

    def another_driver(self):
        return Driver(CLIENTS[self.client], self.address)

    def driver_of(self, client):
        """The driver of that client, too: for groups of several."""
        if client not in self.drivers:
            self.drivers[client] = PROGRAMS[client](self.address) \
                if client in PROGRAMS else Driver(CLIENTS[client], self.address)
        return self.drivers[client]

    def ask(self, what, **more):
        return self.driver.ask(what, **more)

    def refused(self, code, what, **more):
        """The client must say that this was refused, and as what."""
        try:
            out = self.ask(what, **more)
        except Refused as error:
            if error.code == code:
                return
            raise
        raise AssertionError("%s was not refused but %s" % (what, out))

    def topic(self, partitions=1, **configs):
        name = self.name()
        self.ask("create", topic=name, partitions=partitions, configs={
            k.replace("_", "."): v for k, v in configs.items()})
        self.eventually(self.leads, name, partitions)
        return name

    def leads(self, topic, partitions):
        """Whether the client sees so many, each with its leader."""
        parts = self.ask("describe", topic=topic)["partitions"]
        return len(parts) == partitions and \
            all(p["leader"] >= 0 for p in parts)

    def eventually(self, condition, *args):
        """Kafka does what it has promised a moment later."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if condition(*args):
                    return
            except Refused:
                if time.monotonic() > end:
                    raise
            if time.monotonic() > end:
                raise AssertionError("never: %s%s" % (
                    condition.__name__, args))

    def name(self):
        self.number += 1
        return "interop-%d-%d" % (os.getpid(), self.number)

    def produce(self, topic, records, partition=0, **more):
        return self.ask("produce", topic=topic, partition=partition,
                        records=[encoded(r) for r in records], **more)

    def consume(self, topic, count, offset=0, partition=0):
        """The records that the client hands out, in its order."""
        out = self.ask("consume", topic=topic, partition=partition,
                       offset=offset, count=count)
        return [decoded(r) for r in out["records"]]


def base(value):
    return None if value is None else base64.b64encode(value).decode()


def raw(value):
    return None if value is None else base64.b64decode(value)


def record(value=None, key=None, headers=(), time=None):
    return {"key": key, "value": value, "headers": list(headers),
            "time": time}


def encoded(r):
    return {"key": base(r["key"]), "value": base(r["value"]),
            "headers": [[k, base(v)] for k, v in r["headers"]],
            "time": r["time"]}


def decoded(r):
    return {"key": raw(r["key"]), "value": raw(r["value"]),
            "headers": [(k, raw(v)) for k, v in r["headers"]],
            "time": r["time"], "offset": r["offset"]}


def same(actual, wanted, what=""):
    if actual != wanted:
        raise AssertionError("%s is %s and should be %s" % (
            what or "it", shown(actual), shown(wanted)))


def shown(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."
