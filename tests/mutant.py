"""What a mutant is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One line of the core, broken.

    Attributes:
        name: what is broken.
        module: file in the package.
        old: text that stands in it exactly once; ``new`` takes its place.
        tests: what in tests/ should notice, as in ``test_queue.py::test_x``; one test, so that many mutants take
            little time.
    """

    name: str
    module: str
    old: str
    new: str
    tests: str
