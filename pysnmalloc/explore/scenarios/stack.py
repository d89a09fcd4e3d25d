"""The stack of free chunks explored: with its incarnation number, and without (§2.5).

head ──► c1 ──► c2 ──► c3          A pops one; B pops two and pushes the first again

A reads head = c1, and that c2 is below it; B takes c1 and c2, and gives c1 back;
A's compare finds c1 on top, and makes c2 the top, which B is using.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ...allocator import PAPER_PARTS, Parts
from ...atomics import Order
from ...memory import NULL
from ...stack import LINK, ChunkStack
from ..threads.scenario import Place, Scenario, ThreadCode, Wrong

__all__ = ["StackScenario", "UntaggedStack"]

HEAD, CHUNKS, APART, HEADER = 64, 512, 64, 8


class UntaggedStack(ChunkStack):
    """Treiber's stack as it was before somebody thought of ABA: the pointer alone is compared."""

    def push(self, chunk: int) -> None:
        """Put a chunk on top."""
        atomics, head, pushed = self._atomics, self._head, False
        while not pushed:
            top = atomics.load(head, Order.RELAXED)
            atomics.store(chunk + LINK, top, Order.RELAXED)
            pushed, _ = atomics.compare_exchange(head, top, chunk, Order.ACQ_REL)

    def pop(self) -> int:
        """Take the chunk on top, or return 0."""
        atomics, head = self._atomics, self._head
        while (top := atomics.load(head, Order.ACQUIRE)) != NULL:
            below = atomics.speculate(top + LINK)
            popped, _ = atomics.compare_exchange(head, top, below, Order.ACQ_REL)
            if popped:
                return top
        return NULL


class StackScenario(Scenario):
    """Threads that pop and push chunks of one stack.

    Args:
        plans: by thread, what it does: ``pop``, or ``push`` of the first that it popped.
        parts: the classes that the threads use.
        use: write into popped chunks, as their new owners do.
        chunks: on the stack at the start.
    """

    section = "§2.5"
    concepts = ("stack",)  #: what its threads use

    def __init__(
        self,
        name: str,
        about: str,
        plans: Mapping[str, str],
        parts: Parts = PAPER_PARTS,
        *,
        use: bool = True,
        chunks: int = 3,
    ) -> None:
        self.name = name
        self.about = about
        self._plans = {thread: plan.split() for thread, plan in plans.items()}
        self.parts = parts
        self._use = use
        self._chunks = [CHUNKS + APART * at for at in range(chunks)]
        self.words = {chunk: f"c{at}" for at, chunk in enumerate(self._chunks, 1)}
        self.fields = {
            HEAD: "head",
            HEAD + 8: "incarnation",
            **{chunk: f"{name}'s link" for chunk, name in self.words.items()},
            **{chunk + HEADER: f"{name}'s header" for chunk, name in self.words.items()},
        }

    def stack(self, place: Place) -> ChunkStack:
        """Return the stack, as a thread sees it."""
        return place.parts.stack(place.memory, place.atomics, HEAD)

    def setup(self, place: Place) -> None:
        """Push the chunks, the first last."""
        for chunk in reversed(self._chunks):
            self.stack(place).push(chunk)

    def threads(self) -> Mapping[str, ThreadCode]:
        """One per plan."""
        return {thread: self._follow(thread, plan) for thread, plan in self._plans.items()}

    def _follow(self, thread: str, plan: list[str]) -> ThreadCode:
        """Return a thread that does what its plan says, and returns what it holds at the end."""

        def run(place: Place) -> Hashable:
            held: list[int] = []
            for step in plan:
                if step == "pop":
                    chunk = self.stack(place).pop()
                    if chunk != NULL:
                        held.append(chunk)
                        self._own(place, chunk, thread)
                elif held:
                    self.stack(place).push(held.pop(0))
            return tuple(map(self.word, held))

        return run

    def _own(self, place: Place, chunk: int, thread: str) -> None:
        """Use a chunk as its owner: the header plainly, and the link's place as well."""
        if self._use:
            place.memory.u64[chunk + HEADER >> 3] = ord(thread[0])
            place.memory.u64[chunk + LINK >> 3] = 1

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        """See that each chunk is in one hand or on the stack, and nowhere else."""
        held = [name for result in results if isinstance(result, tuple) for name in result]
        chunks = [self.word(c) for _, c in zip(range(len(self._chunks) + 1), self.stack(place).walk(), strict=False)]
        twice = sorted({name for name in held + chunks if (held + chunks).count(name) > 1})
        if twice:
            raise Wrong("ABA", f"{', '.join(twice)}: on the stack or in a hand twice; stack {chunks}, held {held}")
        lost = set(self.words.values()) - set(held) - set(chunks)
        if lost:
            raise Wrong("lost chunk", f"{', '.join(sorted(lost))}: neither on the stack nor in a hand")
        return None

    def draw(self, place: Place) -> list[str]:
        """Draw the stack."""
        chunks = [self.word(c) for _, c in zip(range(len(self._chunks) + 1), self.stack(place).walk(), strict=False)]
        number = place.memory.u64[(HEAD >> 3) + 1]
        return [f"head → {' → '.join((*chunks, '0'))}    incarnation {number}"]
