"""The record: a text file in the working folder, with a line for each exercise that is done (§2).

    # pysnmalloc: exercises that a check found right, and the date
    0.1 2026-11-27
    0.2 2026-11-28

A line is appended when a check finds an answer right for the first time. JupyterLite keeps the files of
its working folder in the browser, so the record outlives the page. Two notebooks may append at once, because
each line is written whole; a line that stands there twice counts once.

The law: a line that cannot be read is skipped, and a record that cannot be written is not written.
"""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

from .contents import EXERCISES

__all__ = ["FILE", "note", "recorded"]

FILE = Path("pysnmalloc-progress.txt")
"""The file of the record, in the working folder."""

HEADER = "# pysnmalloc: exercises that a check found right, and the date\n"


def note(number: str) -> None:
    """Record that an exercise is done today, unless it is recorded already.

    The number of no exercise of the tutorials is not recorded. This call raises nothing.
    """
    with contextlib.suppress(OSError):
        text = _text()
        if number in EXERCISES and number not in _dates(text):
            # A notebook that was stopped can leave half a line, which the new one must not continue.
            start = HEADER if not text else "" if text.endswith("\n") else "\n"
            with FILE.open("a", encoding="utf-8") as file:
                file.write(f"{start}{number} {date.today().isoformat()}\n")


def recorded() -> dict[str, date]:
    """Return the exercises that are recorded as done, each with the date, in the order of the tutorials."""
    try:
        dates = _dates(_text())
    except OSError:
        return {}
    return {number: dates[number] for number in EXERCISES if number in dates}


def _text() -> str:
    """Return the text of the record, which is empty if there is none."""
    try:
        return FILE.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _dates(text: str) -> dict[str, date]:
    """Return the date of the first line of each exercise. Skip what is not a number and a date."""
    found: dict[str, date] = {}
    for line in text.splitlines():
        number, _, day = line.strip().partition(" ")
        with contextlib.suppress(ValueError):
            found.setdefault(number, date.fromisoformat(day.strip()))
    return found
