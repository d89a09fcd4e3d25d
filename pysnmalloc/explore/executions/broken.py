"""How an execution can break off: the errors that end it, each with the execution so far (§2.2).

Race              two unordered accesses, at least one plain and at least one a write
ThreadFailed      an exception that ended a thread
Uninitialised     a read of bytes that must be written first but were not
"""

from __future__ import annotations

from typing import NoReturn

from .execution import Execution

__all__ = ["Broken", "Race", "ThreadFailed", "Uninitialised"]


class Broken(Exception):
    """An error that ends an execution.

    Attributes:
        graph: the execution so far.
        threads: the threads involved; the last is the one in which the error came up.
    """

    def __init__(self, graph: Execution, *threads: int) -> None:
        super().__init__(threads)
        self.graph = graph
        self.threads = threads

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        self.graph.__reduce__()


class Race(Broken):
    """Two accesses that happens-before does not order, at least one of them a write and at least one plain."""

    def __init__(self, graph: Execution, other: int, thread: int, address: int, lines: tuple[str, str]) -> None:
        super().__init__(graph, other, thread)
        self.address = address
        self.lines = lines


class ThreadFailed(Broken):
    """An exception ended a thread."""

    def __init__(self, graph: Execution, thread: int, error: BaseException) -> None:
        super().__init__(graph, thread)
        self.error = error


class Uninitialised(Broken):
    """A read of bytes that must be written first, but that no thread has written."""

    def __init__(self, graph: Execution, thread: int, address: int, line: str) -> None:
        super().__init__(graph, thread)
        self.address = address
        self.line = line
