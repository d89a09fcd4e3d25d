"""What can go wrong in §2, and what each failure teaches.

    SnmallocError
    ├── ConfigError        a configuration that cannot work        (also a ValueError)
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
    "RecordingError",
    "SnmallocError",
    "WriteAfterFree",
    "WrongThread",
]


class SnmallocError(Exception):
    """The base of every error that this package raises on purpose."""


class ConfigError(SnmallocError, ValueError):
    """A configuration that cannot work; the message gives the reason (§2.1, §2.3)."""


class HeapExhausted(SnmallocError, MemoryError):
    """The reserved address space is used up (§2.5, §2.9); the heap stays whole and usable.

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
    """The heap was closed; its memory is gone."""


class InvalidPointer(SnmallocError, ValueError):
    """An address that is not an object of this heap, as far as page map or checked mode can tell (§2.4)."""


class DoubleFree(InvalidPointer):
    """An object was freed although it is free already (checked mode)."""


class WrongThread(InvalidPointer):
    """An allocator was called while another call was under way in it (checked mode, §2.1)."""


class WriteAfterFree(SnmallocError):
    """Bytes of a free object were changed, found at its reuse or by ``Heap.check`` (checked mode)."""


class LeakError(SnmallocError):
    """Objects were live when the heap was closed (checked mode).

    Attributes:
        objects: (address, requested size in bytes) of each, in order of address.
    """

    def __init__(self, message: str, objects: tuple[tuple[int, int], ...]) -> None:
        super().__init__(message)
        self.objects = objects


class RecordingError(SnmallocError, ValueError):
    """A recording that cannot be read, or used as asked; the message names file, line and reason (§2)."""


class LawBroken(SnmallocError):
    """An invariant of a structure does not hold; raised by ``Heap.check``.

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
