"""Seeded bugs: one statement of the allocator is changed, and the explorer must find an error (§2.1 to §2.5).

    SeededBug("no-null", about, MessageQueue, "enqueue", old text, new text, "home")
        ─► the scenario "home", whose threads run the changed method

``setup`` and ``judge`` run the unchanged code. The change is made in the source text
of the method, as with an editor. The old text must occur exactly once.
"""

from __future__ import annotations
import __future__

import copy
import dataclasses
import inspect
import linecache
import textwrap
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import FunctionType

from ...allocator import Allocator, Parts
from ...large import LargeObjects
from ...memory import Memory
from ...messagequeue import MessageQueue
from ...remotecache import RemoteCache
from ...stack import ChunkStack
from ..threads.scenario import Place, Scenario, ThreadCode
from .catalogue import SCENARIOS

_LAZY = __future__.annotations.compiler_flag  # annotations are not evaluated, as in the module

__all__ = ["SEEDED", "SeededBug"]


@dataclass(frozen=True)
class SeededBug:
    """A bug, and the scenario that must find it.

    Attributes:
        name, about: the name of the bug, and what it changes.
        owner, method: the class and the name of the method that is changed.
        old, new: a text in the source of the method, and its replacement.
        scenario: the name of a built-in scenario.
        model: the strongest memory model under which the bug shows.
    """

    name: str
    about: str
    owner: type
    method: str
    old: str
    new: str
    scenario: str
    model: str = "sc"

    def changed(self) -> FunctionType:
        """Return the method with the bug in it.

        Raises:
            ValueError: if the old text does not occur exactly once.
        """
        method = getattr(self.owner, self.method)
        source = textwrap.dedent(inspect.getsource(method))
        if source.count(self.old) != 1:
            where = f"{self.owner.__name__}.{self.method}"
            raise ValueError(
                f"{self.name}: the text occurs {source.count(self.old)} times in {where}, not once:\n{self.old}"
            )
        return self._compiled(source.replace(self.old, self.new), method.__globals__)

    def _compiled(self, source: str, names: dict[str, object]) -> FunctionType:
        """Return the function that a text defines, and keep the text so that findings can show it."""
        filename = f"<{self.name}>"
        linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
        made: dict[str, FunctionType] = {}
        exec(compile(source, filename, "exec", flags=_LAZY, dont_inherit=True), names, made)
        function = made[self.method]
        function.__qualname__ = f"{self.owner.__name__}.{self.method}"
        return function.__class__(
            function.__code__.replace(co_qualname=function.__qualname__), names, self.method, function.__defaults__
        )

    def part(self) -> tuple[str, type]:
        """Return the name of the part that has the bug, and a subclass of its class with the bug in it."""
        names = (each.name for each in dataclasses.fields(Parts) if each.default is self.owner)
        broken = type(self.owner.__name__, (self.owner,), {"__slots__": (), self.method: self.changed()})
        return next(names), broken

    def seeded(self) -> Scenario:
        """Return the scenario, whose threads run with the bug."""
        return _Seeded(self, SCENARIOS[self.scenario])


class _Seeded(Scenario):
    """A scenario whose threads run a changed method."""

    def __init__(self, bug: SeededBug, scenario: Scenario) -> None:
        self._bug = bug
        self._scenario = copy.copy(scenario)
        self.name = f"{scenario.name} with {bug.name}"
        self.about = bug.about
        self.call(f"bug:{bug.name}")
        self.section = scenario.section
        self.size, self.words, self.fields, self.fresh = scenario.size, scenario.words, scenario.fields, scenario.fresh

    def memory(self) -> Memory:
        """Copy the scenario, and return the copy's memory."""
        self._scenario = copy.copy(self._scenario)
        return self._scenario.memory()

    def setup(self, place: Place) -> None:
        """Set up as the scenario does, with the unchanged code."""
        self._scenario.setup(place)

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return the scenario's threads, each of which runs with the bug."""
        name, broken = self._bug.part()
        return {thread: self._with(name, broken, code) for thread, code in self._scenario.threads().items()}

    def _with(self, name: str, broken: type, code: ThreadCode) -> ThreadCode:
        """Return a thread that runs the same code with the broken part."""

        def run(place: Place) -> Hashable:
            place.parts = dataclasses.replace(place.parts, **{name: broken})
            return code(place)

        return run

    def word(self, address: int) -> str:
        """Name an address as the scenario does."""
        return self._scenario.word(address)

    def field(self, address: int) -> str:
        """Name a word as the scenario does."""
        return self._scenario.field(address)

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        """Judge the results as the scenario does."""
        return self._scenario.judge(place, results)

    def draw(self, place: Place) -> list[str]:
        """Draw the structure as the scenario does."""
        return self._scenario.draw(place)


SEEDED: tuple[SeededBug, ...] = (
    # The queue (§2.2).
    SeededBug(
        "exchange-split",
        "The exchange of back is split into a load and a store: another producer may come between them.",
        MessageQueue,
        "enqueue",
        "before = atomics.exchange(self._back, last, Order.ACQ_REL)",
        "before = atomics.load(self._back, Order.ACQUIRE)\n    atomics.store(self._back, last, Order.RELEASE)",
        "converge",
    ),
    SeededBug(
        "no-null",
        "The last message's link is not set to null: it keeps the object's old contents.",
        MessageQueue,
        "enqueue",
        "atomics.store(last + NEXT, NULL, Order.RELAXED)",
        "pass",
        "home",
    ),
    SeededBug(
        "null-too-late",
        "The last message's link is set to null after the exchange, perhaps after the next producer's link.",
        MessageQueue,
        "enqueue",
        "atomics.store(before + NEXT, first, Order.RELEASE)",
        "atomics.store(before + NEXT, first, Order.RELEASE)\n    atomics.store(last + NEXT, NULL, Order.RELAXED)",
        "converge",
    ),
    SeededBug(
        "exchange-relaxed",
        "The exchange is relaxed: a producer's link may come before the null of the message that it links to.",
        MessageQueue,
        "enqueue",
        "before = atomics.exchange(self._back, last, Order.ACQ_REL)",
        "before = atomics.exchange(self._back, last, Order.RELAXED)",
        "converge",
        "cpp20",
    ),
    SeededBug(
        "link-relaxed",
        "The link is relaxed: the consumer sees the message but not its sender's earlier writes.",
        MessageQueue,
        "enqueue",
        "atomics.store(before + NEXT, first, Order.RELEASE)",
        "atomics.store(before + NEXT, first, Order.RELAXED)",
        "home",
        "cpp20",
    ),
    SeededBug(
        "front-stays",
        "The front is not moved: messages are received again and again.",
        MessageQueue,
        "dequeue_batch",
        "self._u64[self._front] = batch.pop()",
        "batch.pop()",
        "home",
    ),
    SeededBug(
        "stub-freed",
        "The stub is not skipped when it is dequeued.",
        Allocator,
        "_receive",
        "if message != self.queue.stub:",
        "if True:",
        "home",
    ),
    # The remote cache (§2.2).
    SeededBug(
        "bucket-kept",
        "A bucket is not emptied after it is sent: the next post sends it again.",
        RemoteCache,
        "post",
        "self._clear(bucket)",
        "pass",
        "home",
    ),
    SeededBug(
        "home-bucket-forgotten",
        "The home bucket is not redistributed: its messages are never sent.",
        RemoteCache,
        "post",
        "self._redistribute(home, round)",
        "return round",
        "same-bucket",
    ),
    SeededBug(
        "no-target",
        "The target is not written into the message.",
        RemoteCache,
        "dealloc",
        "u64[freed + TARGET >> 3] = target",
        "pass",
        "forward",
    ),
    # Receiving and forwarding (§2.2).
    SeededBug(
        "forward-lost",
        "A message for another allocator is dropped.",
        Allocator,
        "_handle",
        "self.cache.dealloc(target, message, self.table.sizes[sizeclass])",
        "pass",
        "forward",
    ),
    SeededBug(
        "forward-freed",
        "A message for another allocator is freed as the allocator's own.",
        Allocator,
        "_handle",
        "if target != self.address:",
        "if False:",
        "forward",
    ),
    SeededBug(
        "freed-as-own",
        "Another allocator's object is freed as the allocator's own.",
        Allocator,
        "_free",
        "if owner != self.address:",
        "if False:",
        "home",
    ),
    # Chunks (§2.4, §2.5).
    SeededBug(
        "no-incarnation",
        "A push does not increment the incarnation number: ABA is possible.",
        ChunkStack,
        "push",
        "(chunk, (incarnation + 1) & ONCE_MORE)",
        "(chunk, incarnation)",
        "chunks",
    ),
    SeededBug(
        "push-relaxed",
        "A chunk is pushed without release: the allocator that pops it may see its old header.",
        ChunkStack,
        "push",
        "Order.RELEASE",
        "Order.RELAXED",
        "chunks",
        "cpp20",
    ),
    SeededBug(
        "acquired-by-pointer",
        "A pop acquires with the pointer, not with the incarnation number: the link may be that of an older push.",
        ChunkStack,
        "pop",
        "incarnation = atomics.load(head + 8, Order.ACQUIRE)",
        "incarnation = atomics.load(head + 8, Order.RELAXED)",
        "chunks",
        "cpp20",
    ),
    SeededBug(
        "page-map-too-late",
        "A chunk is pushed on the stack before the page map marks it as not ours.",
        Allocator,
        "_return_chunk",
        "self.pagemap.set(chunk, NOT_OURS)\n    self.large.return_chunk(chunk)",
        "self.large.return_chunk(chunk)\n    self.pagemap.set(chunk, NOT_OURS)",
        "chunks",
    ),
    SeededBug(
        "bump-without-compare",
        "A store, not a compare-exchange, moves the bump pointer: two allocators take the same chunk.",
        LargeObjects,
        "_fresh",
        "moved, bump = self._atomics.compare_exchange(BUMP, bump, block + size, Order.RELAXED)",
        "moved, _ = True, self._atomics.store(BUMP, block + size, Order.RELAXED)",
        "fresh",
    ),
)
"""The seeded bugs."""
