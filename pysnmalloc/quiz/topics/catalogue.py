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
        "an object's size and class, a slab's first one",
        "§2.6",
        "sizeclass.py",
        sizeclass.make,
    ),
    Topic(
        "freelist",
        "free list",
        "the next object, what a free stores, the rest",
        "§2.8",
        "freelist.py",
        freelist.make,
    ),
    Topic("metadata", "metadata word", "used, head and link after calls", "§2.8", "metaslab.py", metadata.make),
    Topic("superslab", "superslab", "the next slab; head, used and next", "§2.8", "superslab.py", superslab.make),
    Topic("pagemap", "page map", "bytes, jumps, an object's start", "§2.4", "pagemap.py", pagemap.make),
    Topic(
        "queue",
        "queue",
        "front, back, what comes home, the next object",
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
    """Yield questions ``start``, ``start + 1``, ... without end.

    Args:
        name: a topic's, or ``all`` for all of them in turn.
        seed: any number; another one gives other questions.
        start: the first one's number, 1 or more.

    Raises:
        KeyError: when there is no such topic.
    """
    topics = _LISTED if name == ALL else (TOPICS[name],)
    for turn in count(start - 1):
        rounds, which = divmod(turn, len(topics))
        yield topics[which].question(seed, rounds + 1)
