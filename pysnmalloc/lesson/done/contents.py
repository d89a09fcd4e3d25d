"""The contents: every tutorial and its exercises, by their titles (§2).

    "0.2"  is the second exercise of tutorial 0: its number follows from its place below

A notebook in a browser has no folder of tutorials to read, so the titles are repeated here.
``tests/test_done.py`` compares them with the texts of the tutorials.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["EXERCISES", "TUTORIALS", "Tutorial", "numbered"]


class Tutorial(NamedTuple):
    """A tutorial.

    Attributes:
        title: its title, without its number.
        exercises: the titles of its exercises, in order.
    """

    title: str
    exercises: tuple[str, ...]


TUTORIALS = (
    Tutorial("Bytes and addresses", ("A word at any address", "Where an address is")),
    Tutorial("Size classes", ("The way back", "Any number of mantissa bits", "Aligned")),
    Tutorial("A slab: 64 bits and a bump-pointer free list", ("Read the word", "Take an object", "All that is free")),
    Tutorial(
        "Superslabs, medium slabs, page map",
        ("Back to the start", "The free slabs", "The start of a small object", "A fresh medium slab"),
    ),
    Tutorial("Large objects, the Treiber stack and ABA", ("Address space and memory", "Pop", "Who must count?")),
    Tutorial("Atomics and memory order", ("All the turns", "The weakest orders", "Who allows it?")),
    Tutorial("The message queue", ("What can be received", "Send", "The smallest repair")),
    Tutorial("The remote cache: a radix tree in time", ("The bucket", "Post", "Count the exchanges")),
    Tutorial(
        "The allocator: malloc and free, one and many threads",
        ("Where a free goes", "How many came home", "An allocator in three values"),
    ),
    Tutorial("Producers and consumers on free-threaded Python", ("Memory on its way home", "A consumer", "A ring")),
    Tutorial(
        "The evaluation: the paper's claims, counted",
        ("Visits of the central heap", "Hops from a recording", "The normalized footprint"),
    ),
    Tutorial("What came after the paper", ("Port the link", "Batches", "A list that cannot be trusted")),
)
"""All tutorials, in order. The first has the number 0."""


def numbered(tutorial: int) -> dict[str, str]:
    """Return the titles of a tutorial's exercises, by their numbers."""
    return {f"{tutorial}.{index}": title for index, title in enumerate(TUTORIALS[tutorial].exercises, 1)}


EXERCISES = {number: title for tutorial in range(len(TUTORIALS)) for number, title in numbered(tutorial).items()}
"""The titles of all exercises, by their numbers."""
