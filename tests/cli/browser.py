"""browser.py - a headless Chromium, for tests of the status page

    with Browser() as browser:
        page = browser.open(url, width=360)
        page.wait("document.body.dataset.ready")
        assert page.evaluate("document.title") == "kbrokerd"

It is driven through two pipes.  Nothing sleeps for luck: wait() asks the page
again until what it asks for is so, or fails.
"""
import json
import os
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium-headless-shell", "chromium")
PATIENCE_SECONDS = float(os.environ.get("TEST_LIMIT_SECONDS", "60"))


class Browser:
    def __enter__(self):
        program = next(filter(None, map(shutil.which, NAMES)))
        self.home = tempfile.mkdtemp(prefix="browser-")
        to_read, self.to = os.pipe()
        self.from_, to_write = os.pipe()
        # The browser reads from descriptor 3 and writes to 4.
        command = (f"exec {program} --headless --no-sandbox --disable-gpu "
                   "--disable-dev-shm-usage --no-first-run "
                   f"--user-data-dir={self.home} --remote-debugging-pipe "
                   f"about:blank 3<&{to_read} 4>&{to_write}")
        self.process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.left = b""
        self.number = 0
        self.events = []
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.from_)
        shutil.rmtree(self.home, ignore_errors=True)

    def _read(self):
        while b"\0" not in self.left:
            more = os.read(self.from_, 1 << 16)
            if not more:
                raise RuntimeError("the browser has ended")
            self.left += more
        message, self.left = self.left.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") != self.number:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]

    def open(self, url, width=1200, height=1000, dark=False):
        target = self.call("Target.createTarget", url="about:blank")
        session = self.call("Target.attachToTarget", flatten=True,
                            targetId=target["targetId"])["sessionId"]
        page = Page(self, session)
        page.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)
        if dark:
            page.call("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": "dark"}])
        for domain in ("Log", "Runtime", "Page"):
            page.call(domain + ".enable")
        page.call("Page.navigate", url=url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression):
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                value = self.evaluate(expression)
            except RuntimeError as error:
                value, text = None, str(error) # nothing there yet
            else:
                text = self.evaluate("document.body?.innerText")
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"never true: {expression}\n{text}")
            # One frame of the page, not a guess of how long it takes.
            self.evaluate("new Promise((r) => setTimeout(r, 20))")

    def type(self, selector, text):
        self.evaluate(f"document.querySelector({selector!r}).focus()")
        self.call("Input.insertText", text=text)

    def click(self, selector):
        self.evaluate(f"document.querySelector({selector!r}).click()")

    def complaints(self):
        """What the page has said to the console: errors of any kind."""
        found = []
        for event in self.browser.events:
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"])
            if event.get("method") == "Log.entryAdded":
                found.append(event["params"]["entry"])
        return found

    def save(self, path):
        import base64
        shot = self.call("Page.captureScreenshot",
                         captureBeyondViewport=True)
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))
