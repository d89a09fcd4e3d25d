"""A frame: one step of a stepper, whatever it is about (§2)."""

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
        caller: the line of the program that asked for it.
        pictures: what it looks like afterwards: SVG elements, or other HTML.
        changes: what changed in them, a line each.
    """

    title: str
    words: str
    section: str = ""
    source: str = ""
    caller: str = ""
    pictures: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
