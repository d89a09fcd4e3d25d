"""Memory: how much more a process holds than when an answer began (§2).

    room = Room(64 MiB)
    room.is_spent()        reads the pages that the process has resident; a microsecond on Linux
    room.close()

``tracemalloc`` would count exactly, but starting and stopping it while other threads allocate can crash CPython before
3.14, and a notebook's kernel always has other threads. It is used only where there is no other means.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
import tracemalloc
from collections.abc import Callable
from typing import Final

__all__ = ["Room"]

STATM: Final = "/proc/self/statm"
"""Where Linux tells the pages of this process: all, resident, and more."""


PAGE: Final = mmap.PAGESIZE

_files: dict[int, int] = {}
"""The open file of each process, by its number."""


class Room:
    """Room for more memory than the process holds now.

    Args:
        most: how many bytes more.
    """

    def __init__(self, most: int) -> None:
        self._began = False
        self._held = _resident if os.path.exists(STATM) else _peak() or self._traced()
        self._end = self._held() + most

    def is_spent(self) -> bool:
        """Return whether the process holds more."""
        return self._held() > self._end

    def close(self) -> None:
        """End the measurement."""
        if self._began and threading.active_count() == 1:
            tracemalloc.stop()

    def _traced(self) -> Callable[[], int]:
        """Return what Python's own allocations are asked for, and trace them from now on."""
        if not tracemalloc.is_tracing():
            tracemalloc.start()
            self._began = True
        return lambda: tracemalloc.get_traced_memory()[0]


def _resident() -> int:
    """Return the bytes that are resident, on Linux; 0 if an answer has closed the file in which Linux tells them."""
    process = os.getpid()
    try:
        if process not in _files:
            _files[process] = os.open(STATM, os.O_RDONLY)  # a forked child has a file of its own
        return int(os.pread(_files[process], 64, 0).split()[1]) * PAGE
    except (OSError, IndexError, ValueError):
        return 0


def _peak() -> Callable[[], int] | None:
    """Return what macOS and the BSDs tell: the most that was resident so far. Windows and browsers tell nothing."""
    try:
        import resource

        usage, this = resource.getrusage, resource.RUSAGE_SELF
    except (ImportError, AttributeError):  # a browser's Python has the module without the function
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return lambda: usage(this).ru_maxrss * unit
