"""A real browser for tests: headless Chromium, driven through a pipe by its own protocol.

    with Browser() as browser:
        browser.open(path)
        browser.evaluate("document.title")
        browser.press("ArrowRight")

Needs the program ``chromium`` (or Chrome) and nothing else. Without it, the tests that need it are skipped; the reason
says what to install. With pytest's option ``--demand-browser`` they fail.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--remote-debugging-pipe", "--window-size=860,900"),
)
# The browser reads its protocol on descriptor 3 and writes on 4.
STARTER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, " ": 32, "Tab": 9}

Json = dict[str, object]


class NoBrowserError(Exception):
    """There is no browser to test with."""


def find() -> str:
    """The browser's path."""
    for name in (os.environ.get("CHROME", ""), *NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise NoBrowserError(
        "tests of web pages need Chromium: install it (Debian: apt-get install chromium), or name a Chrome in the "
        "environment variable CHROME"
    )


class Browser:
    """One browser with one page; ``options`` are of its command line."""

    def __init__(self, *options: str) -> None:
        program = find()  # before anything is made that an error would leave behind
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read, to_write)]
        command = [program, *OPTIONS, *options, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", STARTER, *map(str, high), *command],
            pass_fds=high,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, to_write, *high):
            os.close(end)
        self._received = b""
        self._number = 0
        self._session = ""
        self.events: list[Json] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        assert isinstance(targets, list)
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._write)  # the browser leaves when its pipe is closed
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        self._profile.cleanup()

    # The protocol.

    def call(self, method: str, **parameters: object) -> Json:
        """Make a call and wait for its answer; events that come before are kept."""
        self._number += 1
        message: Json = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result = answer["result"]
                assert isinstance(result, dict)
                return result

    def _next(self) -> Json:
        """Wait for the next answer or event."""
        while b"\0" not in self._received:
            data = os.read(self._read, 1 << 16)
            assert data, "the browser is gone"
            self._received += data
        line, _, self._received = self._received.partition(b"\0")
        message: Json = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def wait(self, method: str) -> None:
        """Wait for an event."""
        while all(event["method"] != method for event in self.events):
            self._next()

    # What a reader does.

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a page and wait until it is there; always anew, also where only the fragment differs."""
        for url in ("about:blank", path.as_uri() + fragment):
            self.events.clear()
            self.call("Page.navigate", url=url)
            self.wait("Page.loadEventFired")

    def evaluate(self, expression: str) -> object:
        """Evaluate JavaScript in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        result = answer["result"]
        assert isinstance(result, dict)
        return result.get("value")

    def press(self, key: str) -> None:
        """Press a key, and let it go."""
        text = {"text": " "} if key == " " else {}
        for kind in ("keyDown", "keyUp"):
            code = KEYS[key]
            extra = text if kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code="Space" if key == " " else key,
                windowsVirtualKeyCode=code,
                **extra,
            )

    def click(self, selector: str) -> None:
        """Click in the middle of an element, which is scrolled to first."""
        place = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        assert isinstance(place, list)
        x, y = place
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def prefer(self, scheme: str) -> None:
        """Say which colours the reader's system prefers: light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def media(self, media: str) -> None:
        """Show the page as on paper (``print``), or on the screen (an empty word)."""
        self.call("Emulation.setEmulatedMedia", media=media)

    def requests(self) -> list[str]:
        """All addresses that the page asked for, itself among them."""
        found = []
        for event in self.events:
            if event["method"] == "Network.requestWillBeSent":
                parameters = event["params"]
                assert isinstance(parameters, dict)
                found.append(str(parameters["request"]["url"]))
        return found
