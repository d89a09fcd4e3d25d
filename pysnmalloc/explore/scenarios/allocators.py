"""The whole allocator explored: two and three allocators, objects crossing (§2.1 to §2.8).

    home       B frees what A allocated, while A goes on; A receives
    crossing   A and B free each other's objects at the same time
    converge   B and C free A's objects at the same time
    same bucket  C frees objects of A, whose number falls into C's own bucket
    forward    C frees objects of A and B that share a bucket: B's go by way of A
    hand-over  A allocates and hands over, B reads, frees and posts; A allocates again
    chunks     A gives back its last superslab while B takes a chunk, as the stack allows
    ring       A frees B's object, B frees C's, C frees A's
    fresh      two allocators take chunks that nobody had
    medium     a medium object comes home, and with it its chunk

Every access of every byte is watched: two that nothing orders are a data race.
Objects are filled with marks, which must be there as long as they are in use.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ...allocator import Allocator
from ...atomics import Order
from ..threads.scenario import Place, ThreadCode
from .heaps import HeapScenario

__all__ = [
    "Chunks",
    "Converge",
    "Crossing",
    "DoubleFree",
    "Forward",
    "Fresh",
    "HandOver",
    "Home",
    "Medium",
    "Ring",
    "SameBucket",
]

SMALL, MEDIUM = 64, 2048
BOX = 192  # a word of the heap's own block that nobody uses: where A hands objects to B


class _Two(HeapScenario):
    """Two allocators, each held by a thread."""

    section = "§2.2"
    numbers = {"A": 1, "B": 2}  # noqa: RUF012  # a constant

    def threads(self) -> Mapping[str, ThreadCode]:
        """One thread per allocator; its code is the method of its name."""
        return {name: self.held(name, getattr(self, name.lower())) for name in self.numbers}

    def some(self, owner: str, count: int, size: int = SMALL) -> list[int]:
        """Allocate objects before the threads start."""
        return [self.own(owner).malloc(size) for _ in range(count)]


class Home(_Two):
    """B frees what A allocated."""

    name = "home"
    about = "B frees A's objects and posts twice while A allocates and frees: do all objects come home?"

    def setup(self, place: Place) -> None:
        """A has three objects."""
        self.objects = self.some("A", 3)
        for address in self.objects:
            self.fill(place, address, SMALL, address)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate two, free one."""
        kept, freed = allocator.malloc(SMALL), allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, 1)
        allocator.free(freed)
        self.demand(place, kept, SMALL, 1)
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free A's, in two lists."""
        for address in self.objects:
            self.demand(place, address, SMALL, address)
        allocator.free(self.objects[0])
        allocator.post()
        allocator.free(self.objects[1])
        allocator.free(self.objects[2])
        allocator.post()
        return ()


class Crossing(_Two):
    """Each frees the other's object."""

    name = "crossing"
    about = "A and B free each other's objects, post and receive at the same time: is anything lost?"

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Each has two."""
        self.objects = self.some("A", 2) + self.some("B", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free B's."""
        return self.swap(allocator, self.objects[2:])

    def b(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free A's."""
        return self.swap(allocator, self.objects[:2])

    def swap(self, allocator: Allocator, others: list[int]) -> Hashable:
        """Free another's objects, and allocate one."""
        for address in others:
            allocator.free(address)
        allocator.post()
        return (allocator.malloc(SMALL),)


class Forward(_Two):
    """C frees objects of A and of B, which share a bucket."""

    name = "forward"
    about = "C's messages to A and B share a bucket, so B's messages go through A: do they arrive?"
    numbers = {"A": 4, "B": 8, "C": 2}  # noqa: RUF012  # 4 and 8 end in the same two bits

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """A has one, B has two."""
        self.objects = self.some("A", 1) + self.some("B", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate, which receives and forwards; post."""
        kept = allocator.malloc(SMALL)
        allocator.post()
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate twice."""
        return allocator.malloc(SMALL), allocator.malloc(SMALL)

    def c(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free all, and post."""
        for address in self.objects:
            allocator.free(address)
        allocator.post()
        return ()


class HandOver(_Two):
    """A hands an object over, B frees it."""

    name = "hand-over"
    about = (
        "A passes a new object to B, which reads and frees it: does B see A's writes, and does A get the object back?"
    )
    fields = {BOX: "box"}  # noqa: RUF012

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate, fill, hand over; allocate again."""
        given = allocator.malloc(SMALL)
        self.fill(place, given, SMALL, 3)
        place.atomics.store(BOX, given, Order.RELEASE)
        kept = allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, 4)
        again = allocator.malloc(SMALL)
        self.demand(place, kept, SMALL, 4)
        return kept, again

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Wait for it, look at it, free it."""
        given = place.wait(BOX, 0, Order.ACQUIRE)
        self.demand(place, given, SMALL, 3)
        allocator.free(given)
        allocator.post()
        return ()


class Chunks(_Two):
    """Superslabs and medium slabs take chunks from the stack and give them back."""

    name = "chunks"
    about = "A returns its superslab and takes a chunk while B takes and returns one: does each chunk have one owner?"
    section = "§2.5"

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """A has an object; two chunks are free."""
        self.objects = self.some("A", 1)
        first, second = self.own("B").malloc(MEDIUM), self.own("B").malloc(2 * MEDIUM)
        self.own("B").free(first)
        self.own("B").free(second)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Give the superslab back, take a medium slab."""
        allocator.free(self.objects[0])
        kept = allocator.malloc(MEDIUM)
        self.fill(place, kept, MEDIUM, 7)
        self.demand(place, kept, MEDIUM, 7)
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Take a superslab, and give it back."""
        address = allocator.malloc(SMALL)
        self.fill(place, address, SMALL, 9)
        self.demand(place, address, SMALL, 9)
        allocator.free(address)
        return ()


class Medium(_Two):
    """A medium object crosses."""

    name = "medium"
    about = "B frees A's only medium object, and A then returns the chunk: which allocator gets the chunk?"
    section = "§2.7"

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """A has a medium object and a small one."""
        self.objects = self.some("A", 1, MEDIUM) + self.some("A", 1)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate another medium object of another class, twice receiving."""
        kept = allocator.malloc(SMALL)
        return kept, allocator.malloc(2 * MEDIUM)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free both, then allocate."""
        for address in self.objects:
            allocator.free(address)
        allocator.post()
        kept = allocator.malloc(MEDIUM)
        self.fill(place, kept, MEDIUM, 5)
        self.demand(place, kept, MEDIUM, 5)
        return (kept,)


class Ring(_Two):
    """Three allocators, each with an object of the next."""

    name = "ring"
    about = "Each of three allocators frees the next one's object and allocates: does each object come home?"
    numbers = {"A": 1, "B": 2, "C": 3}  # noqa: RUF012

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Each has one, which the one before is to free."""
        self.objects = self.some("B", 1) + self.some("C", 1) + self.some("A", 1)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Free B's."""
        return self.pass_on(allocator, self.objects[0], place)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free C's."""
        return self.pass_on(allocator, self.objects[1], place)

    def c(self, allocator: Allocator, place: Place) -> Hashable:
        """Free A's."""
        return self.pass_on(allocator, self.objects[2], place)

    def pass_on(self, allocator: Allocator, address: int, place: Place) -> Hashable:
        """Free another's object, and allocate and fill one."""
        allocator.free(address)
        allocator.post()
        kept = allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, allocator.number)
        self.demand(place, kept, SMALL, allocator.number)
        return (kept,)


class Converge(_Two):
    """Two allocators free objects of a third."""

    name = "converge"
    about = "B and C free A's objects and post at the same time, B twice: do all objects come home to A?"
    numbers = {"A": 1, "B": 2, "C": 3}  # noqa: RUF012

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """A has three objects."""
        self.objects = self.some("A", 3)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate, which receives."""
        return (allocator.malloc(SMALL),)

    def b(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free two, each in a list of its own."""
        for address in self.objects[:2]:
            allocator.free(address)
            allocator.post()
        return ()

    def c(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free one."""
        allocator.free(self.objects[2])
        allocator.post()
        return ()


class SameBucket(_Two):
    """An owner whose number falls into the sender's home bucket: the post takes two rounds."""

    name = "same-bucket"
    about = "A's number falls into C's home bucket: are A's objects sent by the next two bits?"
    numbers = {"A": 2, "C": 6}  # noqa: RUF012  # both end in the bits 10

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """A has two objects."""
        self.objects = self.some("A", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate, which receives."""
        return allocator.malloc(SMALL), allocator.malloc(SMALL)

    def c(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free both."""
        for address in self.objects:
            allocator.free(address)
        allocator.post()
        return ()


class Fresh(_Two):
    """Two allocators take chunks that nobody had."""

    name = "fresh"
    about = "A and B take their first chunks at the same time: do they get different ones?"
    section = "§2.5"

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate and fill."""
        kept = allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, 1)
        self.demand(place, kept, SMALL, 1)
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """The same, a medium object."""
        kept = allocator.malloc(MEDIUM)
        self.fill(place, kept, MEDIUM, 2)
        self.demand(place, kept, MEDIUM, 2)
        return (kept,)


class DoubleFree(_Two):
    """A program that frees an object twice, each time in order."""

    name = "double-free"
    about = "B frees A's object and tells A, then A frees it too: is the double free found?"
    fields = {BOX: "box"}  # noqa: RUF012

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """A has two objects."""
        self.objects = self.some("A", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Wait until B has freed it, and free it again."""
        place.wait(BOX, 0, Order.ACQUIRE)
        allocator.free(self.objects[0])
        return (self.objects[1],)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free it; it stays in B's remote cache."""
        allocator.free(self.objects[0])
        place.atomics.store(BOX, 1, Order.RELEASE)
        return ()
