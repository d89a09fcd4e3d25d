"""``doctor``: does the allocator work on this Python and this machine (§2.9)?

    describe()       facts: interpreter, GIL, platform
    examine(...)     checks: features of the platform, then the allocator itself

The checks together take about as long as they are given. Each has a share of the time and a fixed
amount of work, and stops at whichever ends first. Read ``selftest`` first.

The law: a check calls what users call, and the contents of objects and ``Heap.check`` judge it.

Imported by: cli.

    check, features, selftest
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator
from time import monotonic

from . import features, selftest
from .check import Check, Outcome, Work, make

__all__ = ["CHECKS", "Check", "Outcome", "describe", "examine"]

#: All checks, in order.
CHECKS: tuple[tuple[str, int, Work], ...] = (
    # name, share of the time, work; checks that fork precede those that start threads
    ("address space is reserved", 1, features.reserve),
    ("decommitted pages are returned", 1, features.dontneed),
    ("fork copies a heap", 1, features.fork),
    ("C integers follow the heap", 1, features.queue_test),
    ("random operations, classroom", 20, selftest.classroom),
    ("random operations, checked mode", 20, selftest.classroom_checked),
    ("random operations, paper-1mib", 20, selftest.one_mib),
    ("producer and consumer threads", 20, selftest.producer_consumer),
    ("replay in recorded order", 8, selftest.recorded),
    ("replay with real threads", 8, selftest.real),
)


def describe() -> dict[str, str]:
    """Return facts about the interpreter and the machine."""
    gil_enabled = getattr(sys, "_is_gil_enabled", None)
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": sys.executable or "unknown",
        "GIL": "on" if gil_enabled is None or gil_enabled() else "off",
        "free-threaded build": "yes" if sysconfig.get_config_var("Py_GIL_DISABLED") else "no",
        "platform": f"{platform.system()} {platform.release()}, {platform.machine()}, {sys.byteorder}-endian",
        "processors": str(os.cpu_count() or "unknown"),
    }


def examine(seconds: float, report: Callable[[str, float], None]) -> Iterator[Check]:
    """Run all checks, and yield each result.

    Args:
        seconds: the approximate time for all checks together.
        report: called often, with the name of the running check and the share of the time used, 0 to 1.
    """
    began = monotonic()
    total = sum(share for _, share, _ in CHECKS)
    used = 0
    for name, share, work in CHECKS:
        used += share
        until = began + seconds * used / total

        def more(name: str = name, until: float = until) -> bool:
            now = monotonic()
            report(name, min((now - began) / seconds, 1.0) if seconds else 1.0)
            return now < until

        yield make(name, work, more)
