"""A child: what a fork in a test does there is reported here, whether it raises, hangs or dies.

in_child(body)      fork; run the body in the child; fail here with what went wrong there
"""

from __future__ import annotations

import faulthandler
import os
import signal
import traceback
import warnings
from collections.abc import Callable

import pytest

DEADLINE = 120
"""Seconds after which a child counts as hung. It ends by itself then, and says where it was."""


def in_child(body: Callable[[], None], *, forked: Callable[[], None] | None = None) -> None:
    """Fork; run the body in the child; raise here what it raised there. ``forked`` is called here, meanwhile."""
    readable, writable = os.pipe()
    with warnings.catch_warnings():
        # From 3.12 on: other threads might hold locks. Those of heaps are what is tested here.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            faulthandler.register(signal.SIGALRM, file=writable, all_threads=False, chain=True)  # which ends the child
            signal.alarm(DEADLINE)
            body()
        except BaseException:
            os.write(writable, traceback.format_exc().encode()[-60_000:])  # as much as a pipe takes
        finally:
            os._exit(0)
    os.close(writable)
    if forked is not None:
        forked()
    with open(readable, "rb") as pipe:
        report = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if report:
        pytest.fail(f"in the child:\n{report}", pytrace=False)
    assert status == 0
