"""Stacks that judges explore: one that pops by an answer, and those that count by one of four rules (§2.5).

    PopScenario(plans, answer)     two threads; a pop is the answer's, and all else the project's
    RULES["push only"]             a stack on which only pushes raise the number

The answer runs in all executions, so a scenario has few steps: its other thread pops all chunks at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from ...allocator import Parts
from ...atomics import Atomics, Order
from ...explore import Place, Wrong
from ...explore.scenarios.stack import StackScenario
from ...stack import ChunkStack
from ..exploring import answered
from ..values import plainly, shown

__all__ = ["RULES", "PopScenario"]


class PopScenario(StackScenario):
    """Threads that pop by the answer, on a stack of three chunks."""

    def __init__(self, plans: Mapping[str, str], answer: Callable[..., int]) -> None:
        alone = "all" not in " ".join(plans.values())  # so a chunk that is used twice was popped twice
        super().__init__("your pop", "", plans, Parts(stack=with_pop(answer, self)), use=not alone)
        self._alone = alone
        self._pops = sum(plan.split().count("pop") for plan in plans.values())

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        """Raise unless each chunk is in one place, and no pop finds a stack empty that never is."""
        held = [name for result in results if isinstance(result, tuple) for name in result]
        twice = sorted({name for name in held if held.count(name) > 1})
        if twice:
            raise Wrong("popped twice", f"both threads have {' and '.join(twice)}")
        super().judge(place, results)
        if self._alone and len(held) < self._pops:
            raise Wrong("a pop finds nothing", f"of three chunks on the stack, {self._pops} pops get {len(held)}")
        return None


def with_pop(answer: Callable[[Atomics, int], int], scenario: StackScenario) -> type[ChunkStack]:
    """Return the project's stack with the answer's pop."""

    class Answered(ChunkStack):
        """A stack that pops as the answer does."""

        __slots__ = ()

        def pop(self) -> int:
            """Take the chunk on top."""
            chunk = plainly(answered(answer, self._atomics, self._head))
            if chunk != 0 and (type(chunk) is not int or chunk not in scenario.words):
                raise Wrong("not a chunk", f"`pop` returns {shown(chunk, base_16=True)}")
            return int(chunk)

    return Answered


class Counting(ChunkStack):
    """A stack that increments the number as its class says; threads take turns."""

    __slots__ = ()
    by_push, by_pop = 1, 1

    def push(self, chunk: int) -> None:
        """Put a chunk on top."""
        atomics, pushed = self._atomics, False
        while not pushed:
            top, number = self._read()
            atomics.store(chunk, top, Order.SEQ_CST)
            pushed = self._change((top, number), (chunk, number + self.by_push))

    def pop(self) -> int:
        """Take the chunk on top, or return 0."""
        top, number = self._read()
        while top and not self._change((top, number), (self._atomics.speculate(top), number + self.by_pop)):
            top, number = self._read()
        return top

    def _read(self) -> tuple[int, int]:
        """The head."""
        return self._atomics.load(self._head, Order.SEQ_CST), self._atomics.load(self._head + 8, Order.SEQ_CST)

    def _change(self, before: tuple[int, int], after: tuple[int, int]) -> bool:
        """Change the head."""
        return self._atomics.compare_exchange_2(self._head, before, after, Order.SEQ_CST)[0]


class PushOnly(Counting):
    """Only pushes count."""

    by_pop = 0


class PopOnly(Counting):
    """Only pops count."""

    by_push = 0


class Neither(PopOnly):
    """The number stays as it is."""

    by_pop = 0


RULES: dict[str, type[ChunkStack]] = {
    "push and pop": Counting,
    "push only": PushOnly,
    "pop only": PopOnly,
    "neither": Neither,
}
"""Each rule, with a stack that counts by it."""
