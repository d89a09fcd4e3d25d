"""Checks: a student's file, in a process of its own, and a judge that asks it (§2).

    check(Path("sizes.py"), "sizes", variant) ──► Right, Look again, Not yet

The law: the verdict is made in this process, where no line of the student's runs.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from ..lesson.judging import Failed, Open, Trouble
from ..lesson.running.underway import underway
from ..lesson.verdict import State, Verdict
from . import judges
from .arc import LABS, milestone
from .judges.judging import JUDGES, Judge
from .process.limits import LIMITS, Limits
from .process.student import Student
from .variants import PAPER, Variant

__all__ = ["check"]

LARGEST = 100_000
"""The most bytes of a student's file."""

STUB = "write it in your file, in the place of `raise NotImplementedError`, and check again"


def check(file: Path, name: str, variant: Variant = PAPER, limits: Limits = LIMITS) -> Verdict:
    """Check a student's file.

    Args:
        file: the file.
        name: the name of the milestone.
        variant: the numbers of the student's hand-out.
        limits: what the student's process may use.

    Raises:
        UnknownMilestone: if there is no such milestone.
    """
    judge = _judge(milestone(name).name)
    with underway(f"Milestone {name}"):
        try:
            trouble = _first(judge, file, variant, limits)
        except Open:
            return Verdict(name, State.OPEN, STUB + ".")
    if trouble is None:
        return Verdict(name, State.RIGHT, "every case that was tried gives the expected result.")
    return Verdict(name, State.WRONG, trouble.words, None, trouble.finding)


def _first(judge: Judge, file: Path, variant: Variant, limits: Limits) -> Trouble | None:
    """Return the first error that a judge finds.

    Raises:
        Open: if the file is the stub.
    """
    source = _source(file)
    if isinstance(source, Trouble):
        return source
    with Student(file, source, limits) as student:
        try:
            student.load()
            trouble = next(judge(student, variant), None)
        except Failed as failed:
            return Trouble(f"your file {file.name} {failed}.")
        except NotImplementedError:
            raise Open from None
    return Trouble(trouble) if isinstance(trouble, str) else trouble


def _source(file: Path) -> str | Trouble:
    """Return the text of a student's file, or why it cannot be checked."""
    try:
        data = file.read_bytes()
    except OSError as error:
        return Trouble(f"your file {file.name} cannot be read: {error.strerror}.")
    if len(data) > LARGEST:
        return Trouble(f"your file {file.name} has {len(data):,} bytes, and a milestone takes fewer than {LARGEST:,}.")
    try:
        source = data.decode()
        compile(source, file.name, "exec", dont_inherit=True)
    except UnicodeDecodeError:
        return Trouble(f"your file {file.name} is no text in UTF-8; save it again as such.")
    except SyntaxError as error:
        line = (error.text or "").strip()
        return Trouble(f"your file {file.name} has a syntax error in line {error.lineno}, `{line}`: {error.msg}.")
    except (ValueError, RecursionError, MemoryError) as error:
        return Trouble(f"your file {file.name} cannot be compiled: {error}.")
    return source


def _judge(name: str) -> Judge:
    """Return the judge of a milestone."""
    number = next(lab.number for lab in LABS if any(each.name == name for each in lab.milestones))
    importlib.import_module(f"{judges.__name__}.lab{number}")
    return JUDGES[name]
