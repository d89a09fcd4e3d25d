"""Scenarios: the threads to explore, their memory, and what counts as a failure (§2.2, §2.5).

    class Handover(Scenario):
        name = "hand over"
        def setup(self, place): ...               before the threads start
        def threads(self):
            return {"A": self.give, "B": self.take}
        def give(self, place): ...                 code that uses place.memory and place.atomics
        def judge(self, place, results):           after all threads have ended
            if ...: raise Wrong("lost message")    a finding with this name

A thread is a function of a ``Place``, which has the memory and the atomics that the classes of
the library need, so a thread can use these classes unchanged. On real threads, the memory
is that of a heap. In the explorer, the memory observes every access and supplies the value of
every read.

The law: the next step of a thread depends only on what the thread has read so far. The explorer
runs each thread function many times, and compares the runs. A thread function therefore must not
keep state outside itself, and must not use a clock or random numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping
from typing import Self

from ...allocator import PAPER_PARTS, Parts
from ...atomics import Atomics, Order
from ...errors import PartError
from ...memory import Memory
from ...parts import demand_parts
from ...platform import AddressSpace

__all__ = ["Place", "Scenario", "ThreadCode", "Wrong"]


class Wrong(Exception):
    """A failure that a scenario reports: ``Wrong("lost message", "2 was sent but never received")``.

    Attributes:
        kind: the name of the finding, in a few words.
        detail: an exact description of what was seen.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


class Place:
    """The place in which a thread runs: memory, and atomic operations on it.

    Attributes:
        memory: the memory, with ``u8`` to ``u64`` for plain accesses, as in a heap.
        atomics: the atomic operations, as in the module ``atomics``.
        parts: the classes to use in this place: the scenario's in its threads, the paper's elsewhere.
    """

    def __init__(self, memory: Memory, atomics: Atomics) -> None:
        self.memory = memory
        self.atomics = atomics
        self.parts = PAPER_PARTS

    def wait(self, address: int, unlike: int, order: Order) -> int:
        """Load the word until it differs from ``unlike``, and return it.

        In the explorer, this is one step, which a thread can complete only after another thread stores another value.
        """
        value = self.atomics.load(address, order)
        while value == unlike:
            value = self.atomics.load(address, order)
        return value


ThreadCode = Callable[[Place], Hashable]
"""The function that a thread runs. Its return value is part of the outcome."""


class Scenario:
    """A small concurrent program to explore. Write a subclass of this class.

    Attributes:
        name: the name of the scenario; a built-in scenario has the same name on the command line.
        about: the question that the exploration answers, in one sentence.
        section: the section of the paper.
        size: the number of bytes of memory, if ``memory`` is not overridden.
        words: the names of values that are addresses, for readers of findings.
        fields: the names of the words at addresses, if they differ from the names in ``words``.
        fresh: the addresses of bytes that must be written before they are read.
        note: a remark that is shown with every finding.
        parts: the classes that the threads use; ``setup`` and ``judge`` use the paper's.
        concepts: the names of the parts that the threads use; None if they may use any part.
    """

    name = "scenario"
    about = ""
    section = ""
    size = 1024
    words: Mapping[int, str] = {}
    fields: Mapping[int, str] = {}
    fresh: frozenset[int] = frozenset()
    note = ""
    parts: Parts = PAPER_PARTS
    concepts: tuple[str, ...] | None = None
    _called: tuple[str, str] = "", ""

    @property
    def command(self) -> str:
        """The name on the command line; empty if there is none, as for a copy with another name."""
        name, command = self._called
        return command if self.name == name else ""

    def call(self, command: str) -> None:
        """Set the name of the scenario on the command line."""
        self._called = self.name, command

    def having(self, parts: Parts) -> Self:
        """Return a copy of the scenario whose threads use these parts.

        Raises:
            PartError: if a part cannot be used in the explorer, or the threads do not use its concept.
        """
        demand_parts(parts)
        used = self.concepts
        for name in parts.replaced():
            if name == "atomics":
                raise PartError("Parts(atomics=...): the explorer has its own atomic operations; replace another part")
            if used is not None and name not in used:
                uses = f"they use {', '.join(used)}" if used else "they use none of the parts"
                raise PartError(f"Parts({name}=...): the threads of scenario “{self.name}” do not use it; {uses}")
        changed = copy.copy(self)
        changed.parts, changed._called = parts, ("", "")
        return changed

    def memory(self) -> Memory:
        """Return the memory of the scenario, zeroed. The explorer calls this method once, before ``setup``."""
        return Memory(AddressSpace(self.size))

    def setup(self, place: Place) -> None:
        """Prepare the memory before the threads start."""

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return the threads by name, in the order of their lanes."""
        raise NotImplementedError(f"{type(self).__name__}.threads: return a function for each thread")

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """Check what the threads returned and left in memory, after all have ended. Raise ``Wrong`` for a failure.

        The return value is part of the outcome, besides the threads' own results.
        """
        return None

    def draw(self, place: Place) -> list[str]:  # noqa: ARG002
        """Draw the structure in a few lines. The method may be called between any two steps."""
        return []

    def word(self, address: int) -> str:
        """Return the name of an address, or of a value that may be an address."""
        return self.words.get(address) or (f"{address:#x}" if address > 9 else str(address))

    def field(self, address: int) -> str:
        """Return the name of the word at an address."""
        return self.fields.get(address) or self.word(address)
