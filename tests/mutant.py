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
        tests: files in tests/ that should notice.
    """

    name: str
    module: str
    old: str
    new: str
    tests: str
