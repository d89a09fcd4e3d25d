"""A trace: the calls of a recorded program, in the order in which they were made.

    m 0 100 7          Op(MALLOC, thread=0, object=0, size=100, line=2)
    f 1 7              Op(FREE,   thread=1, object=0, size=100, line=3)
    m 0 24 7           Op(MALLOC, thread=0, object=1, size=24,  line=4)

The law of this module: a ``Trace`` that exists can be replayed. Every object
is allocated once, is reallocated and freed only while it is live, and by a
thread that exists. What breaks this is refused with its line by ``Builder``,
so no other module looks again.

Objects are numbered anew, 0, 1, 2, ... in order of allocation, so that lists
can be indexed by them; a name that the file uses again after a free is a new
object. A reallocated object keeps its number. What is left out: time. A trace
says in which order calls were made, not when.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from .errors import TraceError

__all__ = ["Builder", "Kind", "Op", "Place", "Trace"]


class Kind(enum.IntEnum):
    """What a call does."""

    MALLOC = 0  #: malloc
    CALLOC = 1  #: calloc: the object reads as zero
    ALIGNED = 2  #: aligned_alloc
    REALLOC = 3  #: realloc
    FREE = 4  #: free


class Op(NamedTuple):
    """One call. A tuple, because there are hundreds of thousands of them.

    Attributes:
        kind: what is called.
        thread: number of the one that calls, from 0.
        object: number of the object that the call allocates, resizes or frees, from 0 in order of allocation.
        line: where the file has it, from 1.
    """

    kind: Kind
    thread: int
    object: int
    size: int
    """Bytes requested; of a free, the bytes that the object had been requested with."""
    line: int
    alignment: int = 0
    """Of an aligned allocation, in bytes; else 0."""
    before: int = 0
    """Of a reallocation, the bytes that the object had been requested with before; else 0."""


class Place(NamedTuple):
    """Where the recorded run had an object: chunks are named in order of first appearance.

    Attributes:
        chunk: the chunk's name, a number.
        offset: bytes from the chunk's start to the object's.
    """

    chunk: int
    offset: int


@dataclass(frozen=True)
class Trace:
    """A recorded program.

    Attributes:
        name: of the file, for messages.
        format: what kind of file it is, in words.
        threads: how many threads there were; they are numbered from 0.
        ops: the calls in recorded order.
        objects: how many objects were ever allocated.
        numbers: the number that each thread's allocator must have, if recorded.
        places: where each object was, by object; empty unless recorded.
        config: name of the configuration it was recorded with, if the file's name tells.
        notes: what the reader should know about how the file was read.
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
    """What the builder knows of a live object."""

    object: int
    size: int
    line: int


@dataclass
class Builder:
    """Takes calls line by line, checks them, and makes a ``Trace``.

    Attributes:
        file: name of the file, for messages.
        threads: how many threads there are.
        noun: what the file calls the one who calls: a thread, an allocator.
        ops: the calls taken so far, in recorded order.
        objects: how many objects were allocated by them; the next one gets this number.
    """

    file: str
    threads: int = 1
    noun: str = "thread"
    ops: list[Op] = field(default_factory=list)
    objects: int = 0
    _live: dict[int | str, _Live] = field(default_factory=dict)

    def fail(self, line: int, expected: str, found: str) -> NoReturn:
        """Refuse a line."""
        raise TraceError(self.file, line, expected, found)

    def is_live(self, name: int | str) -> bool:
        """Tell whether the file's name of an object means one now."""
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

        One to 0 bytes becomes one to 1 byte: the file says that there still is an object, and a
        ``realloc`` to 0 may as well free it.
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
            self.fail(line, "a live object", f"object {name}, which is not allocated (or freed already)")
        self._check_thread(line, thread)
        return live

    def _check_thread(self, line: int, thread: int) -> None:
        """Refuse a thread that the header does not announce."""
        if not 0 <= thread < self.threads:
            self.fail(
                line,
                f"a{'n' * (self.noun[0] in 'aeiou')} {self.noun} from 0 to {self.threads - 1}",
                str(thread),
            )
