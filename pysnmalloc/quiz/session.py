"""Asking and judging: one question after another, until the answers run out.

    questions ──► ask ──► an answer's text ──► judge ──► Verdict ──► tell
                   │                                       │
                   └── None: no more answers               └── right, or a hint: the cause

A malformed answer neither crashes the session nor is guessed at: text that is not
a number is refused with the reason. Left out: the terminal; the command line
supplies ``ask`` and ``tell``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .question import Form, Question

__all__ = ["GIVE_UP", "NotANumber", "Score", "Verdict", "judge", "parse_answer", "session"]

MOST_DIGITS = 100  # of an answer; Python refuses to read a number of thousands of digits
SHOWN = 40  # characters of what is not a number
GIVE_UP = "?"  #: given instead of an answer


class NotANumber(ValueError):
    """An answer is not a number.

    What to do: answer in decimal (576) or hexadecimal (0x240), or type ``?`` to see the answer.
    """


@dataclass(frozen=True)
class Verdict:
    """The judgement of an answer.

    Attributes:
        question: that was asked.
        text: of the answer.
        given: the answer as a number, None if it is not one.
        hint: the cause of a wrong answer, if it is known.
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
        asked: questions answered; giving up counts as an answer.
        right: right answers among them.
    """

    asked: int = 0
    right: int = 0

    def count(self, verdict: Verdict) -> None:
        """Count an answer."""
        self.asked += 1
        self.right += verdict.right

    @property
    def wrong(self) -> int:
        """How many answers were wrong."""
        return self.asked - self.right


def parse_answer(text: str) -> int:
    """Return the number written in a text: ``576``, ``0x240``, ``1,024``, ``0x10_0000``, ``-1``.

    Raises:
        NotANumber: if the text is not a number.
    """
    bare = re.sub(r"[\s_,]", "", text).lower()
    if re.fullmatch(rf"[+-]?[0-9]{{1,{MOST_DIGITS}}}", bare):
        return int(bare)
    if re.fullmatch(rf"0x[0-9a-f]{{1,{MOST_DIGITS}}}|0b[01]{{1,{MOST_DIGITS}}}", bare):
        return int(bare, 0)
    given = text.strip()
    shown = given if len(given) <= SHOWN else f"{given[:SHOWN]}..."
    raise NotANumber(f"“{shown}” is not a number; write 576, 0x240 or 1,024, or {GIVE_UP} to see the answer")


def judge(question: Question, text: str) -> Verdict:
    """Judge an answer, and give the cause of a wrong one if it is known."""
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
        hint = f"Without 0x, the number is decimal: write {problem.write(problem.answer)}."
        return Verdict(question, text.strip(), given, hint)
    return Verdict(question, text.strip(), given, problem.mistakes.get(given) or _met(question, given))


def _met(question: Question, given: int) -> str:
    """Name the step in which a wrong address appears, if there is one; small numbers appear everywhere."""
    problem = question.problem
    written = problem.write(given)
    for number, step in enumerate(problem.steps, 1):
        if problem.form is not Form.DECIMAL and re.search(rf"\b{re.escape(written)}\b", step):
            return f"{written} appears in step {number}, but is not what the question asks for."
    return ""


def session(asked: Iterable[Question], ask: Callable[[Question], str | None], tell: Callable[[Verdict], None]) -> Score:
    """Ask one question after another, report each verdict, and return the score.

    Args:
        asked: the questions.
        ask: shows a question and returns the answer; None ends the session.
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
