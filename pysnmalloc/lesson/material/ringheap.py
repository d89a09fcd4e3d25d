"""A heap for the threads of an answer, which notes who called what (§2.1).

    thread 1 ─► acquire ─► allocator 1 ─► malloc, free ─┐
    thread 2 ─► acquire ─► allocator 2 ─► malloc, free ─┴─► notes: thread, call, allocator, object

One thread can be made slow: it stops after its last allocation until the others do nothing any more.
Whoever does not wait for it is then seen to free too little.

The law: the heap frees each object at most once. Whatever else an answer frees is noted and goes no further.

Safety: notes are appended by all threads, each of which knows itself, whatever the allocator that it uses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from ...allocator import Allocator
from ...config import CLASSROOM
from ...heap import Heap
from ..threads import Crew, Member

__all__ = ["Note", "RingHeap"]


class Note(NamedTuple):
    """A call of an allocator.

    Attributes:
        member: the thread that made it.
        what: which call.
        allocator: the allocator's number.
        holder: the thread that acquired the allocator and has not given it back.
        address: the object's address.
        size: the bytes that were asked for.
        maker: the thread that allocated the object; None for what is not an object, or was freed before.
    """

    member: Member
    what: Literal["malloc", "free"]
    allocator: int
    holder: Member | None
    address: int
    size: int = 0
    maker: Member | None = None


class RingHeap(Heap):
    """A heap that notes who calls its allocators.

    Attributes:
        crew: the threads that call.
        notes: their calls, in order.
        objects: how many objects each thread is to allocate.
        slow: the index of the thread that stops after its last allocation.
    """

    def __init__(self, objects: int, slow: int) -> None:
        super().__init__(CLASSROOM, fast=False)
        self.crew = Crew()
        self.notes: list[Note] = []
        self.objects, self.slow = objects, slow
        self._holders: dict[int, Member] = {}
        self._makers: dict[int, Member] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> RingHeap:
        """Return a heap with threads and notes of its own."""
        return RingHeap(self.objects, self.slow)

    def __repr__(self) -> str:
        return "heap"

    def acquire(self, number: int | None = None) -> Allocator:
        """Hold an allocator whose calls are noted."""
        me = self.crew.deed()
        allocator = super().acquire(number)
        self._holders[allocator.number] = me
        allocator.malloc = partial(self._malloc, allocator, allocator.malloc)
        allocator.free = partial(self._free, allocator, allocator.free)
        return allocator

    def unreturned(self) -> list[tuple[Member, int]]:
        """Return the threads that hold an allocator, with its number."""
        held = [each.number for each in self.allocators if each.holder is not None]
        return [(self._holders[number], number) for number in held]

    def _malloc(self, allocator: Allocator, malloc: Callable[[int], int], size: int) -> int:
        """Allocate, and note it."""
        me = self.crew.deed()
        address = malloc(size)
        self._makers[address] = me
        self.notes.append(Note(me, "malloc", allocator.number, self._holder(allocator), address, size))
        if me.index == self.slow and self._allocated(me) == self.objects:
            self.crew.linger()
        return address

    def _free(self, allocator: Allocator, free: Callable[[int], None], address: int) -> None:
        """Note it, and free if it is an object."""
        me = self.crew.deed()
        if type(address) is int and address:
            maker = self._makers.pop(address, None)
            self.notes.append(Note(me, "free", allocator.number, self._holder(allocator), address, maker=maker))
            if maker is None:
                return
        free(address)

    def _holder(self, allocator: Allocator) -> Member | None:
        """Return the thread that holds an allocator."""
        return None if allocator.holder is None else self._holders[allocator.number]

    def _allocated(self, member: Member) -> int:
        """Return how many objects a thread has allocated."""
        return sum(note.member is member and note.what == "malloc" for note in self.notes)
