"""What can go wrong in §2, and what each failure teaches.

    SnmallocError
    ├── ConfigError        a configuration that cannot work        (also a ValueError)
    ├── PartError          a class that cannot serve a concept     (also a ValueError)
    ├── HeapExhausted      no address space left                   (also a MemoryError)
    ├── HeapClosed         a call on a heap after close()          (also a ValueError)
    ├── InvalidPointer     not an object of this heap              (also a ValueError)
    │   ├── DoubleFree     an object that is already free
    │   └── WrongThread    an allocator used by two threads at once
    ├── WriteAfterFree     bytes of a free object were changed
    ├── LeakError          objects still live when the heap closed
    ├── RecordingError     a file or event that is no recording    (also a ValueError)
    └── LawBroken          an invariant of a structure does not hold

A message names what was asked, the object, its owner, size class and offset
where they are known, the law that broke and the section of the paper. All but
``ConfigError``, ``HeapExhausted`` and the cases that the page map can see are
found in checked mode only; ``LawBroken`` is raised by ``Heap.check``.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "DoubleFree",
    "HeapClosed",
    "HeapExhausted",
    "InvalidPointer",
    "LawBroken",
    "LeakError",
    "PartError",
    "RecordingError",
    "SnmallocError",
    "WriteAfterFree",
    "WrongThread",
]


class SnmallocError(Exception):
    """The base of every error that this package raises on purpose.

    What to do: catch one of its subclasses; this one is for whoever wants them all.
    """


class ConfigError(SnmallocError, ValueError):
    """A configuration that cannot work; the message gives the reason (§2.1, §2.3).

    What to do: change the number that the message names; a preset (``PAPER``, ``PAPER_1MIB``, ``CLASSROOM``) always
    works.
    """


class PartError(SnmallocError, ValueError):
    """A class that cannot serve as the part of a heap that it was given for; the message names what it lacks (§2).

    What to do: write the methods that the message names, or make the class a subclass of the paper's, which has them.
    """


class HeapExhausted(SnmallocError, MemoryError):
    """The reserved address space is used up (§2.5, §2.9); the heap stays whole and usable.

    What to do: free some objects, or make the heap with a larger ``reserve=``. Blocks of large objects are never split
    or joined, so objects of other sizes do not help.

    Attributes:
        asked: bytes of address space that the call needed.
        reserved: bytes of address space that the heap reserved.
        in_use: bytes of it that were ever handed out as chunks.
    """

    def __init__(self, asked: int, reserved: int, in_use: int) -> None:
        super().__init__(asked, reserved, in_use)
        self.asked = asked
        self.reserved = reserved
        self.in_use = in_use

    def __str__(self) -> str:
        return (
            f"out of address space: {self.asked:,} bytes asked, {self.reserved:,} reserved, of which "
            f"{self.in_use:,} are in use; free some objects, or make the heap with a larger reserve= (§2.9)"
        )


class HeapClosed(SnmallocError, ValueError):
    """The heap was closed; its memory is gone.

    What to do: use the heap inside its ``with`` block only, and hand no address or view out of it.
    """


class InvalidPointer(SnmallocError, ValueError):
    """An address that is not an object of this heap, as far as page map or checked mode can tell (§2.4).

    What to do: pass the address that ``malloc`` returned, on the heap that returned it. Of an address inside an object,
    ``Heap.object_start`` is the start.
    """


class DoubleFree(InvalidPointer):
    """An object was freed although it is free already (checked mode).

    What to do: look at the two calls that the message names, and decide which of them owns the object.
    """


class WrongThread(InvalidPointer):
    """An allocator was called while another call was under way in it (checked mode, §2.1).

    What to do: one allocator for each thread: use ``heap.malloc`` and ``heap.free``, or ``acquire`` one in each thread.
    """


class WriteAfterFree(SnmallocError):
    """Bytes of a free object were changed, found at its reuse or by ``Heap.check`` (checked mode).

    What to do: find who kept the address, or a view of the object, after the free that the message names.
    """


class LeakError(SnmallocError):
    """Objects were live when the heap was closed (checked mode).

    What to do: free the objects that ``objects`` lists; ``Heap.close`` of a heap that is not checked does not ask.

    Attributes:
        objects: (address, requested size in bytes) of each, in order of address.
    """

    def __init__(self, message: str, objects: tuple[tuple[int, int], ...]) -> None:
        super().__init__(message)
        self.objects = objects


class RecordingError(SnmallocError, ValueError):
    """A recording that cannot be read, or used as asked; the message names file, line and reason (§2).

    What to do: record anew with this version, with ``Heap(record=Recording())``.
    """


class LawBroken(SnmallocError):
    """An invariant of a structure does not hold; raised by ``Heap.check``.

    What to do: read ``dump``, the structure as it is. A program that wrote beyond an object, or after its free, is the
    usual cause: run it on ``Heap(checked=True)``. Who changes the allocator itself has found a mistake.

    Attributes:
        law: the law's name.
        dump: the state of the structure that breaks it, as text.
    """

    def __init__(self, law: str, section: str, reason: str, dump: str) -> None:
        super().__init__(law, section, reason, dump)
        self.law = law
        self.section = section
        self.reason = reason
        self.dump = dump

    def __str__(self) -> str:
        return f"law “{self.law}” ({self.section}) is broken: {self.reason}\n{self.dump}"
