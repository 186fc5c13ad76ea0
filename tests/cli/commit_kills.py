#!/usr/bin/env python3
"""Kill whoever reads a group's records, again and again, and see what it costs.

    commit_kills.py ROW TOPIC KILLS

ROW is a way to commit: none, write, drain, ack, exact, exec, or pipeline (ack
through kproduce --ack-src).  TOPIC has one partition, whose records say their
own offsets.  Some chains of runs go on at once, each in a group of its own: a
run begins where the group is, and ends when the reader, the command, kproduce
or kconsume dies after a number of records that chance chose; the last run of a
chain goes to the end.  From where the next run begins follows what was lost
and what comes twice, and that is held against what the row promises.

The reader is a thread of this program, and dies by closing its end; the pipe
to it holds one page, so that it is always full.  kconsume dies by SIGKILL, as
a static member of a classic group: the next one takes its place at once.
"""
import fcntl
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading

PIPE_BYTES = 4096
CHAINS = 20
LIMIT_SECONDS = 120


class Broken(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Broken(what)


def small_pipe():
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return read_end, write_end


class Run:
    """One kconsume, from its start to its death or the end of the topic."""

    def __init__(self, chain, options, ack_fd=None, stdout=None):
        self.chain = chain
        arguments = ["kconsume", "-G", chain.group, chain.topic, "-v",
                     "-e", "-X", "auto.offset.reset=earliest", *options]
        if chain.is_static:
            arguments += ["-X", "group.protocol=classic",
                          "--instance-id", "one"]
        if stdout is None:
            self.fd, stdout = small_pipe()
        fds = [] if ack_fd is None else [ack_fd]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=subprocess.PIPE, pass_fds=fds)
        self.watchdog = threading.Timer(LIMIT_SECONDS, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()
        os.close(stdout)
        for fd in fds:
            os.close(fd)
        chain.last_run = self
        self.held = b""       # part of a line
        self.lines = []       # read, not yet handed out
        self.last_read = -1   # number of the last record that was read whole
        self.first = None     # of the first

    def read(self):
        """Read once; False at the end."""
        data = os.read(self.fd, 65536)
        lines = (self.held + data).split(b"\n")
        self.held = lines.pop()
        numbers = [int(line.split()[0]) for line in lines]
        if numbers:
            if self.first is None:
                self.first = numbers[0]
                self.last_read = self.first - 1
            check(numbers == list(range(self.last_read + 1,
                                        self.last_read + 1 + len(numbers))),
                  f"records after {self.last_read}: {numbers[:3]}...")
            self.last_read = numbers[-1]
            self.lines += numbers
        return len(data) > 0

    def next(self):
        """The next record, or None at the end."""
        while not self.lines:
            if not self.read():
                return None
        return self.lines.pop(0)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def end(self, *wanted):
        """Wait for it; it is to end with one of these statuses."""
        errors = self.process.stderr.read().decode()
        self.chain.errors += [errors, "--"]
        status = self.process.wait()
        self.watchdog.cancel()
        check(status in wanted, f"kconsume ended with {status}: {errors}")
        return errors


class Chain(threading.Thread):
    """Runs of one group: each is killed, but for the last."""

    def __init__(self, row, topic, number, kills, total):
        super().__init__(name=f"chain {number}")
        self.random = random.Random(f"{os.environ.get('SEED', '1')} {number}")
        self.row, self.topic, self.kills, self.total = row, topic, kills, total
        self.group = f"{row}-{topic}-{number}"
        self.is_static = number % 2 == 0
        self.done = [0] * total
        self.lost = self.twice = 0
        self.problem = None
        self.errors = []

    def run(self):
        try:
            ROWS[self.row](self)
        except Exception as problem:  # told by main
            self.problem = problem
            self.last_run.kill()

    def kill_after(self):
        """So many records of a run, so that some are left for the others."""
        return self.random.randrange(1, max(2, self.total // self.kills))

    def kills_reader(self):
        """Only a static member may be killed: another's place stays taken."""
        return not self.is_static or self.random.random() < 0.5

    def note_start(self, start, low, high):
        """The next run began there: between these, or the promise is broken."""
        check(low <= start <= high,
              f"began at {start}, not between {low} and {high}")

    def finish(self, may_lose):
        self.lost = self.done.count(0)
        self.twice = sum(self.done) - (self.total - self.lost)
        check(may_lose or self.lost == 0, f"lost {self.lost} records, the "
              f"first {self.done.index(0) if self.lost else -1}")


# The rows.  Where the next run begins is looked at by the run itself.

def read_some(run, chain, count):
    """Be done with count records; the last one, and is there an end?"""
    last = -1
    for _ in range(count):
        number = run.next()
        if number is None:
            return last, True
        chain.done[number] += 1
        last = number
    return last, False


def stdout_row(mode, next_bounds, may_lose):
    def row(chain):
        low, high = 0, 0
        for kill in range(chain.kills + 1):
            run = Run(chain, ["--commit", mode])
            last, at_end = read_some(run, chain, chain.total + 1
                                     if kill == chain.kills
                                     else chain.kill_after())
            if run.first is not None:
                chain.note_start(run.first, low, high)
            if at_end:
                os.close(run.fd)
                run.end(0)
                break
            if chain.kills_reader():
                os.close(run.fd)
                # 0: it had written the rest before.
                run.end(-signal.SIGPIPE, 0)
                low, high = next_bounds(last, run)
            else:
                run.kill()
                # The reader goes on to the end of what was written.
                last = max(last, read_some(run, chain, chain.total)[0])
                os.close(run.fd)
                run.end(-signal.SIGKILL, 0)
                low, high = run.first, last + 1
                if mode == "none":
                    low, high = 0, 0
        chain.finish(may_lose)
    return row


def none_bounds(last, run):
    return 0, 0


def write_bounds(last, run):
    # What is in the pipe is gone, as is what was read and not done.
    in_pipe = PIPE_BYTES // RECORD_BYTES + 1
    return last + 1, run.last_read + 1 + in_pipe


def drain_bounds(last, run):
    # What was read whole, and nothing else.
    return run.last_read + 1, run.last_read + 1


def ack_row(is_exact):
    def row(chain):
        low, high = 0, 0
        for kill in range(chain.kills + 1):
            ack_read, ack_write = os.pipe()
            options = ["--commit", "ack", "--ack-fd", str(ack_read)]
            run = Run(chain, options + ["--ack", "exact"] * is_exact,
                      ack_fd=ack_read)
            acked, at_end = work(chain, run, ack_write, is_exact,
                                 chain.total + 1 if kill == chain.kills
                                 else chain.kill_after())
            if run.first is not None:
                chain.note_start(run.first, low, high)
            if at_end:
                os.close(ack_write)
                os.close(run.fd)
                run.end(0)
                break
            if chain.kills_reader():
                os.close(run.fd)
                os.close(ack_write)
                # By what it saw first: the end of acks, or of its reader.
                run.end(-signal.SIGPIPE, 1)
                low = acked + 1
            else:
                run.kill()
                run.end(-signal.SIGKILL)
                os.close(run.fd)
                os.close(ack_write)
                low = run.first
            high = acked + 1
        chain.finish(False)
    return row


def work(chain, run, ack_fd, is_exact, count):
    """Be done with count records, and say so of each four; the last of which
    it was said, and is there an end?"""
    acked, waiting = None, []
    for _ in range(count):
        number = run.next()
        if number is None:
            return acknowledge(chain, waiting, ack_fd, is_exact), True
        if acked is None:
            acked = number - 1
        chain.done[number] += 1
        waiting.append(number)
        if len(waiting) == 4:
            acked = acknowledge(chain, waiting, ack_fd, is_exact)
    return acked, False


def acknowledge(chain, waiting, ack_fd, is_exact):
    if not waiting:
        return None
    said = list(waiting) if is_exact else waiting[-1:]
    chain.random.shuffle(said)
    last = waiting[-1]
    os.write(ack_fd, b"".join(b"%s 0 %d\n" % (chain.topic.encode(), number)
                              for number in said))
    waiting.clear()
    return last


BATCH = 7


def exec_row(chain):
    low, high = 0, 0
    directory = pathlib.Path(tempfile.mkdtemp())
    done = directory / "done"
    done.touch()
    seen = 0
    for kill in range(chain.kills + 1):
        # The command kills itself, or kconsume, on a record that chance chose,
        # after it has begun with the batch.
        at = seen + chain.kill_after()
        victim = "$$" if chain.kills_reader() else "$PPID"
        command = (f"while read -r n rest; do echo $n >>{done};"
                   + ("" if kill == chain.kills else
                      f" [ $n != {at:06d} ] || kill -KILL {victim};") + " done")
        run = Run(chain, ["--exec", command, "--batch", str(BATCH),
                          "--batch", "50ms"])
        while os.read(run.fd, 4096):
            pass
        os.close(run.fd)
        run.end(0, 1, -signal.SIGKILL)
        numbers = [int(n) for n in done.read_text().split()][sum(chain.done):]
        for number in numbers:
            chain.done[number] += 1
        if numbers:
            chain.note_start(numbers[0], low, high)
            # One batch, from its first record on.
            high = numbers[-1] + 1
            low = max(0, high - BATCH)
            seen = high
    chain.finish(False)


def pipeline_row(chain):
    """kconsume | kproduce --ack-src, this program being the fifo between."""
    target = chain.group
    subprocess.run(["ktopics", "create", target], check=True)
    for kill in range(chain.kills + 1):
        ack_read, ack_write = os.pipe()
        data_read, data_write = os.pipe()
        run = Run(chain, ["-J", "--commit", "ack", "--ack-fd", str(ack_read)],
                  ack_fd=ack_read, stdout=data_write)
        produce = subprocess.Popen(
            ["kproduce", "-q", "-J", "-t", target, "--ack-src"],
            stdin=data_read, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.close(data_read)
        acks = 0
        limit = chain.kill_after()
        victim = produce if chain.kills_reader() else run.process
        for line in produce.stdout:
            try:
                os.write(ack_write, line)
            except BrokenPipeError:
                pass
            acks += 1
            if kill < chain.kills and acks == limit:
                victim.kill()
        produce.wait()
        os.close(ack_write)
        run.end(0, 1, -signal.SIGPIPE, -signal.SIGKILL)
        if kill == chain.kills:
            check(run.process.returncode == 0 and produce.returncode == 0,
                  f"the last run: {run.process.returncode}, "
                  f"{produce.returncode}")
    stored = subprocess.run(["kconsume", "-t", target, "-e"], check=True,
                            capture_output=True).stdout
    for line in stored.splitlines():
        chain.done[int(line.split()[0])] += 1
    chain.finish(False)


ROWS = {
    "none": stdout_row("none", none_bounds, True),
    "write": stdout_row("write", write_bounds, True),
    "drain": stdout_row("drain", drain_bounds, True),
    "ack": ack_row(False),
    "exact": ack_row(True),
    "exec": exec_row,
    "pipeline": pipeline_row,
}

RECORD_BYTES = 100


def main():
    row, topic, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
    chains = min(CHAINS, kills)
    each = kills // chains
    total = 60 * each
    subprocess.run(
        ["kproduce", "-t", topic],
        input="".join(f"{i:06d} {'x' * (RECORD_BYTES - 8)}\n"
                      for i in range(total)).encode(), check=True)
    threads = [Chain(row, topic, number, each, total)
               for number in range(chains)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    broken = [thread for thread in threads if thread.problem is not None]
    for thread in broken:
        print(f"{row}, {thread.name} ({thread.group}): "
              f"{type(thread.problem).__name__}: {thread.problem}")
        print("  " + "  ".join("".join(thread.errors).splitlines(True)[-20:]))
    print(f"{row}: {each * chains} kills, {total * chains} records, "
          f"{sum(thread.lost for thread in threads)} lost, "
          f"{sum(thread.twice for thread in threads)} twice")
    return 1 if broken else 0


sys.exit(main())
