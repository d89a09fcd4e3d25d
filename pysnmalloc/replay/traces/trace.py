"""A trace: the calls of a recorded program, in the order in which they were made.

    m 0 100 7          Op(MALLOC, thread=0, object=0, size=100, line=2)
    f 1 7              Op(FREE,   thread=1, object=0, size=100, line=3)
    m 0 24 7           Op(MALLOC, thread=0, object=1, size=24,  line=4)

The law of this module: every ``Trace`` can be replayed. Every object is allocated
once, and is reallocated and freed only while it is live, by a thread that exists.
``Builder`` refuses a line that breaks this, so no other module checks it again.

Objects are renumbered 0, 1, 2, ... in order of allocation, so that lists can be
indexed by them; a name that the file reuses after a free denotes a new object. A
reallocated object keeps its number. Left out: time. A trace records the order of
the calls, not when they were made.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from .errors import TraceError

__all__ = ["Builder", "Kind", "Op", "Place", "Trace"]


class Kind(enum.IntEnum):
    """The kind of a call."""

    MALLOC = 0  #: malloc
    CALLOC = 1  #: calloc: the object reads as zero
    ALIGNED = 2  #: aligned_alloc
    REALLOC = 3  #: realloc
    FREE = 4  #: free


class Op(NamedTuple):
    """One call. A tuple, because there are hundreds of thousands of them.

    Attributes:
        kind: of the call.
        thread: number of the calling thread, from 0.
        object: number of the object that the call allocates, resizes or frees, from 0 in order of allocation.
        line: number of its line in the file, from 1.
    """

    kind: Kind
    thread: int
    object: int
    size: int
    """Bytes requested; for a free, the bytes requested for the object."""
    line: int
    alignment: int = 0
    """Alignment of an aligned allocation in bytes; else 0."""
    before: int = 0
    """For a reallocation, the bytes requested for the object before; else 0."""


class Place(NamedTuple):
    """The place of an object in the recorded run; chunks are numbered in order of first appearance.

    Attributes:
        chunk: number of the chunk.
        offset: bytes from the chunk's start to the object's.
    """

    chunk: int
    offset: int


@dataclass(frozen=True)
class Trace:
    """A recorded program.

    Attributes:
        name: of the file, for messages.
        format: of the file, in words.
        threads: number of threads; they are numbered from 0.
        ops: the calls in recorded order.
        objects: number of objects ever allocated.
        numbers: the number that each thread's allocator must have, if recorded.
        places: place of each object, by object; empty unless recorded.
        config: name of the configuration of the recording, if the file's name shows it.
        notes: remarks on how the file was read.
    """

    name: str
    format: str
    threads: int
    ops: tuple[Op, ...]
    objects: int
    numbers: tuple[int, ...] | None = None
    places: tuple[Place, ...] = ()
    config: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def allocator_numbers(self) -> tuple[int, ...]:
        """The number of each thread's allocator: as recorded, else 1, 2, 3, ..."""
        return self.numbers or tuple(range(1, self.threads + 1))

    def left_live(self) -> dict[int, int]:
        """Return the objects that the trace never frees, and the bytes requested for each."""
        live: dict[int, int] = {}
        for op in self.ops:
            if op.kind is Kind.FREE:
                del live[op.object]
            else:
                live[op.object] = op.size
        return live


class _Live(NamedTuple):
    """The builder's record of a live object."""

    object: int
    size: int
    line: int


@dataclass
class Builder:
    """Takes calls line by line, checks them, and builds a ``Trace``.

    Attributes:
        file: name of the file, for messages.
        threads: number of threads.
        noun: the file's word for the caller: thread or allocator.
        ops: the calls taken so far, in recorded order.
        objects: number of objects that they allocated; the next object gets this number.
    """

    file: str
    threads: int = 1
    noun: str = "thread"
    ops: list[Op] = field(default_factory=list)
    objects: int = 0
    _live: dict[int | str, _Live] = field(default_factory=dict)

    def fail(self, line: int, expected: str, found: str) -> NoReturn:
        """Refuse a line."""
        raise TraceError(self.file, line, expected, found, self.advice())

    def advice(self) -> str:
        """Return what to do about an error, if more can be said than to correct the line."""
        return ""

    def is_live(self, name: int | str) -> bool:
        """Return whether an object with this name in the file is live."""
        return name in self._live

    def allocate(self, kind: Kind, line: int, thread: int, name: int | str, size: int, alignment: int = 0) -> None:
        """Take a malloc, calloc or aligned allocation of an object that is not live."""
        live = self._live.get(name)
        if live is not None:
            self.fail(line, f"an object that is not live; line {live.line} allocated it", f"object {name} again")
        self._check_thread(line, thread)
        self._live[name] = _Live(self.objects, size, line)
        self.ops.append(Op(kind, thread, self.objects, size, line, alignment))
        self.objects += 1

    def reallocate(self, line: int, thread: int, name: int | str, size: int, new_name: int | str) -> None:
        """Take a reallocation, which may give the object a new name.

        A reallocation to 0 bytes becomes one to 1 byte: in the file, the object still exists, but
        ``realloc`` to 0 bytes may free it.
        """
        size = max(size, 1)
        live = self._take(line, thread, name)
        taken = self._live.get(new_name)
        if taken is not None:
            self.fail(
                line,
                f"an object that is not live; line {taken.line} allocated it",
                f"object {new_name} again",
            )
        self._live[new_name] = _Live(live.object, size, line)
        self.ops.append(Op(Kind.REALLOC, thread, live.object, size, line, 0, live.size))

    def free(self, line: int, thread: int, name: int | str) -> None:
        """Take a free of a live object."""
        live = self._take(line, thread, name)
        self.ops.append(Op(Kind.FREE, thread, live.object, live.size, line))

    def _take(self, line: int, thread: int, name: int | str) -> _Live:
        """Remove a live object's name."""
        live = self._live.pop(name, None)
        if live is None:
            self.fail(line, "a live object", f"object {name}, which is not allocated (or already freed)")
        self._check_thread(line, thread)
        return live

    def _check_thread(self, line: int, thread: int) -> None:
        """Refuse a thread that the header does not declare."""
        if not 0 <= thread < self.threads:
            self.fail(
                line,
                f"a{'n' * (self.noun[0] in 'aeiou')} {self.noun} from 0 to {self.threads - 1}",
                str(thread),
            )
