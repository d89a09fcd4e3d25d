"""How an execution can break off: what must not be, and the execution so far (§2.2).

Race              two accesses that nothing orders, one plain, one a write
ThreadFailed      a thread ended by an error
Uninitialised     a read of bytes that must be written first, and were not
"""

from __future__ import annotations

from .execution import Execution

__all__ = ["Broken", "Race", "ThreadFailed", "Uninitialised"]


class Broken(Exception):
    """Something that must not be has come up in an execution, which ends there.

    Attributes:
        graph: the execution.
        threads: those that have to do with it, the one in which it came up last.
    """

    def __init__(self, graph: Execution, *threads: int) -> None:
        super().__init__(threads)
        self.graph = graph
        self.threads = threads


class Race(Broken):
    """Two accesses that nothing orders, one of them a write, one of them plain."""

    def __init__(self, graph: Execution, other: int, thread: int, address: int, lines: tuple[str, str]) -> None:
        super().__init__(graph, other, thread)
        self.address = address
        self.lines = lines


class ThreadFailed(Broken):
    """A thread ended by an error."""

    def __init__(self, graph: Execution, thread: int, error: BaseException) -> None:
        super().__init__(graph, thread)
        self.error = error


class Uninitialised(Broken):
    """A read of bytes that nobody wrote."""

    def __init__(self, graph: Execution, thread: int, address: int, line: str) -> None:
        super().__init__(graph, thread)
        self.address = address
        self.line = line
