#!/usr/bin/env python3
"""Run a command on a terminal of its own, and play a dialogue with it.

	terminal.py 'WAIT FOR=TYPE'... -- COMMAND [ARG...]

Each step waits until the text has come and then types; \\x03 is ^C, \\x1a ^Z.
An empty TYPE only waits.  Prints all that came; exits with the status of the
command, or 128+n for a signal.
"""
import os
import pty
import select
import sys

LIMIT_SECONDS = 60


def wait_for(fd, text, seen):
    while text not in seen[0]:
        if not select.select([fd], [], [], LIMIT_SECONDS)[0]:
            sys.exit(f"waited for {text!r} in vain: {seen[1]!r}")
        try:
            more = os.read(fd, 4096).decode(errors="replace")
        except OSError:
            more = ""
        if not more:
            sys.exit(f"ended before {text!r}: {seen[1]!r}")
        seen[0] += more
        seen[1] += more
    seen[0] = seen[0].split(text, 1)[1]


def read_rest(fd, seen):
    while True:
        try:
            more = os.read(fd, 4096).decode(errors="replace")
        except OSError:
            return
        if not more:
            return
        seen[1] += more


def main():
    at = sys.argv.index("--")
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
    seen = ["", ""]  # since the last step, and all
    for step in sys.argv[1:at]:
        text, _, typed = step.partition("=")
        wait_for(fd, text, seen)
        if typed:
            os.write(fd, typed.encode().decode("unicode_escape").encode())
    read_rest(fd, seen)
    _, status = os.waitpid(pid, 0)
    print(seen[1].replace("\r", ""), end="")
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
