"""Measure, print a line for each figure, and with ``--write`` put them into BENCHMARKS.md.

python -m tests.bench [--only GROUP] [--processes COUNT] [--write]
"""

from __future__ import annotations

import argparse
import sys

from .edges import figures_of_edges
from .exploring import figures_of_exploring
from .harness import Figure, in_processes, interpreter
from .report import keep
from .subjects import (
    figures_of_churn,
    figures_of_pairs,
    figures_of_replay,
    figures_of_scale,
    figures_of_threads,
)

GROUPS = {
    "pairs": figures_of_pairs,
    "churn": figures_of_churn,
    "scale": figures_of_scale,
    "edges": figures_of_edges,
    "replay": figures_of_replay,
    "threads": figures_of_threads,
    "exploring": figures_of_exploring,
}
IN_PROCESSES = {"pairs", "churn", "scale", "edges", "replay"}  # those that differ from process to process


def main() -> None:
    """Run the groups asked for."""
    parser = argparse.ArgumentParser(description="Measure pysnmalloc; ratios in one process, medians.")
    parser.add_argument("--only", choices=GROUPS, action="append", help="groups to run (default: all)")
    parser.add_argument("--processes", type=int, default=5, help="in how many most groups are measured (default: 5)")
    parser.add_argument("--write", action="store_true", help="put the figures into BENCHMARKS.md")
    options = parser.parse_args()
    if sys.flags.dont_write_bytecode:
        print("note: without .pyc files, threads contend for constants on free-threaded Python", file=sys.stderr)
    print(f"Python {sys.version.split()[0]} ({interpreter()})")
    figures: list[Figure] = []
    for name in options.only or GROUPS:
        if name == "threads" and not interpreter().endswith("t"):
            continue  # under the GIL, two threads are one
        group = GROUPS[name]
        for figure in in_processes(group, options.processes) if name in IN_PROCESSES else group():
            print(line_of(figure), flush=True)
            figures.append(figure)
    if options.write:
        keep(figures)


def line_of(figure: Figure) -> str:
    """Write a figure on one line."""
    bound = "" if figure.target is None else f"{'at least' if figure.at_least else 'at most'} {figure.target:g}"
    word = "" if figure.target is None else ("met" if figure.met else "NOT MET")
    ours, theirs = figure.nanoseconds
    note = f"; {figure.note}" if figure.note else ""
    return f"{figure.name:62} {figure.ratio:7.3f}  {bound:13} {word:8} ({ours:,.0f} / {theirs:,.0f} ns{note})"


if __name__ == "__main__":
    main()
