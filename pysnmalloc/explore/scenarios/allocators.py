"""Scenarios of whole allocators: two or three of them exchange objects and chunks (§2.1 to §2.8).

    home         B frees A's objects, while A allocates, frees and receives
    crossing     A and B free each other's objects at the same time
    converge     B and C free A's objects at the same time
    same-bucket  C frees objects of A, whose number selects C's home bucket
    forward      C frees objects of A and B, which share a bucket, so A forwards B's objects
    hand-over    A passes an object to B, which reads, frees and posts it; A allocates again
    chunks       A returns its only superslab and takes a chunk, while B takes and returns one
    ring         A frees B's object, B frees C's, and C frees A's
    fresh        A and B take chunks that no allocator has used
    medium       B frees A's only medium object, and A returns its chunk
    double-free  A and B free the same object

The explorer watches every access to every byte, and reports data races. Threads fill objects
with marks. An object must keep its mark while it is in use.
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
BOX = 192  # an unused word of the heap's own block, through which one thread signals another


class _Two(HeapScenario):
    """Two or more allocators, each held by its own thread."""

    section = "§2.2"
    numbers = {"A": 1, "B": 2}  # noqa: RUF012  # a constant

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return one thread per allocator, whose code is the method with its name in lower case."""
        return {name: self.held(name, getattr(self, name.lower())) for name in self.numbers}

    def some(self, owner: str, count: int, size: int = SMALL) -> list[int]:
        """Allocate objects before the threads start."""
        return [self.own(owner).malloc(size) for _ in range(count)]


class Home(_Two):
    """B frees objects that A allocated."""

    name = "home"
    about = "B frees A's objects and posts twice while A allocates and frees: do all objects come home?"

    def setup(self, place: Place) -> None:
        """Give A three objects, each filled with a mark."""
        self.objects = self.some("A", 3)
        for address in self.objects:
            self.fill(place, address, SMALL, address)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate two objects, and free one."""
        kept, freed = allocator.malloc(SMALL), allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, 1)
        allocator.free(freed)
        self.demand(place, kept, SMALL, 1)
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free A's objects, and post them in two lists."""
        for address in self.objects:
            self.demand(place, address, SMALL, address)
        allocator.free(self.objects[0])
        allocator.post()
        allocator.free(self.objects[1])
        allocator.free(self.objects[2])
        allocator.post()
        return ()


class Crossing(_Two):
    """A and B free each other's objects."""

    name = "crossing"
    about = "A and B free each other's objects, post and receive at the same time: is anything lost?"

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give each allocator two objects."""
        self.objects = self.some("A", 2) + self.some("B", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free B's objects."""
        return self.swap(allocator, self.objects[2:])

    def b(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free A's objects."""
        return self.swap(allocator, self.objects[:2])

    def swap(self, allocator: Allocator, others: list[int]) -> Hashable:
        """Free another allocator's objects, post them, and allocate an object."""
        for address in others:
            allocator.free(address)
        allocator.post()
        return (allocator.malloc(SMALL),)


class Forward(_Two):
    """C frees objects of A and of B, whose numbers select the same bucket."""

    name = "forward"
    about = "C's messages to A and B share a bucket, so B's messages go through A: do they arrive?"
    numbers = {"A": 4, "B": 8, "C": 2}  # noqa: RUF012  # 4 and 8 end in the same two bits

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give A one object and B two."""
        self.objects = self.some("A", 1) + self.some("B", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate, which receives and forwards messages, and post."""
        kept = allocator.malloc(SMALL)
        allocator.post()
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate twice, which receives messages."""
        return allocator.malloc(SMALL), allocator.malloc(SMALL)

    def c(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free all objects, and post them."""
        for address in self.objects:
            allocator.free(address)
        allocator.post()
        return ()


class HandOver(_Two):
    """A hands an object over to B, and B frees it."""

    name = "hand-over"
    about = (
        "A passes a new object to B, which reads and frees it: does B see A's writes, and does A get the object back?"
    )
    fields = {BOX: "box"}  # noqa: RUF012

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate an object, fill it and hand it over, then allocate two more."""
        given = allocator.malloc(SMALL)
        self.fill(place, given, SMALL, 3)
        place.atomics.store(BOX, given, Order.RELEASE)
        kept = allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, 4)
        again = allocator.malloc(SMALL)
        self.demand(place, kept, SMALL, 4)
        return kept, again

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Wait for the object, check its contents, and free it."""
        given = place.wait(BOX, 0, Order.ACQUIRE)
        self.demand(place, given, SMALL, 3)
        allocator.free(given)
        allocator.post()
        return ()


class Chunks(_Two):
    """A and B take chunks from the stack for superslabs and medium slabs, and return them."""

    name = "chunks"
    about = "A returns its superslab and takes a chunk while B takes and returns one: does each chunk have one owner?"
    section = "§2.5"

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give A an object, and leave two free chunks on the stack."""
        self.objects = self.some("A", 1)
        first, second = self.own("B").malloc(MEDIUM), self.own("B").malloc(2 * MEDIUM)
        self.own("B").free(first)
        self.own("B").free(second)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Return the superslab, and take a medium slab."""
        allocator.free(self.objects[0])
        kept = allocator.malloc(MEDIUM)
        self.fill(place, kept, MEDIUM, 7)
        self.demand(place, kept, MEDIUM, 7)
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Take a superslab, and return it."""
        address = allocator.malloc(SMALL)
        self.fill(place, address, SMALL, 9)
        self.demand(place, address, SMALL, 9)
        allocator.free(address)
        return ()


class Medium(_Two):
    """B frees a medium object of A."""

    name = "medium"
    about = "B frees A's only medium object, and A then returns the chunk: which allocator gets the chunk?"
    section = "§2.7"

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give A a medium object and a small one."""
        self.objects = self.some("A", 1, MEDIUM) + self.some("A", 1)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate a small object and a medium object of another size class; each call receives."""
        kept = allocator.malloc(SMALL)
        return kept, allocator.malloc(2 * MEDIUM)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free both objects, post them, and allocate a medium object."""
        for address in self.objects:
            allocator.free(address)
        allocator.post()
        kept = allocator.malloc(MEDIUM)
        self.fill(place, kept, MEDIUM, 5)
        self.demand(place, kept, MEDIUM, 5)
        return (kept,)


class Ring(_Two):
    """Each of three allocators frees an object of the next one."""

    name = "ring"
    about = "Each of three allocators frees the next one's object and allocates: does each object come home?"
    numbers = {"A": 1, "B": 2, "C": 3}  # noqa: RUF012

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give each allocator an object, which the previous allocator frees."""
        self.objects = self.some("B", 1) + self.some("C", 1) + self.some("A", 1)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Free B's object."""
        return self.pass_on(allocator, self.objects[0], place)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free C's object."""
        return self.pass_on(allocator, self.objects[1], place)

    def c(self, allocator: Allocator, place: Place) -> Hashable:
        """Free A's object."""
        return self.pass_on(allocator, self.objects[2], place)

    def pass_on(self, allocator: Allocator, address: int, place: Place) -> Hashable:
        """Free another allocator's object, post it, then allocate an object and fill it."""
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
        """Give A three objects."""
        self.objects = self.some("A", 3)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate, which receives messages."""
        return (allocator.malloc(SMALL),)

    def b(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free two objects, and post each in a list of its own."""
        for address in self.objects[:2]:
            allocator.free(address)
            allocator.post()
        return ()

    def c(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free one object, and post it."""
        allocator.free(self.objects[2])
        allocator.post()
        return ()


class SameBucket(_Two):
    """A's number selects C's home bucket, so C's post takes two rounds."""

    name = "same-bucket"
    about = "A's number falls into C's home bucket: are A's objects sent by the next two bits?"
    numbers = {"A": 2, "C": 6}  # noqa: RUF012  # both end in the bits 10

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give A two objects."""
        self.objects = self.some("A", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Allocate twice, which receives messages."""
        return allocator.malloc(SMALL), allocator.malloc(SMALL)

    def c(self, allocator: Allocator, place: Place) -> Hashable:  # noqa: ARG002
        """Free both objects, and post them."""
        for address in self.objects:
            allocator.free(address)
        allocator.post()
        return ()


class Fresh(_Two):
    """Two allocators take chunks that no allocator has used."""

    name = "fresh"
    about = "A and B take their first chunks at the same time: do they get different ones?"
    section = "§2.5"

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate a small object, and fill it."""
        kept = allocator.malloc(SMALL)
        self.fill(place, kept, SMALL, 1)
        self.demand(place, kept, SMALL, 1)
        return (kept,)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Allocate a medium object, and fill it."""
        kept = allocator.malloc(MEDIUM)
        self.fill(place, kept, MEDIUM, 2)
        self.demand(place, kept, MEDIUM, 2)
        return (kept,)


class DoubleFree(_Two):
    """Two threads free the same object, one after the other."""

    name = "double-free"
    about = "B frees A's object and tells A, then A frees it too: is the double free found?"
    fields = {BOX: "box"}  # noqa: RUF012

    def setup(self, place: Place) -> None:  # noqa: ARG002
        """Give A two objects."""
        self.objects = self.some("A", 2)

    def a(self, allocator: Allocator, place: Place) -> Hashable:
        """Wait until B has freed the object, and free it again."""
        place.wait(BOX, 0, Order.ACQUIRE)
        allocator.free(self.objects[0])
        return (self.objects[1],)

    def b(self, allocator: Allocator, place: Place) -> Hashable:
        """Free the object, which stays in B's remote cache, and signal A."""
        allocator.free(self.objects[0])
        place.atomics.store(BOX, 1, Order.RELEASE)
        return ()
