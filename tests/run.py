#!/usr/bin/env python3
"""Run test programs, some at a time, and close with one line of counts.

    run.py [--jobs N] [--strict] FILE...

By default one more at a time than there are processors: many wait.  A FILE is
a bats file or a cmocka program; both speak TAP.  What fails is shown
whole.  The last line is "N passed, N failed, N skipped".  With --strict a
test that is skipped for a reason that 'make deps' could have removed counts
as failed: only reasons that start with "no JDK", "no Go" or "no Node" are left.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

RESULT = re.compile(r"^(not ok|ok) \d+(?: - | )?(.*?)(?:\s*# skip\b\s*(.*))?$",
                    re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)")
TIMEOUT_SECONDS = int(os.environ.get("TEST_TIMEOUT", "600"))


def command(path):
    if path.endswith(".bats"):
        return ["bats", "--tap", "--timing", path]
    return [path]


def run(path):
    """Returns (path, passed, failures, skips, output, seconds)."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    start = time.monotonic()
    try:
        # A session of its own, so that a hung test can be ended whole.
        with subprocess.Popen(command(path), env=env, text=True,
                              errors="replace", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              start_new_session=True) as process:
            try:
                output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
                status = process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                output, _ = process.communicate()
                status = f"no end after {TIMEOUT_SECONDS} s"
    except OSError as error:
        output, status = str(error), "not started"
    return judge(path, output, status, time.monotonic() - start)


def judge(path, output, status, seconds):
    passed, failures, skips, planned = 0, [], [], None
    for line in output.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned = (planned or 0) + int(plan.group(1))
        result = RESULT.match(line)
        if not result:
            continue
        verdict, name, reason = result.groups()
        if reason is not None:
            skips.append((name, reason or "no reason given"))
        elif verdict == "ok":
            passed += 1
        else:
            failures.append(name)
    count = passed + len(failures) + len(skips)
    if planned is None or count < planned or (status != 0 and not failures):
        failures.append(f"ended early: {count} of {planned} tests, "
                        f"status {status}")
    return path, passed, failures, skips, output, seconds


def is_needless(reason):
    return not reason.startswith(("no JDK", "no Go", "no Node"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()

    # A caller that ignores signals (nohup, a job in the background of a
    # script) would hand that down to programs that are tested for them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)

    passed = failed = skipped = 0
    # Long ones first, so that the last does not run alone.
    files = sorted(args.files, key=lambda f: not f.endswith(".bats"))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for path, ok, bad, skips, output, seconds in pool.map(run, files):
            if args.strict:
                bad += [f"{test}: skipped, for what 'make deps' could have "
                        f"avoided: {reason}"
                        for test, reason in skips if is_needless(reason)]
                skips = [s for s in skips if not is_needless(s[1])]
            name = os.path.relpath(path)
            print(f"{'FAIL' if bad else 'ok  '} {name}: {ok} passed"
                  + (f", {len(bad)} failed" if bad else "")
                  + (f", {len(skips)} skipped" if skips else "")
                  + f" ({seconds:.1f} s)")
            for test, reason in skips:
                print(f"     skipped: {test}: {reason}")
            for test in bad:
                print(f"     failed: {test}")
            if bad:
                print(output)
            sys.stdout.flush()
            passed += ok
            failed += len(bad)
            skipped += len(skips)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
