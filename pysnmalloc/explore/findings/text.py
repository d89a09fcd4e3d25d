"""Findings and results as plain text: a lane for each thread, at 80 columns or more (§2.2).

          A               B               C
      2   ● exchange(back, m1, release)   ┊         ● a step, in its thread's lane
          │ reads stub ← the start        ┊         │ what it read and wrote
      3   ┊               ┊               ≠ load(stub + NEXT, relaxed)
          ┊               ┊               │ reads 0 ← the start  ≠ newest: m1 ← step 2
      ──▸ back = m1                                 the structure, where a step changed it

A lane is narrow, so its text runs on to the right, over the lanes of idle threads.
Lines stay whole, and lanes are distinct without colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import TextWrapper

from .finding import Finding, Step
from .result import Result
from .rows import rows
from .told import Told
from .wording import OLD, Story, command, facts, how_to_read, notes, outcome_rows, sites

__all__ = ["finding_text", "result_text", "told_text"]

MARGIN = 6  # columns of the step number
LAST = 40  # columns of the last lane, at least
WIDEST, NARROWEST = 24, 4  # lane
LEAST = 60  # columns of a page
OUTCOMES = 12
HARD = "\N{NO-BREAK SPACE}"
PART = re.compile(r"\w+\W*|\W+")  # of a long word: a name or a number, and the signs behind it
STEP, OLDER, SAYS, AGAIN, IDLE, DRAWN = "●", "≠", "│", "⋮", "┊", "──▸ "


def finding_text(finding: Finding, width: int = 100, name: str | None = None) -> str:
    """Show a finding, step by step.

    Args:
        finding: what was found.
        width: columns of the page, at least 60.
        name: of the scenario on the command line, if it is not its own.
    """
    return "\n".join(_story(Story.of(finding), max(width, LEAST), name))


def told_text(told: Told, width: int = 100, name: str | None = None) -> str:
    """Show an execution that was told, wrong or not; arguments as for ``finding_text``."""
    return "\n".join(_story(Story.of(told), max(width, LEAST), name))


def result_text(result: Result, width: int = 100, name: str | None = None) -> str:
    """Show a result: verdict, how it was reached, outcomes, every finding; arguments as for ``finding_text``."""
    width = max(width, LEAST)
    lines = _wrapped(f"{result.scenario}, model {result.model}: {result.verdict}", width, "  ")
    for label, value in facts(result):
        lines += _wrapped(f"  {label:<10}  {value}", width, " " * 14)
    if result.outcomes:
        lines += ["", *_outcomes(result, width)]
    for finding in result.findings:
        lines += ["", finding_text(finding, width, name)]
    return "\n".join(lines)


def _story(story: Story, width: int, name: str | None) -> list[str]:
    """A headline, the steps, and how to go on."""
    told = story.told
    lines = _wrapped(story.headline, width, "  ")
    lines += _wrapped(" · ".join(part.replace(" ", HARD) for part in story.about), width, "  ")
    for line in story.dump:
        lines += _wrapped(f"  {line}", width, "      ")
    lines += ["", *_Lanes(told.threads, width).rows(told.before, told.steps)]
    lines += [*_wrapped(f"{'   ✗' if story.kind else '   ✓':<{MARGIN}}{story.headline}", width, " " * MARGIN), ""]
    if story.note:
        lines += [*_wrapped(f"note: {story.note}", width, "  "), ""]
    lines += _wrapped(f"how to read this: {how_to_read(told.model)}", width, "  ")
    made = sites(told.steps)
    if made:
        longest = max(map(len, made))
        lines.append("sites of these steps, as for --weaken:")
        for site, where in made.items():
            lines += _wrapped(f"  {site:<{longest}}  {where}", width, " " * (longest + 4))
    return [*lines, f"schedule: {told.schedule}", f"once more: {command(told, name)}"]


class _Lanes:
    """The lanes' columns, and the lines placed in them.

    Attributes:
        places: the first column of each lane.
    """

    def __init__(self, threads: tuple[str, ...], width: int) -> None:
        gaps = max(1, len(threads) - 1)
        lane = max(NARROWEST, min(WIDEST, (width - MARGIN - LAST) // gaps))
        self.threads = threads
        self.width = width
        self.places = [MARGIN + lane * number for number in range(len(threads))]

    def rows(self, before: tuple[str, ...], steps: tuple[Step, ...]) -> Iterator[str]:
        """Yield the heading, and every step with what it changed."""
        yield from self._heading()
        yield from self._drawing(list(before))
        for row in rows(before, steps):
            yield from self._step(row.step)
            yield from self._drawing(row.drawing)
            if row.again:
                yield self._line("", self.threads.index(row.step.thread), f"{AGAIN} {row.again}")

    def _heading(self) -> Iterator[str]:
        """The threads' names, or their places if a name is longer than its lane is wide."""
        names: Sequence[str] = self.threads
        room = self.places[1] - self.places[0] - 1 if len(self.places) > 1 else self.width
        if any(len(name) > room for name in names):
            yield from _wrapped(f"lanes from left to right: {', '.join(names)}", self.width, "  ")
            names = [str(number) for number in range(1, len(names) + 1)]
        line = "step".ljust(MARGIN)
        for place, name in zip(self.places, names, strict=True):
            line = line.ljust(place) + name
        yield line

    def _step(self, step: Step) -> Iterator[str]:
        """A step: its operation, its source line, what it read and wrote."""
        lane = self.threads.index(step.thread)
        room = self.width - self.places[lane] - 2
        said = _wrapped(step.operation, room, "  ")
        for line in (step.line, *map(str, notes(step))):
            said += _wrapped(line, room, "  ")
        mark = OLDER if any(OLD in line for line in said) else STEP
        for number, line in enumerate(said):
            yield self._line(f"{step.number:>4}" if number == 0 else "", lane, f"{SAYS if number else mark} {line}")

    def _line(self, margin: str, lane: int, text: str) -> str:
        """A line in a lane; the other lanes continue where it leaves room."""
        line = margin
        for number, place in enumerate(self.places):
            if number == lane:
                line = line.ljust(place) + text
            elif len(line) < place:
                line = line.ljust(place) + IDLE
        return line

    def _drawing(self, lines: list[str]) -> Iterator[str]:
        """The structure, across the lanes."""
        indent = " " * len(DRAWN)
        for number, line in enumerate(lines):
            yield from _wrapped(("  " + (indent if number else DRAWN)) + line, self.width, f"  {indent}  ")


def _outcomes(result: Result, width: int) -> Iterator[str]:
    """The outcomes as a table with aligned columns, or as blocks of lines if the columns do not fit."""
    heads, rows, more = outcome_rows(result, OUTCOMES)
    wide = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    if sum(wide) + 2 * len(wide) > width:
        for row in rows:
            for head, cell in zip(heads, row, strict=True):
                yield from _wrapped(f"  {head}: {cell}", width, " " * 6)
            yield ""
    else:
        for row in (heads, *rows):
            left = [cell.ljust(size) for cell, size in zip(row[:-1], wide, strict=False)]
            yield "  " + "  ".join([*left, row[-1].rjust(wide[-1])])
    if more:
        yield f"  and {more:,} more"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Lines of at most this width; words that are longer are broken, “m1 ← step 2” is not."""
    whole = text.replace(" ← step ", f"{HARD}←{HARD}step{HARD}").replace(" ← the ", f"{HARD}←{HARD}the{HARD}")
    lines = _Wrapper(width, subsequent_indent=indent, break_on_hyphens=False).wrap(whole)
    return [line.replace(HARD, " ") for line in lines] or [""]


class _Wrapper(TextWrapper):
    """Breaks a word that is longer than a line between its parts, never in a number or a name that fits."""

    def _handle_long_word(self, reversed_chunks: list[str], cur_line: list[str], cur_len: int, width: int) -> None:
        """Put the beginning of the word on the line."""
        word, room = reversed_chunks[-1], max(1, width - cur_len)
        ends = [match.end() for match in PART.finditer(word) if match.end() <= room]
        if ends:
            cur_line.append(word[: ends[-1]])
            reversed_chunks[-1] = word[ends[-1] :]
        elif cur_line:
            pass  # the word begins on the next line
        else:
            super()._handle_long_word(reversed_chunks, cur_line, cur_len, width)
