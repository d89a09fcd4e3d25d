"""Scenarios on a whole heap: allocators whose calls are explored (§2.1, §2.2).

    memory()      a heap with its allocators, plain code, as small as can be
    setup()       calls of one thread: objects to begin with
    threads()     calls of several allocators; each thread holds one
    judge()       everything comes home: queues are emptied, the laws hold,
                  and no object is in use but those that the scenario kept

Between, every access to the heap's bytes is watched. The allocators' code is the
plain one of ``allocator``; the fast path, which does the same to the same bytes, is
made of views that cannot be watched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable

from ..allocator import Allocator, Shared
from ..atomics import Atomics
from ..config import CLASSROOM, Config, Decommit
from ..heap import Heap
from ..large import Commitment
from ..memory import Memory
from ..survey import Survey
from .scenario import Place, Scenario, ThreadCode, Wrong

__all__ = ["HeapScenario", "VisitingAllocator"]


class _Sizes(dict[int, int]):
    """Committed bytes of large objects, where another thread may have allocated them."""

    def pop(self, block: int, default: object = None) -> int:  # noqa: ARG002
        """Return some; what is committed is a statistic."""
        return super().pop(block, 0)


class VisitingAllocator(Allocator):
    """An allocator that is in the heap already, as a thread in a place sees it."""

    def __init__(self, number: int, shared: Shared, place: Place) -> None:
        self._place = place
        here = dataclasses.replace(shared, memory=place.memory, commitment=Commitment(large=_Sizes()))
        super().__init__(number, here)

    def _init(self) -> None:
        """Leave the block as it is."""

    def _atomics_on(self, memory: Memory) -> Atomics:  # noqa: ARG002
        """Use the place's."""
        return self._place.atomics


class HeapScenario(Scenario):
    """A scenario of allocators of one heap.

    Attributes:
        config: of the heap.
        numbers: of its allocators, by thread name.
        chunks: how many there are.
    """

    config: Config = CLASSROOM
    numbers: dict[str, int] = {}  # noqa: RUF012  # overridden, never changed
    chunks = 8

    def __init__(self) -> None:
        self.heap: Heap | None = None
        self.objects: list[int] = []

    def memory(self) -> Memory:
        """Make the heap."""
        fixed = 1 << (self.config.number_bits + self.config.allocator_bits)
        reserve = fixed + (self.chunks + 1) * self.config.chunk_size
        self.heap = Heap(self.config, reserve=reserve, decommit=Decommit.NEVER, fast=False)
        self.objects = []
        for number in self.numbers.values():
            self.heap.acquire(number)
        return self.heap.memory

    def own(self, name: str) -> Allocator:
        """Return the allocator of a thread, for set-up and judging."""
        assert self.heap is not None, "memory() makes the heap"
        return next(a for a in self.heap.allocators if a.number == self.numbers[name])

    def held(self, name: str, code: Callable[[Allocator, Place], Hashable]) -> ThreadCode:
        """Return the code of a thread that holds the allocator of this name."""

        def run(place: Place) -> Hashable:
            assert self.heap is not None
            return code(VisitingAllocator(self.numbers[name], self.heap.shared, place), place)

        return run

    def fill(self, place: Place, address: int, size: int, mark: int) -> None:
        """Write a mark all over an object."""
        for word in range(address >> 3, address + size >> 3):
            place.memory.u64[word] = mark + word

    def demand(self, place: Place, address: int, size: int, mark: int) -> None:
        """Refuse an object whose contents changed."""
        for word in range(address >> 3, address + size >> 3):
            if place.memory.u64[word] != mark + word:
                raise Wrong("contents changed", f"the object at {address:#x} has lost its mark at {word << 3:#x}")

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """See that the laws hold; let everything come home; see that just what was kept is in use.

        Threads return the addresses that they keep.
        """
        heap = self.heap
        assert heap is not None
        heap.check()
        self._come_home(heap)
        heap.check()
        kept = sorted(address for result in results if isinstance(result, tuple) for address in result)
        used = self._in_use(heap)
        if used > len(kept):
            raise Wrong("lost message", f"{used} objects are in use, {len(kept)} were kept: the others never came home")
        if used < len(kept) or len(set(kept)) < len(kept):
            raise Wrong("double allocation", f"{len(kept)} objects were kept, {used} are in use: {kept}")
        return None

    def _come_home(self, heap: Heap) -> None:
        """Post and receive until nothing is on its way."""
        for _ in range(self.config.hop_bound + 2):
            for allocator in heap.allocators:
                allocator.post()
            for allocator in heap.allocators:
                for _ in range(64):
                    allocator.handle_message_queue()

    def _in_use(self, heap: Heap) -> int:
        """Count the objects in use, as slabs and page map have it; those on their way are in use."""
        survey = Survey(heap.shared, heap.allocators)
        small = sum(survey.metaslab.fields(slab).used for slab, _ in survey.slabs())
        medium = sum(survey.medium.head(slab) for slab, _ in survey.of_kind(2))
        large = sum(8 <= survey.pagemap.get(chunk) < 64 for chunk in survey.chunks)
        # The newest message of a queue stays in it as the front; it is freed when the next one comes.
        fronts = sum(a.queue.back() != a.queue.stub for a in heap.allocators)
        return small + medium + large - fronts

    def draw(self, place: Place) -> list[str]:  # noqa: ARG002
        """Draw queues and buckets."""
        assert self.heap is not None
        survey = Survey(self.heap.shared, self.heap.allocators)
        lines = []
        for allocator in self.heap.allocators:
            lines.extend(survey.dump_allocator(allocator).splitlines()[1:])
        return lines
