"""The arc: the labs, and the milestones of each (§2.6, §2.8).

    lab 1  size classes   sizes ─► classes ─► layout
    lab 2  a slab         word ─► take ─► put

A milestone is one file of a student. It goes by a name, not by a number.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

__all__ = ["LABS", "MILESTONES", "Lab", "Milestone", "UnknownMilestone", "milestone"]


class UnknownMilestone(ValueError):
    """No milestone has this name.

    What to do: take a name from the list that ``pysnmalloc lab`` prints. The message suggests one that is similar.
    """


@dataclass(frozen=True)
class Milestone:
    """A part that a student writes.

    Attributes:
        name: its name, as on the command line.
        file: the student's file.
        goal: what it is, in one line.
        section: the section of the paper.
        points: how many points it brings.
    """

    name: str
    file: str
    goal: str
    section: str
    points: int


@dataclass(frozen=True)
class Lab:
    """Some milestones that belong together.

    Attributes:
        number: its number, from 1.
        title: its title.
        hours: how long it takes, as a range in hours.
        milestones: the milestones, in order.
    """

    number: int
    title: str
    hours: str
    milestones: tuple[Milestone, ...]


LABS: Final = (
    Lab(
        1,
        "Size classes",
        "1 to 2",
        (
            Milestone("sizes", "sizes.py", "the bytes of an object of a size class", "§2.6", 10),
            Milestone("classes", "classes.py", "the size class that serves a request, without a search", "§2.6", 20),
            Milestone("layout", "layout.py", "where the objects of a slab lie, and how many there are", "§2.8", 10),
        ),
    ),
)
"""The labs, in order."""

MILESTONES: Final = {each.name: each for lab in LABS for each in lab.milestones}
"""The milestones by name."""


def milestone(name: str) -> Milestone:
    """Return the milestone of a name.

    Raises:
        UnknownMilestone: if there is none. The message suggests one.
    """
    if name in MILESTONES:
        return MILESTONES[name]
    near = difflib.get_close_matches(name.lower(), MILESTONES, n=1, cutoff=0.5)
    meant = f"; did you mean “{near[0]}”?" if near else f". The milestones are {', '.join(MILESTONES)}."
    raise UnknownMilestone(f"“{name}” is not a milestone{meant}")
