"""BENCHMARKS.md, from the figures of every interpreter measured so far."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import date
from pathlib import Path

from .harness import Figure, interpreter

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_name("figures.json")

HEAD = """# Benchmarks

Measured by `nox -s bench -- --write`; `tests/bench` is the harness. Each row is a ratio of two subjects that took
turns in one process, in slices of milliseconds; the median of the ratios, turn by turn, is given, so a machine
that slows down slows both. Where a process happens to have its objects is worth some per cent to all its turns, so the
allocator's rows are measured in five processes, of which the middle one is given, and the range. The times in brackets,
nanoseconds per call or pair, are medians of the same run and are for orientation only. A row in bold misses its bound.

What the rows hold fixed: 250 objects of 48 bytes stay live (on a heap that is otherwise empty, each lone pair of calls
takes a superslab and gives it back, as the paper has it); libc is called through `ctypes.CDLL` with argument and
result types declared; the collector runs between turns only; modules come from `.pyc` files.

Choices that favour a side, to be known when reading:

- Both heaps of the random sizes are first worn in, every object replaced six times. A slice replaces every object twice
  (ours takes 20 ms, the other's 150). In slices of 1,000 replacements we take a fifth longer, as most objects are then
  fetched into the processor's caches that the other subject has filled with its own; the ratio is 0.14 to 0.17. For the
  same reason a tenth more pairs are made before each slice of pairs, and not counted.
- Producer and consumer pass our addresses in an `array`, and the blocks of `multiprocessing.heap`, which are tuples, in
  a list: on free-threaded Python an object of another thread costs more to use.
- In the row of random sizes some 40 of the nanoseconds, 110 on 3.13t, are the loop's own, in both subjects: a loop over
  empty functions takes them too.
- The rows of two threads are counted in steady turns only: both subjects' threads run a loop over small integers before
  and after their slice, and a turn is steady if all these loops took the same time, within 12 %. How many were is said.
  In the others the machine had no two processors to give, or changed its speed, and the ratio would be the machine's.
- The replay loop keeps addresses as 64-bit words. With a list in their place it would cost a fifth less itself, our
  calls the same, and our ratio against it would be higher: 5.7 to 6.9 on 3.11.

Why 3.13 is slower than 3.11: its interpreter counts how often an instruction ran that it cannot specialize, as it
cannot those that read and write a cell. In this build a counter is written by bytes and right after that read as a
whole, which a processor has to wait for; a fifth of the replay's time passes there.

"""


def keep(figures: list[Figure]) -> None:
    """Add figures to those kept, and write BENCHMARKS.md anew."""
    known: dict[str, dict[str, dict[str, object]]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    known.setdefault(interpreter(), {}).update({figure.name: asdict(figure) for figure in figures})
    KEPT.write_text(json.dumps(known, indent=1) + "\n")
    (ROOT / "BENCHMARKS.md").write_text(HEAD + _machine() + _table(known), encoding="utf-8")


def _machine() -> str:
    """Say on what it was measured."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"Machine: {model}, {os.cpu_count()} processors, {platform.system()}; {date.today():%B %Y}.\n\n"


def _table(known: dict[str, dict[str, dict[str, object]]]) -> str:
    """Write a row per figure and a column per interpreter."""
    versions = sorted(known)
    names = list(dict.fromkeys(name for version in versions for name in known[version]))
    lines = [f"| ratio | {' | '.join(versions)} |", "| --- |" + " --- |" * len(versions)]
    for name in names:
        cells = [_cell(known[version].get(name)) for version in versions]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(kept: dict[str, object] | None) -> str:
    """Write one figure with its bound and its times."""
    if kept is None:
        return "–"
    figure = Figure(**kept)  # type: ignore[arg-type]  # as it was kept
    bound = "" if figure.target is None else f" ({'≥' if figure.at_least else '≤'} {figure.target:g})"
    ours, theirs = figure.nanoseconds
    value = f"{figure.ratio:.2f}" if figure.met else f"**{figure.ratio:.2f}**"
    note = f"; {figure.note}" if figure.note else ""
    return f"{value}{bound} [{ours:,.0f} / {theirs:,.0f}{note}]"
