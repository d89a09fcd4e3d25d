"""A question of the quiz: what is shown, what is asked, and what the answer follows from.

    Topic.make(dice, level) ──► Problem          Question = topic, seed, number, Problem

    state    what is so, read from a real heap       steps     what really happened, call by call
    calls    what is called then                     mistakes  wrong answer ──► what led to it
    asked    one number

The law: whoever reads ``setting``, ``state``, ``calls`` and ``asked``, and knows
the paper, can work out ``answer``; nothing else of the heap matters. The same
topic, seed and number give the same question on every Python.

Left out: how it looks (the command line's part), and who judges (``session``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

__all__ = ["Dice", "Form", "Problem", "Question", "Topic", "mistakes"]

T = TypeVar("T")
PER_LEVEL, LEVELS = 3, 5


class Form(enum.Enum):
    """How an answer is written; any form is accepted."""

    DECIMAL = "{:d}"  #: a count: 12
    OFFSET = "{:#05x}"  #: an offset in a slab: 0x240
    WORD = "{:#_x}"  #: 64 bits: 0x1_0240


class Dice:
    """Random choices that are the same on every Python: of ``Random`` only the seeding and ``random``.

    Args:
        words: what the choices depend on.
    """

    def __init__(self, *words: object) -> None:
        self._random = Random(" ".join(map(str, words))).random

    def below(self, end: int) -> int:
        """Return one of 0 to ``end - 1``."""
        return int(self._random() * end)

    def between(self, low: int, high: int) -> int:
        """Return one of ``low`` to ``high``, both possible."""
        return low + self.below(high - low + 1)

    def pick(self, things: Sequence[T]) -> T:
        """Return one of several."""
        return things[self.below(len(things))]

    def some(self, things: Sequence[T], count: int) -> list[T]:
        """Return ``count`` of them, in any order."""
        left = list(things)
        return [left.pop(self.below(len(left))) for _ in range(count)]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a topic makes up.

    Attributes:
        setting: what is looked at, in words.
        state: what is so before the calls, as lines of text.
        calls: what is called, in this order.
        asked: the question.
        answer: a number.
        form: how it is written.
        steps: how it comes about.
        mistakes: what leads to a wrong answer, by the answer; never the right one.
        also: other ways to say the answer.
        section: of the paper, where it is not the topic's.
    """

    setting: str
    state: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    asked: str
    answer: int
    form: Form = Form.DECIMAL
    steps: tuple[str, ...]
    mistakes: Mapping[int, str] = field(default_factory=dict)
    also: tuple[int, ...] = ()
    section: str = ""

    def write(self, value: int) -> str:
        """Write an answer in the question's form."""
        return self.form.value.format(value) if value >= 0 else str(value)


@dataclass(frozen=True)
class Topic:
    """A kind of questions.

    Attributes:
        name: on the command line.
        title: in words.
        predicts: what is to be predicted.
        section: of the paper.
        module: that does it, as a path from the package's directory.
        make: makes up a problem; level 1 needs a step, level 5 several.
    """

    name: str
    title: str
    predicts: str
    section: str
    module: str
    make: Callable[[Dice, int], Problem]

    def question(self, seed: int, number: int) -> Question:
        """Return question ``number``, 1 or more; three of each level, the last level without end."""
        level = min(1 + (number - 1) // PER_LEVEL, LEVELS)
        return Question(self, seed, number, self.make(Dice(self.name, seed, number), level))


@dataclass(frozen=True)
class Question:
    """One question: the same for the same topic, seed and number.

    Attributes:
        topic: what it is about.
        seed: of the random choices, as the learner or the caller gave it.
        number: among the topic's questions of this seed, from 1; it decides the level.
        problem: what was made up: what is shown, what is asked, and the answer.
    """

    topic: Topic
    seed: int
    number: int
    problem: Problem

    @property
    def section(self) -> str:
        """The paper's section that the answer follows from."""
        return self.problem.section or self.topic.section

    def as_dict(self, *, answer: bool, explain: bool) -> dict[str, object]:
        """Return it for JSON, with what is wanted."""
        problem, topic = self.problem, self.topic
        shown: dict[str, object] = {
            "topic": topic.name,
            "seed": self.seed,
            "number": self.number,
            "setting": problem.setting,
            "state": list(problem.state),
            "calls": list(problem.calls),
            "asked": problem.asked,
        }
        if answer:
            shown |= {"answer": problem.answer, "written": problem.write(problem.answer)}
        if explain:
            shown |= {
                "steps": list(problem.steps),
                "mistakes": {str(value): why for value, why in problem.mistakes.items()},
                "section": self.section,
                "module": topic.module,
            }
        return shown


def mistakes(answer: int, *known: tuple[int | None, str]) -> dict[int, str]:
    """Return what leads to wrong answers: of those known, the first for each value, and none for the right one."""
    found: dict[int, str] = {}
    for value, why in known:
        if value is not None and value != answer:
            found.setdefault(value, why)
    return found
