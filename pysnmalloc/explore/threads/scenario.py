"""Scenarios: what is explored, in which memory, and what counts as wrong (§2.2, §2.5).

    class Handover(Scenario):
        name = "hand over"
        def setup(self, place): ...               before there are threads
        def threads(self):
            return {"A": self.give, "B": self.take}
        def give(self, place): ...                 code that uses place.memory, place.atomics
        def judge(self, place, results):           after all threads have ended:
            if ...: raise Wrong("lost message")    a finding, by its name

A thread is a function of a ``Place``, which has the bytes and the atomics that the classes of
the library use, so a thread can use these classes unchanged. On real threads, a place is the
memory of a heap. In the explorer, it is a memory that observes every access and answers every
read.

The law: the next step of a thread depends only on what it has read so far. Thread functions
therefore keep no state outside themselves and use no clock and no random numbers; the explorer
runs them many times.
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
    """What a scenario finds wrong: ``Wrong("lost message", "2 was sent and never came out")``.

    Attributes:
        kind: the name of the finding, of few words.
        detail: what exactly was seen.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


class Place:
    """Where a thread runs: bytes, and atomic operations on them.

    Attributes:
        memory: ``u8`` to ``u64`` as in a heap; plain accesses.
        atomics: the operations of ``atomics``.
        parts: the classes to be used in this place: for threads the scenario's, else the paper's.
    """

    def __init__(self, memory: Memory, atomics: Atomics) -> None:
        self.memory = memory
        self.atomics = atomics
        self.parts = PAPER_PARTS

    def wait(self, address: int, unlike: int, order: Order) -> int:
        """Load the word until it is not ``unlike``; return it.

        The explorer takes this as one step, which is not possible before somebody stores another value.
        """
        value = self.atomics.load(address, order)
        while value == unlike:
            value = self.atomics.load(address, order)
        return value


ThreadCode = Callable[[Place], Hashable]
"""The code of a thread: what it returns is part of the outcome."""


class Scenario:
    """Something to explore; subclass it.

    Attributes:
        name: as on the command line.
        about: one sentence: the question that the exploration answers.
        section: of the paper.
        size: bytes of memory, if ``memory`` is not overridden.
        words: names of values that are addresses, for those who read findings.
        fields: names of the words at addresses, where it is another.
        fresh: bytes that must be written before they are read.
        note: what else is to be said to those who see something go wrong.
        parts: the classes that its threads use; set-up and judging use the paper's.
        concepts: names of the parts that its threads use; None where any may be.
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
        """The name on the command line; empty where it has none, as a copy under another name."""
        name, command = self._called
        return command if self.name == name else ""

    def call(self, command: str) -> None:
        """Say what the command line calls it."""
        self._called = self.name, command

    def having(self, parts: Parts) -> Self:
        """Return the same scenario with threads that use these parts.

        Raises:
            PartError: when a part cannot serve, or the threads do not use its concept.
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
        """Return the memory to run in, zeroed. Called once, before ``setup``."""
        return Memory(AddressSpace(self.size))

    def setup(self, place: Place) -> None:
        """Prepare the memory, while there is one thread."""

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return the threads by name, in the order of their lanes."""
        raise NotImplementedError(f"{type(self).__name__}.threads: return a function for each thread")

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """Look at what the threads returned and left behind, all having ended; raise ``Wrong`` if it is.

        What is returned belongs to the outcome, beside the threads' own results.
        """
        return None

    def draw(self, place: Place) -> list[str]:  # noqa: ARG002
        """Draw the structure in a few lines, between any two steps."""
        return []

    def word(self, address: int) -> str:
        """Name an address, or a value that may be one."""
        return self.words.get(address) or (f"{address:#x}" if address > 9 else str(address))

    def field(self, address: int) -> str:
        """Name the word at an address."""
        return self.fields.get(address) or self.word(address)
