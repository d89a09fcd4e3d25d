"""Judges of tutorial 11, what came after the paper (§2.2, §2.8)."""

from __future__ import annotations

import random
from collections.abc import Iterator, MutableSequence
from functools import partial

from ..judging import Trouble, Wanted, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

MARK = 0xFFFF  # written by a program into its objects
SLABS = ((240, 112, 1024), (0, 16, 1024), (16, 336, 1024), (0, 512, 1024))  # first object, size of each, end

ADDRESSES = (64, 112, 160, 208, 256)
KEYS = (0x5DEECE66D1234567, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
MODULUS = 2**64


class _Slab:
    """The correct slab, as lists: its node, its freed objects, and its fresh objects."""

    def __init__(self, first: int, size: int, end: int) -> None:
        self.objects = range(first, end, size)
        self.node: int | None = first
        self.freed: list[int] = []
        self.fresh = list(self.objects[:0:-1])
        self.live: list[int] = []

    def take(self) -> int:
        """Take freed objects first, then fresh ones, and the node last."""
        node = self.node
        assert node is not None
        if self.freed:
            taken = self.freed.pop()
        elif self.fresh:
            taken = self.fresh.pop()
        else:
            taken, self.node = node, None
        self.live.append(taken)
        return taken

    def put(self, offset: int) -> None:
        """Take back an object; the first that a full slab gets back becomes its node."""
        self.live.remove(offset)
        if self.node is None:
            self.node = offset
        else:
            self.freed.append(offset)


@exercise("11.1")
def _port(answer: object) -> Iterator[Trouble | str]:
    """Fill a slab, almost empty it, refill it; then call at random. Check the law independently after each call."""
    for first, size, end in SLABS:
        yield from _drive(answer, first, size, end, "t" * 99 + "p" * 98 + "t" * 99)
        yield from _drive(answer, first, size, end, "t" * 99 + "ptpt" + "pp" + "t" * 99)
        for seed in range(8):
            yield from _drive(answer, first, size, end, "".join(random.Random(seed).choices("ttp", k=80)))


def _drive(answer: object, first: int, size: int, end: int, calls: str) -> Iterator[Trouble | str]:
    """Make the calls that are possible, and compare each result."""
    if not isinstance(answer, type):
        yield "the answer must be the class `Port`; pass the class, not an instance."
        return
    slab, right, told = answer(first, size, end), _Slab(first, size, end), [f"Port({first}, {size}, {end})"]
    lots = random.Random(first + size)
    for letter in calls:
        if letter == "t" and right.node is not None:
            offset = right.take()
            yield from call(slab.take, _name(told, "take"), wanted=offset)
            for word in range(offset >> 1, offset + size >> 1):
                slab.words[word] = MARK
            told.append("take()")
        elif letter == "p" and len(right.live) > 1:
            offset = lots.choice(right.live)
            right.put(offset)
            yield from call(partial(slab.put, offset), _name(told, f"put({offset}); put"), wanted=None)
            told.append(f"put({offset})")
        else:
            continue
        for trouble in _law(slab, right, first, end):
            yield f"after `{_name(told, '...')}`: {trouble}"


def _name(told: list[str], now: str) -> str:
    """Return the last few calls as text."""
    return "; ".join([told[0], *(["..."] if len(told) > 4 else []), *told[1:][-3:], now])


def _law(slab: object, right: _Slab, first: int, end: int) -> Iterator[Trouble | str]:
    """Yield the errors in the fields of a slab."""
    used, head, link = (getattr(slab, name, None) for name in ("used", "head", "link"))
    words = getattr(slab, "words", None)
    if not all(type(field) is int for field in (used, head, link)) or not isinstance(words, MutableSequence):
        yield f"`used`, `head` and `link` must be numbers, but they are {used!r}, {head!r} and {link!r}."
        return
    assert type(head) is int
    if used != len(right.live):
        yield f"{len(right.live)} objects are allocated, but `used` is {used}."
    if right.node is None:
        if link != 1:
            yield f"the slab is full, so `link` should be 1, but it is {link}."
        return
    if link != right.node:
        yield f"the slab's node is the object at {right.node}, but `link` is {link}."
    listed: list[int] = []
    at = head
    while at % 2 == 0 and first <= at < end and len(listed) <= len(right.objects):
        listed.append(at)
        at = words[at >> 1]
    bump = right.fresh[-1] + 1 if right.fresh else 1
    if listed != right.freed[::-1]:
        yield f"the list of free objects from `head` = {head} is {listed}; it should be {right.freed[::-1]}."
    if at != bump:
        yield f"the list ends in {at}; it should end in {bump}" + (", as no bump space is left." if bump == 1 else ".")


@exercise("11.2")
def _batches(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer with a list of open messages, oldest first."""
    lots = random.Random(11)
    cases = [
        ([], 2),
        ([1], 2),
        ([1, 1, 1], 1),
        ([1, 2, 1, 2], 2),
        ([1, 2, 1, 2], 1),
        ([1, 1, 2, 3, 2, 1], 2),
        ([1, 2, 2, 3, 1, 2], 2),
        ([1, 2, 3, 2, 1], 2),
        *(([lots.randrange(6) for _ in range(40)], rings) for rings in (2, 3, 5)),
    ]
    for slabs, rings in cases:
        messages: list[list[int]] = []  # the open ones, as slab and number of objects
        closed = 0
        for slab in slabs:
            mine = next((each for each in messages if each[0] == slab), None)
            if mine is None:
                if len(messages) == rings:
                    longest = max(count for _, count in messages)
                    messages.remove(next(each for each in messages if each[1] == longest))
                    closed += 1
                mine = [slab, 0]
                messages.append(mine)
            mine[1] += 1
        yield from call(answer, "batches", slabs, rings, wanted=closed + len(messages))


def _signature(at: int, following: int) -> int:
    """Return the signature that the object after ``at`` carries."""
    return (at + KEYS[1]) * (following + KEYS[2]) % MODULUS


class _Memory(dict[int, tuple[int, int]]):
    """A memory, too large to print."""

    def __repr__(self) -> str:
        return "memory"


def _list(order: tuple[int, ...]) -> _Memory:
    """Return a free list in memory."""
    memory, before = _Memory(), 0
    for at, following in zip(order, (*order[1:], 0), strict=True):
        memory[at] = following ^ KEYS[0], _signature(before, at) if before else 0
        before = at
    return memory


def _changed(at: int, link: int | None = None, signature: int | None = None) -> _Memory:
    """Return a list with one word overwritten."""
    memory = _list(ADDRESSES)
    old_link, old_signature = memory[at]
    memory[at] = old_link if link is None else link, old_signature if signature is None else signature
    return memory


@exercise("11.3")
def _corrupt(answer: object) -> Iterator[Trouble | str]:
    """Try intact lists, and lists with one word overwritten at a known place."""
    cases = [
        (_list((64,)), 0, "it is the only object"),
        (_list(ADDRESSES), 0, "nothing in the list was changed"),
        (_changed(112, link=0x41414141 ^ KEYS[0]), 112, "its link leads to 0x41414141, which is no object"),
        (_changed(112, link=256 ^ KEYS[0]), 112, "its link skips two objects and leads to 256"),
        (_changed(160, link=0xDEADBEEF), 160, "its link was overwritten without the key"),
        (_changed(160, signature=0), 112, "the signature in its successor is 0"),
        (_changed(256, signature=1), 208, "the signature in its successor is 1"),
        (_changed(256, link=64 ^ KEYS[0]), 256, "its link leads back to the first object"),
        (_changed(208, signature=_signature(112, 208)), 160, "its successor was freed again, after 112"),
    ]
    for memory, wanted, why in cases:
        yield from call(
            answer, "corrupt", memory, 64, *KEYS, wanted=Wanted(wanted, f"{wanted}: {why}"), addresses=(2, 3, 4)
        )
