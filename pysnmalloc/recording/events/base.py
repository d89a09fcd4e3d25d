"""The base of all events: a stamp, the stores made, a section (§2.1 to §2.8), and the line of code.

A change is a pair of values, before and after. Fields that hold addresses are marked, so that filters find them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

__all__ = ["Address", "Change", "Code", "Event", "Stamp", "Write"]

Address = Annotated[int, "address"]
"""An int that is an address in the heap. Filters search fields of this type."""


class Stamp(NamedTuple):
    """When an event happened, and which thread, allocator and call made it.

    Attributes:
        tick: the event's position in the recording, from 1.
        thread: the thread that made the event, numbered from 1 in order of appearance.
        allocator: number of the allocator that made the event.
        call: the call to which the event belongs, numbered from 1 by the recording; 0 for none.
    """

    tick: int
    thread: int
    allocator: int
    call: int


class Write(NamedTuple):
    """One store of ``width`` bytes (1, 2, 4 or 8) at an address.

    Attributes:
        address: address of the first byte stored.
        width: size of the word in bytes.
        before, after: the word's value before and after the store, unsigned and little-endian.
    """

    address: int
    width: int
    before: int
    after: int


class Change(NamedTuple):
    """A value before and after.

    Attributes:
        before: the old value.
        after: the new value.
    """

    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"

    @property
    def hex(self) -> str:
        """The change as text, for addresses and offsets."""
        return f"{self.before:#x} → {self.after:#x}"


class Code(NamedTuple):
    """The line of this package that makes a change.

    Attributes:
        module: the module's name within the package, such as ``freelist``.
        function: the class and method around the line, such as ``FreeList.take``.
        line: the line's text, with each run of white space replaced by one space.
    """

    module: str
    function: str
    line: str


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events.

    Attributes:
        at: when it happened, and which thread, allocator and call made it.
        writes: all stores of the allocator since its previous event, in the order in which it made them.
        section: the section of the paper that describes the change.
        code: the line of this package that makes the change.
    """

    at: Stamp
    writes: tuple[Write, ...]

    section: ClassVar[str] = "§2"
    code: ClassVar[Code] = Code(
        "allocator",
        "Allocator.plain_malloc",
        'return self._run("malloc", self._free, self._receive_and_malloc, size)',
    )

    @property
    def kind(self) -> str:
        """The name of the event's class, which is also its name in files."""
        return type(self).__name__

    def in_words(self) -> str:
        """Describe what happened, in a sentence or two."""
        raise NotImplementedError
