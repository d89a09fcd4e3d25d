"""Scenarios of the stack of free chunks: as shipped, with the published orders, and without its number (§2.5).

    head ──► c1 ──► c2 ──► c3          A pops a chunk; B pops two, and pushes the first one again

Without the number, A reads that the head is c1, and that c2 is below c1. B pops c1 and c2,
and pushes c1. A's comparison finds c1 on top, and makes c2 the top, although B is using c2.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ...allocator import PAPER_PARTS, Parts
from ...atomics import Order
from ...memory import NULL
from ...stack import LINK, ChunkStack
from ..threads.scenario import Place, Scenario, ThreadCode, Wrong

__all__ = ["PublishedStack", "StackScenario", "UntaggedStack"]

HEAD, CHUNKS, APART, HEADER = 64, 512, 64, 8


class UntaggedStack(ChunkStack):
    """Treiber's stack without the incarnation number. It compares only the pointer, so ABA is possible."""

    def push(self, chunk: int) -> None:
        """Push a chunk."""
        atomics, head, pushed = self._atomics, self._head, False
        while not pushed:
            top = atomics.load(head, Order.RELAXED)
            atomics.store(chunk + LINK, top, Order.RELAXED)
            pushed, _ = atomics.compare_exchange(head, top, chunk, Order.ACQ_REL)

    def pop(self) -> int:
        """Pop the top chunk, or return 0."""
        atomics, head = self._atomics, self._head
        while (top := atomics.load(head, Order.ACQUIRE)) != NULL:
            below = atomics.speculate(top + LINK)
            popped, _ = atomics.compare_exchange(head, top, below, Order.ACQ_REL)
            if popped:
                return top
        return NULL


class PublishedStack(ChunkStack):
    """The stack with the orders of the paper's code: the link is released and acquired, the head is relaxed."""

    def push(self, chunk: int) -> None:
        """Push a chunk."""
        atomics, head, pushed = self._atomics, self._head, False
        top = atomics.load(head, Order.RELAXED)
        incarnation = atomics.load(head + 8, Order.RELAXED)
        while not pushed:
            atomics.store(chunk + LINK, top, Order.RELEASE)
            pushed, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (chunk, incarnation + 1), Order.RELAXED
            )

    def pop(self) -> int:
        """Pop the top chunk, or return 0."""
        atomics, head, popped, chunk = self._atomics, self._head, False, NULL
        top = atomics.load(head, Order.RELAXED)
        incarnation = atomics.load(head + 8, Order.RELAXED)
        while not popped and (chunk := top) != NULL:
            below = atomics.load(chunk + LINK, Order.ACQUIRE)
            popped, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (below, incarnation + 1), Order.RELAXED
            )
        return chunk


class StackScenario(Scenario):
    """Threads that pop chunks from one stack, and push them.

    Args:
        name, about: the scenario's name, and the question that its exploration answers.
        plans: the steps of each thread: ``pop``; ``all``, which pops all chunks at once; or ``push``, which pushes the
            first chunk that the thread still holds.
        parts: the classes that the threads use.
        use: whether threads write into the chunks that they pop, as their owners do.
        chunks: the number of chunks on the stack at the start.
        note: a remark, which is shown with findings.
    """

    section = "§2.5"
    concepts = ("stack",)  #: the part that its threads use

    def __init__(
        self,
        name: str,
        about: str,
        plans: Mapping[str, str],
        parts: Parts = PAPER_PARTS,
        *,
        use: bool = True,
        chunks: int = 3,
        note: str = "",
    ) -> None:
        self.name = name
        self.about = about
        self.note = note
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
        """Return a thread's view of the stack."""
        return place.parts.stack(place.memory, place.atomics, HEAD)

    def setup(self, place: Place) -> None:
        """Push the chunks, so that the first one is on top."""
        for chunk in reversed(self._chunks):
            self.stack(place).push(chunk)

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return one thread per plan."""
        return {thread: self._follow(thread, plan) for thread, plan in self._plans.items()}

    def _follow(self, thread: str, plan: list[str]) -> ThreadCode:
        """Return a thread that follows its plan, and returns the chunks that it holds at the end."""

        def run(place: Place) -> Hashable:
            held: list[int] = []
            for step in plan:
                if step == "push":
                    if held:
                        self.stack(place).push(held.pop(0))
                    continue
                stack = self.stack(place)
                for chunk in stack.pop_all() if step == "all" else filter(None, [stack.pop()]):
                    held.append(chunk)
                    self._own(place, chunk, thread)
            return tuple(map(self.word, held))

        return run

    def _own(self, place: Place, chunk: int, thread: str) -> None:
        """Write a chunk's header and link with plain stores, as its owner does, if the scenario uses chunks."""
        if self._use:
            place.memory.u64[chunk + HEADER >> 3] = ord(thread[0])
            place.memory.u64[chunk + LINK >> 3] = 1

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        """Raise unless each chunk is in one place: held by a thread, or on the stack."""
        held = [name for result in results if isinstance(result, tuple) for name in result]
        chunks = [self.word(c) for _, c in zip(range(len(self._chunks) + 1), self.stack(place).walk(), strict=False)]
        twice = sorted({name for name in held + chunks if (held + chunks).count(name) > 1})
        if twice:
            raise Wrong("ABA", f"{', '.join(twice)}: in more than one place; stack {chunks}, held {held}")
        lost = set(self.words.values()) - set(held) - set(chunks)
        if lost:
            raise Wrong("lost chunk", f"{', '.join(sorted(lost))}: neither on the stack nor held by a thread")
        return None

    def draw(self, place: Place) -> list[str]:
        """Draw the stack."""
        chunks = [self.word(c) for _, c in zip(range(len(self._chunks) + 1), self.stack(place).walk(), strict=False)]
        number = place.memory.u64[(HEAD >> 3) + 1]
        return [f"head → {' → '.join((*chunks, '0'))}    incarnation {number}"]
