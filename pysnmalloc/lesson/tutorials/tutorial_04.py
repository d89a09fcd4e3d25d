"""Judges of tutorial 4, large objects, the Treiber stack and ABA (§2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...allocator import Parts
from ...atomics import Atomics, Order
from ...explore import explore
from ...explore.scenarios.stack import StackScenario
from ...stack import ChunkStack
from ..exploring import answered, explored, story
from ..judging import Trouble, call, exercise, shown

__all__: list[str] = []

PLANS = ({"A": "pop push pop pop"}, {"A": "pop", "B": "pop pop push"})
"""What the threads do: first one thread alone, until the stack is empty; then the two that cause ABA."""


@exercise("4.1")
def _extent(answer: object) -> Iterator[Trouble | str]:
    """Try sizes around powers of two of chunks; the right answer is found by doubling and by counting pages."""
    for chunk_size, page_size in ((8192, 256), (1 << 20, 4096)):
        for size in (chunk_size, chunk_size + 1, 3 * chunk_size - page_size - 5, 4 * chunk_size, chunk_size - 3):
            space = chunk_size
            while space < size:
                space *= 2
            pages = sum(1 for _ in range(0, size, page_size))
            yield from call(answer, "extent", size, chunk_size, page_size, wanted=(space, pages * page_size))


@exercise("4.2")
def _pop(answer: object) -> Iterator[Trouble | str]:
    """Run the answer's pop with the stack's own push in every execution, and count the chunks at the end."""
    if callable(answer):
        kind = _with_pop(answer)
        for plans in PLANS:
            yield from explored(answer, "pop", StackScenario("your pop", "", plans, Parts(stack=kind)))
    else:
        yield from call(answer, "pop", wanted=0)


def _with_pop(answer: Callable[[Atomics, int], int]) -> type[ChunkStack]:
    """Return the project's stack with the answer's pop."""

    class Answered(ChunkStack):
        """A stack that pops as the answer does."""

        __slots__ = ()

        def pop(self) -> int:
            """Take the chunk on top."""
            return answered(answer(self._atomics, self._head))

    return Answered


@exercise("4.3")
def _enough(answer: object) -> Iterator[Trouble | str]:
    """Explore a stack for each rule, and compare the answer with the result."""
    if not isinstance(answer, dict) or set(answer) != set(RULES):
        yield f"the answer must be a dict with the keys {', '.join(map(repr, RULES))}; this is {shown(answer)}."
        return
    for rule, kind in RULES.items():
        if answer[rule] is ...:
            yield f"there is no answer for {rule!r} yet."
            return
        result = explore(StackScenario(rule, "", PLANS[1], Parts(stack=kind)), "sc", patience=200)
        if answer[rule] is result.ok:
            continue
        yield f"{rule!r} is not {answer[rule]!r}: " + (
            f'one execution ends with "{result.findings[0].detail}".\n{story(result.findings[0])}'
            if result.findings
            else f"none of the {result.executions} executions loses a chunk or puts a chunk in two places."
        )


class _Counting(ChunkStack):
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


class _PushOnly(_Counting):
    """Only pushes count."""

    by_pop = 0


class _PopOnly(_Counting):
    """Only pops count."""

    by_push = 0


class _Neither(_PopOnly):
    """The number stays as it is."""

    by_pop = 0


RULES: dict[str, type[ChunkStack]] = {
    "push and pop": _Counting,
    "push only": _PushOnly,
    "pop only": _PopOnly,
    "neither": _Neither,
}
"""Each rule, with a stack that counts by it."""
