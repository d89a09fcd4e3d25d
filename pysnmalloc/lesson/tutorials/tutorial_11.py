"""Judges of tutorial 11, what came after the paper (§2.2, §2.8)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from ..judging import Open, Trouble, Wanted, attempt, call, exercise, shown
from ..material.driven import Driven
from ..material.linked import Place
from ..material.signed import Keys, Memory, signature, signed

__all__: list[str] = []  # a judge is found by the number of its exercise

SLABS: tuple[Place, ...] = ((240, 112, 1024), (0, 16, 1024), (256, 256, 4096))
FILLED = "t" * 99 + "p" * 98 + "t" * 99
SEEDS = range(2)

BATCHES: tuple[tuple[list[int], int, str], ...] = (
    ([], 2, "There is nothing to send."),
    ([1], 2, "At the end, all messages are closed, and thereby sent."),
    ([1, 1, 1], 1, "All three objects are of one slab, so they travel in one message."),
    ([0, 0], 1, "Both objects are of slab 0, so they travel in one message."),
    ([1, 2], 2, "Each slab has a message of its own."),
    ([1, 2, 1, 2], 2, "Both messages stay open, so the last two objects join them."),
    ([1, 2, 1, 2], 1, "Only one message can be open, so each object closes the one before."),
    ([1, 2, 2, 3, 1], 2, "Slab 3 closes the longest message, that of slab 2, so the last object joins that of slab 1."),
    ([1, 2, 3, 2], 2, "Two messages are the longest. Slab 3 closes only the one opened first, that of slab 1."),
    ([2, 1, 3, 1], 2, "Two messages are the longest. Slab 3 closes only the one opened first, that of slab 2."),
    ([1, 2, 2, 1, 3, 2], 2, "Two messages are the longest. Slab 3 closes only the one opened first, that of slab 1."),
    ([1, 1, 2, 3, 1, 4, 1], 2, "Slab 1 opens a second message, which starts with one object."),
    ([7, 7, 7, 7, 7, 7, 7, 7], 3, "All objects are of one slab, so they travel in one message."),
    ([*range(16), *range(16)], 16, "All 16 messages stay open."),
)
"""The slabs of the freed objects, the number of rings, and what the case shows."""

NOTEBOOK = Keys(0x5DEECE66D1234567, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
OTHERS = Keys(0x0123456789ABCDEF, 0xFEDCBA9876543210, 0xD1B54A32D192ED03)
ADDRESSES = (48, 96, 144, 192, 240)
SCATTERED = (192, 48, 240, 96, 16, 144)


@exercise("11.1")
def _port(answer: object) -> Iterator[Trouble]:
    """Fill a slab, almost empty it and refill it; call at random; go on with another slab again and again."""
    if not isinstance(answer, type):
        kind = "a function" if hasattr(answer, "__code__") else f"an instance of `{type(answer).__name__}`"
        yield Trouble(f"the answer must be the class `Port`, but this is {kind}. Pass the class, without parentheses.")
        return
    if words := _unwritten(answer):
        yield Trouble(words)
        return
    for place in SLABS:
        for letters in (FILLED, *(_at_random(seed, "ttp") for seed in SEEDS)):
            yield from Driven(answer, place).run(letters)
    for place in SLABS[:2]:
        yield from Driven(answer, place).run("tm" * 9 + "pmpmptmtm" + _at_random(1, "ttpm"))


def _at_random(seed: int, letters: str) -> str:
    """Return calls in an order that is the same each time."""
    return "".join(random.Random(seed).choices(letters, k=60))


def _unwritten(answer: type) -> str:
    """Return words about a method that the class lacks, or nothing.

    Raises:
        Open: if both are the stub.
    """
    for name in ("take", "put"):
        if not hasattr(answer, name):
            return f"`Port` has no method `{name}`."
        if not callable(getattr(answer, name)):
            return f"`{name}` of `Port` is {shown(getattr(answer, name))}, and not a method."
    stubs = [name for name, *arguments in (("take",), ("put", 240)) if _is_stub(answer, str(name), *arguments)]
    if len(stubs) == 2:
        raise Open
    return f"`{stubs[0]}` is still to be written." if stubs else ""


def _is_stub(answer: type, name: str, *arguments: object) -> bool:
    """Return whether a method of a new slab returns ``...``, or says that it is not implemented."""
    try:
        slab, failed = attempt(answer, *SLABS[0])
        return not failed and attempt(getattr(slab, name), *arguments) == (..., "")
    except Open:
        return True


@exercise("11.2")
def _batches(answer: object) -> Iterator[Trouble]:
    """Try small cases that show one thing each, and then many objects."""
    lots = random.Random(11)
    mixed = [([lots.randrange(6) for _ in range(40)], rings, "") for rings in (2, 3, 5)]
    for slabs, rings, why in (*BATCHES, *mixed):
        yield from call(answer, "batches", slabs, rings, wanted=_messages(slabs, rings), why=why)


def _messages(slabs: Sequence[int], rings: int) -> int:
    """Compute the right answer with a list of open messages, oldest first."""
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
    return closed + len(messages)


@exercise("11.3")
def _corrupt(answer: object) -> Iterator[Trouble]:
    """Try intact lists, and lists with one word overwritten at a known place."""
    for memory, head, keys, wanted, why in (*_known(), *_scattered()):
        arguments = memory, head, keys.link, keys.at, keys.following
        told = Wanted(wanted, f"{wanted}: {why}")
        yield from call(answer, "corrupt", *arguments, wanted=told, addresses=(2, 3, 4))


def _known() -> Iterator[tuple[Memory, int, Keys, int, str]]:
    """Yield lists with the keys of the notebook, and what is wrong with each."""
    intact, key = signed(ADDRESSES, NOTEBOOK), NOTEBOOK.link
    again = signature(NOTEBOOK, 96, 192)
    top, low = intact[144][1] ^ 1 << 63, intact[144][1] ^ 1
    for memory, wanted, why in (
        (signed((48,), NOTEBOOK), 0, "it is the only object"),
        (intact, 0, "nothing in the list was changed"),
        (intact.damaged(96, link=0x41414141 ^ key), 96, "its link leads to 0x41414141, which is no object"),
        (intact.damaged(96, link=240 ^ key), 96, "its link skips two objects and leads to 240"),
        (intact.damaged(48, link=144 ^ key), 48, "its link skips an object and leads to 144"),
        (intact.damaged(144, link=0), 144, "its link was overwritten with 0, without the key"),
        (intact.damaged(144, signature=0), 96, "the signature in its successor is 0"),
        (intact.damaged(144, signature=top), 96, "the highest bit of the signature in its successor was changed"),
        (intact.damaged(144, signature=low), 96, "the lowest bit of the signature in its successor was changed"),
        (intact.damaged(240, link=48 ^ key), 240, "its link leads back to the first object"),
        (intact.damaged(192, signature=again), 144, "its successor was freed again, after 96"),
        (intact.damaged(240, link=240 ^ key), 240, "its link leads to itself"),
        (intact.without(192), 144, "its successor is no object"),
        (intact.damaged(240, signature=1).damaged(96, link=192 ^ key), 96, "its link is the first of two errors"),
        (intact.damaged(48, signature=1), 0, "the list is correct, since no object vouches for the first"),
    ):
        yield memory, 48, NOTEBOOK, wanted, why


def _scattered() -> Iterator[tuple[Memory, int, Keys, int, str]]:
    """Yield lists that are in no order, with other keys, and what is wrong with each."""
    head, _, third, *_ = SCATTERED
    begins = f"the list begins at its argument `head`, which is {head}"
    intact = signed(SCATTERED, NOTEBOOK, shuffled=True)
    yield intact, head, NOTEBOOK, 0, f"nothing was changed, and {begins}"
    skipping = intact.damaged(head, link=third ^ NOTEBOOK.link)
    yield skipping, head, NOTEBOOK, head, f"its link skips an object, and {begins}"
    others = "these keys are not those of the notebook"
    intact = signed(SCATTERED, OTHERS, shuffled=True)
    yield intact, head, OTHERS, 0, f"nothing was changed, and {others}"
    long = random.Random(3).sample(range(16, 241, 16), 15)
    intact = signed(long, OTHERS, shuffled=True)
    yield intact.damaged(long[-1], signature=2), long[0], OTHERS, long[-2], "the signature in the last object is 2"
