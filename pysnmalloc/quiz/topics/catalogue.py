"""The topics of the quiz, in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ..question import Question, Topic
from . import freelist, metadata, pagemap, queue, radix, sizeclass, superslab

__all__ = ["ALL", "TOPICS", "questions"]

ALL = "all"  #: stands for every topic, in turn

_LISTED = (
    Topic(
        "sizeclass",
        "size classes",
        "size and class of an object, objects of a slab",
        "§2.6",
        "sizeclass.py",
        sizeclass.make,
    ),
    Topic(
        "freelist",
        "free list",
        "next object, what a free stores, objects left",
        "§2.8",
        "freelist.py",
        freelist.make,
    ),
    Topic("metadata", "metadata word", "used, head and link after calls", "§2.8", "metaslab.py", metadata.make),
    Topic("superslab", "superslab", "next slab; head, used and next", "§2.8", "superslab.py", superslab.make),
    Topic("pagemap", "page map", "bytes, jumps, start of an object", "§2.4", "pagemap.py", pagemap.make),
    Topic(
        "queue",
        "queue",
        "front, back, objects received, next object",
        "§2.2, Fig. 3",
        "messagequeue.py",
        queue.make,
    ),
    Topic(
        "radix",
        "radix tree",
        "bucket, list, receiver, rounds, hops",
        "§2.2, Figs. 1, 2",
        "remotecache.py",
        radix.make,
    ),
)

TOPICS = {topic.name: topic for topic in _LISTED}  #: by name


def questions(name: str, seed: int, start: int = 1) -> Iterator[Question]:
    """Yield questions ``start``, ``start + 1``, ... endlessly.

    Args:
        name: of a topic, or ``all`` for all topics in turn.
        seed: any number; each seed gives different questions.
        start: number of the first question, 1 or more.

    Raises:
        KeyError: if there is no such topic.
    """
    topics = _LISTED if name == ALL else (TOPICS[name],)
    for turn in count(start - 1):
        rounds, which = divmod(turn, len(topics))
        yield topics[which].question(seed, rounds + 1)
