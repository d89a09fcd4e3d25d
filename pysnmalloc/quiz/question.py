"""A quiz question: what it shows, what it asks, and how the answer follows.

    Topic.make(dice, level) ──► Problem          Question = topic, seed, number, Problem

    state    read from a real heap                   steps     what happened, call by call
    calls    made from that state                    mistakes  wrong answer ──► its cause
    asked    for one number

The law: ``answer`` follows from ``setting``, ``state``, ``calls``, ``asked`` and
the paper; nothing else in the heap matters. The same topic, seed and number give
the same question on every Python.

Left out: the layout (the command line) and the judging (``session``).
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
    """How an answer is written; every form is accepted."""

    DECIMAL = "{:d}"  #: a count: 12
    OFFSET = "{:#05x}"  #: an offset in a slab: 0x240
    WORD = "{:#_x}"  #: 64 bits: 0x1_0240


class Dice:
    """Random choices that are the same on every Python: they use only the seeding and ``random`` of ``Random``.

    Args:
        words: values that determine the choices.
    """

    def __init__(self, *words: object) -> None:
        self._random = Random(" ".join(map(str, words))).random

    def below(self, end: int) -> int:
        """Return an integer from 0 to ``end - 1``."""
        return int(self._random() * end)

    def between(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, inclusive."""
        return low + self.below(high - low + 1)

    def pick(self, things: Sequence[T]) -> T:
        """Return one element of a sequence."""
        return things[self.below(len(things))]

    def some(self, things: Sequence[T], count: int) -> list[T]:
        """Return ``count`` elements in random order."""
        left = list(things)
        return [left.pop(self.below(len(left))) for _ in range(count)]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem that a topic creates.

    Attributes:
        setting: the situation, in words.
        state: the state before the calls, as lines of text.
        calls: the calls, in order.
        asked: the question.
        answer: a number.
        form: how the answer is written.
        steps: how the answer is derived.
        mistakes: the cause of each known wrong answer; the right answer is never among them.
        also: other values accepted as the answer.
        section: of the paper, if it differs from the topic's.
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
    """A kind of question.

    Attributes:
        name: on the command line.
        title: in words.
        predicts: what the student predicts.
        section: of the paper.
        module: that the questions are about, as a path in the package's directory.
        make: creates a problem; level 1 takes one step, level 5 several.
    """

    name: str
    title: str
    predicts: str
    section: str
    module: str
    make: Callable[[Dice, int], Problem]

    def question(self, seed: int, number: int) -> Question:
        """Return question ``number``, from 1; each level has three questions, the last one endlessly many."""
        level = min(1 + (number - 1) // PER_LEVEL, LEVELS)
        return Question(self, seed, number, self.make(Dice(self.name, seed, number), level))


@dataclass(frozen=True)
class Question:
    """One question, determined by topic, seed and number.

    Attributes:
        topic: what the question is about.
        seed: of the random choices.
        number: position among the topic's questions for this seed, from 1; it determines the level.
        problem: what is shown, what is asked, and the answer.
    """

    topic: Topic
    seed: int
    number: int
    problem: Problem

    @property
    def section(self) -> str:
        """The paper's section from which the answer follows."""
        return self.problem.section or self.topic.section

    def as_dict(self, *, answer: bool, explain: bool) -> dict[str, object]:
        """Return the question for JSON, with the parts requested."""
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
    """Return the causes of wrong answers: the first one for each value, and none for the right answer."""
    found: dict[int, str] = {}
    for value, why in known:
        if value is not None and value != answer:
            found.setdefault(value, why)
    return found
