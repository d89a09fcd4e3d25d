"""The base class of scenarios on a whole heap, whose threads call allocators (§2.1, §2.2).

    memory()      make a heap and its allocators, as small as possible
    setup()       allocate the first objects, while there is one thread
    threads()     call several allocators; each thread holds one
    judge()       deliver all messages; then the laws must hold, and no object
                  may be in use except those that the threads kept

While the threads run, the explorer watches every access to the heap's bytes. The
allocators run the plain code of ``allocator``. The hot path has the same effect on the
same bytes, but it consists of views, which the explorer cannot watch.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Hashable

from ...allocator import Allocator, Shared
from ...config import CLASSROOM, Config, Decommit
from ...errors import LawBroken
from ...heap import Heap
from ...inspection.survey import Survey
from ...large import Commitment
from ...memory import Memory
from ...messagequeue import BACK, FRONT, STUB, TARGET
from ...parts import visit
from ..threads.scenario import Place, Scenario, ThreadCode, Wrong

__all__ = ["HeapScenario"]

_FIELDS = {BACK: "back", FRONT: "front"}  # the names of words, by offset in an allocator's block


class _Sizes(dict[int, int]):
    """The committed bytes of large objects, without those that another thread allocated."""

    def pop(self, block: int, default: object = None) -> int:  # noqa: ARG002
        """Remove an object's bytes, and return them, or 0 if they are unknown, since they only serve statistics."""
        return super().pop(block, 0)


class HeapScenario(Scenario):
    """A scenario with the allocators of one heap.

    Attributes:
        config: the configuration of the heap.
        numbers: the allocators' numbers, by thread name.
        chunks: the number of chunks in the heap.
    """

    config: Config = CLASSROOM
    numbers: dict[str, int] = {}  # noqa: RUF012  # overridden, never changed
    chunks = 8

    def __init__(self) -> None:
        self.heap: Heap | None = None
        self.objects: list[int] = []

    def memory(self) -> Memory:
        """Make the heap and its allocators, and return the heap's memory."""
        fixed = 1 << (self.config.number_bits + self.config.allocator_bits)
        reserve = fixed + (self.chunks + 1) * self.config.chunk_size
        self.heap = Heap(self.config, reserve=reserve, decommit=Decommit.NEVER, fast=False)
        self.objects = []
        for number in self.numbers.values():
            self.heap.acquire(number)
        return self.heap.memory

    def own(self, name: str) -> Allocator:
        """Return the allocator of a thread, for use in ``setup`` and ``judge``."""
        assert self.heap is not None, "memory() makes the heap"
        return next(a for a in self.heap.allocators if a.number == self.numbers[name])

    def held(self, name: str, code: Callable[[Allocator, Place], Hashable]) -> ThreadCode:
        """Return a thread that holds the allocator of this name, and runs ``code`` with it."""

        def run(place: Place) -> Hashable:
            assert self.heap is not None
            return code(visit(self.numbers[name], _here(self.heap.shared, place)), place)

        return run

    def fill(self, place: Place, address: int, size: int, mark: int) -> None:
        """Fill an object with a mark."""
        for word in range(address >> 3, address + size >> 3):
            place.memory.u64[word] = mark + word

    def demand(self, place: Place, address: int, size: int, mark: int) -> None:
        """Raise if the contents of an object have changed."""
        for word in range(address >> 3, address + size >> 3):
            if place.memory.u64[word] != mark + word:
                raise Wrong("contents changed", f"the object at {address:#x} has lost its mark at {word << 3:#x}")

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """Check the laws, deliver all messages, and raise unless exactly the objects that the threads kept are in use.

        The threads return the addresses of the objects that they keep.
        """
        heap = self.heap
        assert heap is not None
        self._check(heap)
        self._come_home(heap)
        self._check(heap)
        kept = sorted(address for result in results if isinstance(result, tuple) for address in result)
        used = self._in_use(heap)
        if used > len(kept):
            raise Wrong(
                "lost message", f"{used} objects are in use, but {len(kept)} were kept: the others never came home"
            )
        if used < len(kept) or len(set(kept)) < len(kept):
            raise Wrong("double allocation", f"{len(kept)} objects were kept, but {used} are in use: {kept}")
        return None

    def _check(self, heap: Heap) -> None:
        """Check the laws, and report an object that is free twice as a double free."""
        try:
            heap.check()
        except LawBroken as broken:
            if "twice" in broken.reason or "free already" in broken.reason:
                raise Wrong("double free", str(broken)) from None
            raise

    def _come_home(self, heap: Heap) -> None:
        """Post and receive until no message is on its way."""
        for _ in range(self.config.hop_bound + 2):
            for allocator in heap.allocators:
                allocator.post()
            for allocator in heap.allocators:
                for _ in range(64):
                    allocator.handle_message_queue()

    def _in_use(self, heap: Heap) -> int:
        """Count the objects that slabs and page map record as in use, except those that are fronts of queues."""
        survey = Survey(heap.shared, heap.allocators)
        small = sum(survey.metaslab.fields(slab).used for slab, _ in survey.slabs())
        medium = sum(survey.medium.head(slab) for slab, _ in survey.of_kind(2))
        large = sum(8 <= survey.pagemap.get(chunk) < 64 for chunk in survey.chunks)
        # The newest message of a queue stays in the queue as its front, and is freed when the next one arrives.
        fronts = sum(a.queue.back() != a.queue.stub for a in heap.allocators)
        return small + medium + large - fronts

    def draw(self, place: Place) -> list[str]:  # noqa: ARG002
        """Draw the queue and the buckets of each thread's allocator."""
        assert self.heap is not None
        survey = Survey(self.heap.shared, self.heap.allocators)
        lines: list[str] = []
        for name in self.numbers:
            _, *dumped = survey.dump_allocator(self.own(name)).splitlines()
            lines.extend(f"{name}: {self._said(line.strip())}" for line in dumped)
        return lines

    def _said(self, line: str) -> str:
        """Return a line with names in the place of addresses."""
        return re.sub("0x[0-9a-f]+", lambda match: self.word(int(match[0], 16)), line).replace("->", "→")

    def word(self, address: int) -> str:
        """Name an object or a stub: ``o1``, ``A's stub``."""
        if address in self.objects:
            return f"o{self.objects.index(address) + 1}"
        for name in self.numbers if self.heap is not None else ():
            if address == self.own(name).queue.stub:
                return f"{name}'s stub"
        return super().word(address)

    def field(self, address: int) -> str:
        """Name a word of an allocator, an object or a stub: ``A's back``, ``o1.next``."""
        for name in self.numbers if self.heap is not None else ():
            block = self.own(name).queue.stub - STUB
            if address - block in _FIELDS:
                return f"{name}'s {_FIELDS[address - block]}"
        if address - TARGET in self.objects:
            return f"{self.word(address - TARGET)}.target"
        word = self.word(address)
        return word if word.startswith("0x") else f"{word}.next"


def _here(shared: Shared, place: Place) -> Shared:
    """Return a copy of ``shared`` with the memory, the atomic operations and the parts of a place."""
    parts = dataclasses.replace(place.parts, atomics=lambda _memory, _lock: place.atomics)
    return dataclasses.replace(shared, memory=place.memory, commitment=Commitment(large=_Sizes()), parts=parts)
