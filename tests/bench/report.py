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

HEAD = Path(__file__).with_name("head.md")  # what the page says above its table


def keep(figures: list[Figure]) -> None:
    """Add figures to those kept, and write BENCHMARKS.md anew."""
    known: dict[str, dict[str, dict[str, object]]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    known.setdefault(interpreter(), {}).update({figure.name: asdict(figure) for figure in figures})
    KEPT.write_text(json.dumps(known, indent=1) + "\n")
    (ROOT / "BENCHMARKS.md").write_text(HEAD.read_text(encoding="utf-8") + _machine() + _table(known), encoding="utf-8")


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
