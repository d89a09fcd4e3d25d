"""Asking and judging: one question after another, until the answers end.

    questions ──► ask ──► an answer's text ──► judge ──► Verdict ──► tell
                   │                                       │
                   └── None: no more answers               └── right, or the hint: what led there

An answer that does not fit is no crash and no guess: what cannot be read as a
number is refused with the reason. Left out: the terminal; ``ask`` and ``tell``
are the command line's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .question import Form, Question

__all__ = ["GIVE_UP", "NotANumber", "Score", "Verdict", "judge", "parse_answer", "session"]

GIVE_UP = "?"  #: instead of an answer


class NotANumber(ValueError):
    """An answer is no number.

    What to do: answer in decimal (576) or hexadecimal (0x240), or ``?`` to be told.
    """


@dataclass(frozen=True)
class Verdict:
    """What became of an answer.

    Attributes:
        question: that was asked.
        text: that was answered.
        given: as a number, None if it is none.
        hint: for a wrong answer, what led to it, as far as known.
    """

    question: Question
    text: str
    given: int | None
    hint: str

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        problem = self.question.problem
        return self.given is not None and self.given in (problem.answer, *problem.also)

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        shown = self.question.as_dict(answer=True, explain=True)
        return shown | {"text": self.text, "given": self.given, "right": self.right, "hint": self.hint}


@dataclass
class Score:
    """How many questions were asked, and how many answers were right.

    Attributes:
        asked: questions with an answer of any kind; giving up is one.
        right: answers among them that were right.
    """

    asked: int = 0
    right: int = 0

    def count(self, verdict: Verdict) -> None:
        """Count an answer."""
        self.asked += 1
        self.right += verdict.right

    @property
    def wrong(self) -> int:
        """How many answers were not right."""
        return self.asked - self.right


def parse_answer(text: str) -> int:
    """Return the number that a text says: ``576``, ``0x240``, ``1,024``, ``0x10_0000``, ``-1``.

    Raises:
        NotANumber: when it says none.
    """
    bare = re.sub(r"[\s_,]", "", text).lower()
    if re.fullmatch(r"[+-]?\d+", bare):
        return int(bare)
    if re.fullmatch(r"0x[0-9a-f]+|0b[01]+", bare):
        return int(bare, 0)
    raise NotANumber(f"“{text.strip()}” is no number; write 576, 0x240 or 1,024, or {GIVE_UP} to see the answer")


def judge(question: Question, text: str) -> Verdict:
    """Judge an answer; a wrong one with what led to it, where that is known."""
    problem = question.problem
    if text.strip() == GIVE_UP:
        return Verdict(question, GIVE_UP, None, "")
    try:
        given = parse_answer(text)
    except NotANumber as not_a_number:
        return Verdict(question, text.strip(), None, f"{not_a_number}.")
    if given in (problem.answer, *problem.also):
        return Verdict(question, text.strip(), given, "")
    bare = re.sub(r"[\s_,]", "", text)
    if problem.form is not Form.DECIMAL and bare.isdigit() and int(bare, 16) == problem.answer:
        hint = f"Without 0x that is decimal: write {problem.write(problem.answer)}."
        return Verdict(question, text.strip(), given, hint)
    return Verdict(question, text.strip(), given, problem.mistakes.get(given) or _met(question, given))


def _met(question: Question, given: int) -> str:
    """Say where a wrong address comes up on the way, if it does; small numbers come up everywhere."""
    problem = question.problem
    written = problem.write(given)
    for number, step in enumerate(problem.steps, 1):
        if problem.form is not Form.DECIMAL and re.search(rf"\b{re.escape(written)}\b", step):
            return f"{written} comes up in step {number}, but is not what was asked for."
    return ""


def session(asked: Iterable[Question], ask: Callable[[Question], str | None], tell: Callable[[Verdict], None]) -> Score:
    """Ask one question after the other, tell what became of each answer, and return the score.

    Args:
        asked: the questions.
        ask: shows a question and returns the answer; None when there are no more.
        tell: shows the verdict.
    """
    score = Score()
    for question in asked:
        text = ask(question)
        if text is None:
            break
        verdict = judge(question, text)
        score.count(verdict)
        tell(verdict)
    return score
