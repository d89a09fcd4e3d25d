"""A frame: one step of a stepper (§2)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Frame"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One step.

    Attributes:
        title: what happened, in a few words.
        words: what happened, in sentences.
        section: of the paper.
        source: the line of code that did it, with its function.
        caller: the line of the program that made the call.
        pictures: the structures afterwards: SVG elements, or other HTML.
        changes: the changes in the pictures, one per line.
    """

    title: str
    words: str
    section: str = ""
    source: str = ""
    caller: str = ""
    pictures: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
