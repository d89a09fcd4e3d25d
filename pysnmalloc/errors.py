"""What can go wrong in §2, and what each failure teaches.

    SnmallocError
    ├── ConfigError        a configuration that cannot work        (also a ValueError)
    ├── PartError          a class cannot serve as a part          (also a ValueError)
    ├── HeapExhausted      no address space left                   (also a MemoryError)
    │   └── SpaceRefused   the system refused a heap's address space
    ├── HeapClosed         a call on a heap after close()          (also a ValueError)
    ├── CutOff             a call after one that was cut off       (also a RuntimeError)
    ├── Reentered          a call from inside another call         (also a RuntimeError)
    ├── InvalidPointer     not an object of this heap              (also a ValueError)
    │   ├── DoubleFree     an object that is already free
    │   └── WrongThread    an allocator used by two threads at once
    ├── WriteAfterFree     bytes of a free object were changed
    ├── LeakError          objects still live when the heap closed
    ├── RecordingError     not a valid recording, or misused       (also a ValueError)
    └── LawBroken          an invariant of a structure does not hold

A message names the request, the object, its owner, size class and offset where
they are known, the law that was broken, and the section of the paper.
``DoubleFree``, ``WrongThread``, ``WriteAfterFree`` and ``LeakError`` are raised in
checked mode only. A heap that is not checked raises ``InvalidPointer`` only for
what the page map and the size class reveal. ``Heap.check`` raises ``LawBroken``.

Every error can be pickled and copied with its attributes and notes, so a process pool
returns it to the caller.
"""

from __future__ import annotations

from operator import index
from typing import SupportsIndex

__all__ = [
    "ConfigError",
    "CutOff",
    "DoubleFree",
    "HeapClosed",
    "HeapExhausted",
    "InvalidPointer",
    "LawBroken",
    "LeakError",
    "PartError",
    "RecordingError",
    "Reentered",
    "SnmallocError",
    "SpaceRefused",
    "WriteAfterFree",
    "WrongThread",
]


def integer(value: SupportsIndex, call: str, name: str) -> int:
    """Return an argument as an int: an int as it is, and any other type of integers, such as numpy's, by its value.

    Raises:
        TypeError: if it is no integer; the message names call, argument and type.
    """
    if type(value) is int:
        return value
    try:
        return int(index(value))
    except TypeError:  # an array has the method, too
        kind = type(value).__name__
    raise TypeError(f"{call}: {name} must be an integer, not {kind}")


class SnmallocError(Exception):
    """The base of every error that this package raises on purpose.

    What to do: catch one of its subclasses, or this class to catch them all.
    """

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to rebuild the error, for pickle and copy: from its attributes, not by its constructor.

        A constructor may take other arguments than ``args``, in which Python keeps what was passed to ``Exception``.
        """
        return _rebuilt, (type(self), self.args), vars(self)


def _rebuilt(kind: type[SnmallocError], args: tuple[object, ...]) -> SnmallocError:
    """Return an error that has no attributes yet; pickle and copy set them."""
    return Exception.__new__(kind, *args)  # MemoryError's own refuses a class that is also another error


class ConfigError(SnmallocError, ValueError):
    """A configuration cannot work; the message gives the reason (§2.1, §2.3).

    What to do: change the number that the message names; a preset (``PAPER``, ``PAPER_1MIB``, ``CLASSROOM``) always
    works.
    """


class PartError(SnmallocError, ValueError):
    """A class cannot serve as the part of a heap for which it was given; the message names what it lacks (§2).

    What to do: write the methods that the message names, or inherit them by subclassing the paper's class.
    """


class HeapExhausted(SnmallocError, MemoryError):
    """The reserved address space is used up (§2.5, §2.9); the heap stays intact and usable.

    What to do: free some objects, or make the heap with a larger ``reserve=``. Blocks of large objects are never split
    or joined, so freeing objects of other sizes does not help.

    Attributes:
        asked: bytes of address space that the call needed.
        reserved: bytes of address space that the heap reserved.
        in_use: bytes of that space that were ever handed out as chunks.
    """

    def __init__(self, asked: int, reserved: int, in_use: int) -> None:
        super().__init__(asked, reserved, in_use)
        self.asked = asked
        self.reserved = reserved
        self.in_use = in_use

    def __str__(self) -> str:
        return (
            f"out of address space: {self.asked:,} bytes requested, {self.reserved:,} reserved, "
            f"{self.in_use:,} of them in use; free some objects, or make the heap with a larger reserve= (§2.9)"
        )


class SpaceRefused(HeapExhausted):
    """The operating system refused to reserve a heap's address space (§2.9); no heap was made.

    What to do: pass a smaller ``reserve=``, raise the limit of the process or its container, or choose a smaller
    configuration. Heaps that are closed or that nobody holds do not count against the limit.

    Attributes:
        asked: bytes of address space that the system refused.
        least: the smallest ``reserve`` in bytes with which the configuration works; 0 if it is unknown.
    """

    def __init__(self, asked: int, least: int = 0) -> None:
        super().__init__(asked, 0, 0)
        self.least = least

    def __str__(self) -> str:
        if self.asked <= self.least:
            advice = "this configuration needs them all, so raise the limit or choose a smaller one, such as CLASSROOM"
        else:
            enough = f" (this configuration needs at least {self.least:,})" if self.least else ""
            advice = f"pass a smaller reserve={enough}, or raise the limit"
        return (
            f"the operating system refused {self.asked:,} bytes of address space, probably because of a limit of the "
            f"process (ulimit -v, RLIMIT_AS) or of its container; {advice} (§2.9)"
        )


class HeapClosed(SnmallocError, ValueError):
    """The heap is closed, and its memory is gone.

    What to do: use the heap only inside its ``with`` block, and let no address or view escape from it.
    """


class CutOff(SnmallocError, RuntimeError):
    """An allocator was cut off in the middle of an earlier call, and refuses every call since (§2.1).

    A time limit, a MemoryError or a RecursionError can end a call anywhere, and half of a change must not pass for a
    whole one. Ctrl-C does not: it waits until the call is complete. Other allocators are not affected.

    What to do: go on with another allocator, or with a new heap; give calls more time, memory or stack.
    """


class Reentered(SnmallocError, RuntimeError):
    """A call came from inside another one, from a finalizer, a weak-reference callback or a signal handler (§2.1).

    What to do: free there, if you must; such a free is kept and done when the outer call ends. Make other calls before
    or after the outer call.
    """


class InvalidPointer(SnmallocError, ValueError):
    """An address does not belong to an object of this heap, as far as page map or checked mode can tell (§2.4).

    What to do: pass the address that ``malloc`` returned, to the heap that returned it. For an address inside an
    object, ``Heap.object_start`` returns the start.
    """


class DoubleFree(InvalidPointer):
    """An object was freed that is already free (checked mode).

    What to do: find the two calls that free the object, and decide which of them owns it.
    """


class WrongThread(InvalidPointer):
    """An allocator was called while another call on it was in progress (checked mode, §2.1).

    What to do: use one allocator per thread: call ``heap.malloc`` and ``heap.free``, or ``acquire`` one in each thread.
    """


class WriteAfterFree(SnmallocError):
    """Bytes of a free object were changed; reuse or ``Heap.check`` finds this (checked mode).

    What to do: find the code that kept the object's address, or a view of it, after freeing it.
    """


class LeakError(SnmallocError):
    """Objects were still live when the heap was closed (checked mode).

    What to do: free the objects that ``objects`` lists. ``Heap.close`` reports leaks in checked mode only.

    Attributes:
        objects: (address, requested size in bytes) of each leaked object, in order of address.
    """

    def __init__(self, message: str, objects: tuple[tuple[int, int], ...]) -> None:
        super().__init__(message)
        self.objects = objects


class RecordingError(SnmallocError, ValueError):
    """A recording cannot be read, or cannot be used as requested; the message gives file, line and reason (§2).

    What to do: record again with this version, using ``Heap(record=Recording())``.
    """


class LawBroken(SnmallocError):
    """An invariant of a structure does not hold; ``Heap.check`` raises this error.

    What to do: read ``dump``, which shows the structure as it is. The usual cause is a program that wrote beyond an
    object or after freeing it: run the program on ``Heap(checked=True)``. If you changed the allocator, the change is
    wrong.

    Attributes:
        law: the law's name.
        dump: the state of the structure that breaks the law, as text.
    """

    def __init__(self, law: str, section: str, reason: str, dump: str) -> None:
        super().__init__(law, section, reason, dump)
        self.law = law
        self.section = section
        self.reason = reason
        self.dump = dump

    def __str__(self) -> str:
        return f"law “{self.law}” ({self.section}) is broken: {self.reason}\n{self.dump}"
