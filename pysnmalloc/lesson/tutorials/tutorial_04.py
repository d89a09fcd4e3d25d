"""Judges of tutorial 4, large objects, the Treiber stack and ABA (§2.5)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from ...allocator import Parts
from ...explore import Finding, Result, explore
from ...explore.scenarios.stack import StackScenario
from ...explore.threads.ops import LOAD
from ..exploring import explored
from ..judging import Open, Trouble, call, exercise, shown
from ..material.stacks import RULES, PopScenario
from ..material.watched import Reply, Watched, old
from ..source import forbidden
from ..values import misnamed, plainly
from ..verdict import Case

__all__: list[str] = []

EXTENTS = (  # sizes of a chunk and of a page, and sizes of objects in chunks, further pages and further bytes
    (8192, 256, ((1, 0, 0), (1, 0, 1), (2, 30, 251), (4, 0, 0), (0, 0, 1))),
    (1 << 20, 4096, ((1, 0, 1), (0, 1, 0), (3, 0, 0))),
    (65536, 65536, ((0, 0, 100),)),
)


@exercise("4.1")
def _extent(answer: object) -> Iterator[Trouble]:
    """Try sizes around powers of two of chunks. They are made of chunks, pages and bytes, so nothing is divided."""
    for chunk_size, page_size, sizes in EXTENTS:
        for chunks, pages, extra in sizes:
            whole = chunks * chunk_size + pages * page_size
            space = chunk_size
            while space < whole + extra:
                space *= 2
            wanted = space, whole + (page_size if extra else 0)
            yield from call(answer, "extent", whole + extra, chunk_size, page_size, wanted=wanted)


# 4.2

Head = tuple[tuple[int, ...], int]
"""The chunks of a stack, the top first, and the number."""

C1, C2, C3 = 0x240, 0x180, 0x300


class Popping(NamedTuple):
    """A call of ``pop``.

    Attributes:
        head: where the head is.
        before: the stack.
        acts: the stack as another thread leaves it, right before each of the answer's compare-exchanges.
        words: what the case shows.
    """

    head: int
    before: Head
    acts: tuple[Head, ...] = ()
    words: str = ""

    @property
    def after(self) -> Head:
        """The stack as ``pop`` finds it when its compare-exchange succeeds."""
        return (self.before, *self.acts)[-1]


ALONE = (
    Popping(0x90, ((C1, C2, C3), 41)),
    Popping(0x90, ((C2, C3), 42)),
    Popping(0x90, ((C3,), 1 << 40)),
    Popping(0x90, ((), 44), words="The stack is empty."),
    Popping(0x50, ((C3, C1), 0)),
)
POPPED = (
    "Right before your compare-exchange, another thread pops 0x240, so the compare-exchange fails. Is the stack empty?"
)
PUSHED = (
    "Right before your compare-exchange, another thread pops 0x240 and pushes it back. The stack is as it was, but the "
    "number is not, so the compare-exchange fails. What must be read again?"
)
EMPTIED = "Right before your compare-exchange, another thread pops all chunks, so the compare-exchange fails."
BUSY = "Other threads pop and push 0x240 right before your first six compare-exchanges, which therefore fail."
RACED = (
    Popping(0x90, ((C1, C2, C3), 41), (((C2, C3), 42),), POPPED),
    Popping(0x90, ((C1, C2, C3), 41), (((C1, C2, C3), 43),), PUSHED),
    Popping(0x50, ((C1, C2), 7), (((), 9),), EMPTIED),
    Popping(0x90, ((C1, C2, C3), 41), (((C2, C3), 42), ((C1, C2, C3), 43)) * 3, BUSY),
)
PLANS = ({"A": "pop", "B": "pop"}, {"A": "pop", "B": "all push"}, {"A": "pop", "B": "all"})
"""What the threads do: two answers at once; ABA in the fewest steps; and chunks that stay in use."""

TRUTH = (
    " Note that `compare_exchange_2` returns a tuple, and a tuple is true even if its first element is False. Test the "
    "first element."
)
IDLE = " Your `pop` performs no operation on `atomics`."
YIELDS = " A function with `yield` returns a generator, and runs none of its lines. Leave the `yield` out."
OWN = "Write the steps of `pop` yourself."


@exercise("4.2", once=True)
def _pop(answer: object) -> Iterator[Trouble]:
    """Let the answer pop alone, then with a compare-exchange that fails, and then in every execution."""
    yield from forbidden(answer, names={"ChunkStack": OWN, "UntaggedStack": OWN})
    for case in ALONE:
        yield from _popped(answer, case, _watched(case))
    again = _watched(ALONE[0])
    yield from _popped(answer, ALONE[0], again)
    compares = any(isinstance(done.result, Reply) for done in again.ran.done)
    for case in RACED if compares else ():
        yield from _popped(answer, case, _watched(case))
    assert callable(answer), "it has been called"
    for plans in PLANS:
        for trouble in explored(answer, "pop", PopScenario(plans, answer)):
            assert trouble.finding is not None
            yield replace(trouble, words=trouble.words + _question(trouble.finding))


def _question(finding: Finding) -> str:
    """Return a question about an execution in which threads take turns; nothing if its kind says enough."""
    if finding.model != "sc" or finding.kind not in ("ABA", "popped twice", "data race", "deadlock"):
        return ""
    if finding.kind == "deadlock":
        return ". The other thread may keep the chunk for ever. What does a pop without a lock never do?"
    if finding.kind == "data race":
        return ". Another thread may be using the chunk and its first word. Which operation may read such a word?"
    steps = [step.operation for step in finding.steps if step.thread == "A"]
    compares = [at for at, step in enumerate(steps) if step.startswith("compare_exchange(")]
    if not compares:
        return ". Your `pop` changes the head without a compare-exchange: what may happen between its steps?"
    if "(" not in steps[compares[-1]].removeprefix("compare_exchange("):
        return ". Which words does your compare-exchange compare?"
    reads = [step for step in steps[: compares[-1]] if step.startswith(("load(", "speculate("))]
    late = ". What did your `pop` read last before it compared: the number or the link?"
    return late if reads and reads[-1].startswith("load(incarnation") else ""


def _watched(case: Popping) -> Watched:
    """Return the memory of a case."""
    return Watched(_words(case.head, case.before), [_words(case.head, after) for after in case.acts])


def _words(head: int, stack: Head) -> dict[int, int]:
    """Return the words of a stack."""
    chunks, number = stack
    links = dict(zip(chunks, (*chunks[1:], 0), strict=False))
    return {head: chunks[0] if chunks else 0, head + 8: number, **links}


def _popped(answer: object, case: Popping, atomics: Watched) -> Iterator[Trouble]:
    """Call ``pop``, and look at what it returns and at what it leaves in memory."""
    chunks, number = case.after
    listed = f"{', '.join(map(hex, case.before[0])) or 'nothing'}, with number {case.before[1]}"
    why = f"On the stack: {listed}. {case.words}".strip()
    wanted = chunks[0] if chunks else 0
    for trouble in call(answer, "pop", atomics, case.head, wanted=wanted, addresses=(1,), why=why):
        idle = not atomics.ran.done and "` returns " in trouble.words
        remark = (YIELDS if inspect.isgeneratorfunction(answer) else IDLE) if idle else _remark(case, atomics.ran)
        yield replace(trouble, words=trouble.words + remark)
    after = {case.head: chunks[1] if chunks[1:] else 0, case.head + 8: number + 1} if chunks else {}
    for address in atomics.ran.changed(after):
        words = _changed(case, address, atomics.ran.word(address))
        yield Trouble(
            f"`pop(atomics, {case.head:#x})` returns {wanted:#x}, as it should, but afterwards {words} {why}",
            Case(answer, "pop", (atomics, case.head)),  # type: ignore[arg-type]  # it has been called
        )


def _changed(case: Popping, address: int, value: int) -> str:
    """Return words about a word that is not as it should be after a pop."""
    chunks, number = case.after
    if address == case.head + 8:
        should = f"{number + 1}: a success adds one to it" if chunks else f"{number}: nothing was popped"
        return f"the number is {value}. It should be {should}."
    if address == case.head:
        return f"the top is {value:#x}. It should be {chunks[1] if chunks[1:] else 0:#x}, the link of the chunk."
    return f"the word at {address:#x} is {value:#x}, which `pop` does not have to change."


def _remark(case: Popping, ran: Watched) -> str:
    """Return a sentence on what an answer did wrong, if the result does not show it."""
    stray = [done.address for done in ran.done if done.kind == LOAD and done.result == old(done.address)]
    if stray:
        return f" Your `pop` loads {stray[0]:#x}, and the head is at {case.head:#x}."
    replies = [done.result for done in ran.done if isinstance(done.result, Reply)]
    if any(reply.asked and not reply[0] for reply in replies):
        return TRUTH
    return ""


# 4.3


@exercise("4.3", once=True)
def _enough(answer: object) -> Iterator[Trouble]:
    """Explore a stack for each rule, and compare the answer with the result."""
    given = plainly(answer)
    if not isinstance(given, dict):
        yield Trouble(f"the answer must be a dict with the keys {', '.join(map(repr, RULES))}; this is {shown(given)}.")
        return
    if all(each is ... for each in given.values()):
        raise Open
    for key in given:
        if key not in RULES:
            yield Trouble(f"there is no rule {shown(key)} in the exercise.{misnamed(key, RULES)}")
    for rule in RULES:
        if given.get(rule, ...) is ...:
            yield Trouble(f"there is no answer for {rule!r} yet.")
        elif type(given[rule]) is not bool:
            yield Trouble(f"the answer for {rule!r} must be True or False; this is {shown(given[rule])}.")
    for rule in RULES:
        result = _explored(rule)
        if given[rule] is not result.ok:
            finding = result.findings[0] if result.findings else None
            none = f"none of the {result.executions} executions loses a chunk or puts a chunk in two places."
            ends = f'one execution ends with "{finding.detail}".' if finding is not None else none
            yield Trouble(f"{rule!r} is not {given[rule]!r}: {ends}", finding=finding)


@cache
def _explored(rule: str) -> Result:
    """Explore the stack of a rule."""
    plans = {"A": "pop", "B": "pop pop push"}
    return explore(StackScenario(rule, "", plans, Parts(stack=RULES[rule])), "sc", patience=50)
