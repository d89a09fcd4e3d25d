"""Asking: a student's process is started, asked and ended (§2).

    with Asking(LIMITS) as asking:
        asking.ask({"do": "load", "file": "sizes.py"})       an answer, or NoAnswer with the reason

    deadline ──► ended with its group, and with every process that carries its mark

Safety: one thread asks. Nothing that the process does can block it: pipes are read without waiting, until the
deadline.
"""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ...lesson.running.underway import pulse
from .limits import LIMITS, Limits
from .wire import LONGEST, Unreadable, pack, unpack

__all__ = ["Asking", "NoAnswer"]

ROOT = Path(__file__).parents[3]
MARK = "PYSNMALLOC_LAB"
LOOK = 0.25  # seconds
BRIEFLY = 0.01  # seconds
MOST_LOOKS = 200
"""A process may start others as fast as they are ended; then the check goes on without them."""


class NoAnswer(Exception):
    """A student's process gave no answer. The message says why, in words that follow a name."""


class Asking:
    """A student's process.

    Args:
        limits: what it may use.
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._mark = secrets.token_hex(16)
        self._got = bytearray()
        self._ended = False
        self.printed = bytearray()
        """What the student has printed so far."""

    def __enter__(self) -> Self:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", MARK: self._mark},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._questions: IO[bytes] = self._process.stdin
        os.set_blocking(self._questions.fileno(), False)
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ)
        try:
            self.ask({"do": "limit", "limits": self._limits.as_dict()})
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, with all that it has started."""
        with suppress(OSError, ValueError):
            self._questions.close()
        self._kill()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def ask(self, question: Mapping[str, object]) -> dict[object, object]:
        """Return the answer to a question.

        Raises:
            NoAnswer: if there is none in time, or if it is no plain value. The process is ended then.
        """
        deadline = time.monotonic() + self._limits.seconds
        self._send(pack(dict(question)).encode() + b"\n", deadline)
        line = self._line(deadline)
        try:
            answer = unpack(line)
        except Unreadable as error:
            raise self._no_answer(f"answers with {error}") from None
        if not isinstance(answer, dict):
            raise self._no_answer("answers with something else than an answer")
        return answer

    def _send(self, line: bytes, deadline: float) -> None:
        """Send a line. A process that does not read fills its pipe, so this does not wait for it either.

        Raises:
            NoAnswer: if the process does not take it in time.
        """
        while line:
            try:
                line = line[os.write(self._questions.fileno(), line) :]
            except BlockingIOError:
                self._wait(deadline)
            except (OSError, ValueError):
                raise self._no_answer("ended its process before it was asked") from None

    def _line(self, deadline: float) -> bytes:
        """Return the next line of the process.

        Raises:
            NoAnswer: if it does not come in time.
        """
        while b"\n" not in self._got:
            if not self._selector.get_map():
                raise self._no_answer("ends its process before it answers")
            self._wait(deadline)
        line, _, rest = bytes(self._got).partition(b"\n")
        self._got = bytearray(rest)
        return line

    def _wait(self, deadline: float) -> None:
        """Wait a moment for the process, and take what it prints.

        Raises:
            NoAnswer: if the deadline has passed.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._no_answer(f"gives no answer within {self._limits.seconds:g} seconds")
        for key, _ in self._selector.select(min(left, LOOK)):
            self._read(key.fileobj)
        pulse()

    def _read(self, pipe: object) -> None:
        """Take what a pipe has.

        Raises:
            NoAnswer: if the process prints too much, or answers with too long a line.
        """
        assert not isinstance(pipe, int)
        some = os.read(pipe.fileno(), 1 << 16)  # type: ignore[attr-defined]  # one of the two pipes
        if not some:
            self._selector.unregister(pipe)  # type: ignore[arg-type]
            return
        into, most = (self._got, LONGEST) if pipe is self._process.stdout else (self.printed, self._limits.printed)
        into += some
        if len(into) > most:
            raise self._no_answer(f"prints more than {most:,} bytes")

    def _no_answer(self, why: str) -> NoAnswer:
        """End the process, and return the error to raise."""
        self._kill()
        return NoAnswer(why)

    def _kill(self) -> None:
        """End the process, its group, and whatever else carries its mark; once, as its number may be used again."""
        if self._ended:
            return
        self._ended = True
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._kill_marked()
        self._process.wait()

    def _kill_marked(self) -> None:
        """End processes that left the group. Linux shows the environment with which a process was started.

        A process that has just been killed still shows it, and one that is just being started may not show it yet. So
        this ends after two looks in a row that find none.
        """
        clean = 0
        for _ in range(MOST_LOOKS):
            clean = 0 if self._kill_seen() else clean + 1
            if clean == 2:
                return
            time.sleep(BRIEFLY)

    def _kill_seen(self) -> bool:
        """Kill each process that carries the mark, and return whether there was one."""
        mark, seen = f"{MARK}={self._mark}".encode(), False
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError):
                if mark in (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
                    seen = True
        return seen
