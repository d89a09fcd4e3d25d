"""Judges of tutorial 7, the remote cache: a radix tree in time (§2.2, Figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ..judging import Trouble, call, exercise
from ..source import forbidden

__all__: list[str] = []

NUMBERS = (  # bits of the alignment, k, and an allocator's number: its digits in base 2^k, the lowest first
    (11, 2, (1, 2, 0)),
    (11, 6, (33, 5, 60, 0, 17, 62, 1)),  # 37 bits, the most that the paper has
    (12, 3, (6, 0, 7)),
)

POSTS: tuple[tuple[int, list[int], int, str], ...] = (
    # The allocator that posts, the targets of its messages, the bits per round, and what the case shows.
    (
        16,
        [9, 5, 1, 5, 2],
        2,
        "This is Figure 1: a bucket leaves as one list, whoever its messages are for, in the order in which they were "
        "freed.",
    ),
    (16, [3, 2, 1], 2, "The buckets of a round are sent in ascending order."),
    (
        9,
        [7, 5, 1, 5],
        2,
        "This is Figure 2: 5 and 1 are in the home bucket of round 0, so they wait, and the next two bits decide.",
    ),
    (
        27,
        [63, 11, 59, 26, 43, 8, 15, 11, 3],
        2,
        "Each round has its own home bucket: 27 is 011011, so 3, 63 and 15 leave in round 1.",
    ),
    (70, [6, 774, 33, 10, 9, 17, 6, 8262], 6, "There are 64 buckets, and the index of a bucket is a number."),
    (
        1,
        [(1 << 36) + 1],
        6,
        "The lowest 36 bits of both are the same: nothing leaves in the rounds before the seventh.",
    ),
    (5, [1, 4, 7, 21], 1, "There are two buckets, and one of them is the home bucket."),
    (3, [], 2, "There is nothing to send."),
)

FREES = (  # how many objects, their size, the limit, and what the case shows
    (8, 16, 128, "The objects fill the cache exactly, so nothing is left at the end."),
    (203, 16, 128, "The last objects do not fill the cache, and the post at the end sends them."),
    (44, 48, 193, "A post sends whole objects, all that the cache holds when it reaches the limit."),
    (5, 16, 0, "With a limit of 0, every free posts."),
    (3, 224, 128, "One object alone is more than the limit, and it is sent at once."),
    (7, 16, 1024, "The objects never reach the limit, and the post at the end sends them."),
    (0, 16, 128, "Nothing is freed, so nothing is sent."),
)


@exercise("7.1")
def _bucket(answer: object) -> Iterator[Trouble | str]:
    """Try numbers written in base 2^k; the right answer is a digit."""
    for allocator_bits, k, digits in NUMBERS:
        number = sum(digit * (2**k) ** place for place, digit in enumerate(digits))
        address = number * 2**allocator_bits
        groups = " ".join(f"{digit:0{k}b}" for digit in reversed(digits))
        why = f"{address:#x} is allocator {number}, in groups of {k} bits {groups}."
        for round, digit in enumerate(digits):
            yield from call(answer, "bucket", address, round, allocator_bits, k, wanted=digit, addresses=(0,), why=why)


@exercise("7.2")
def _post(answer: object) -> Iterator[Trouble | str]:
    """Compute without rounds: a message leaves by the lowest k-bit group in which the target's number differs."""
    yield from forbidden(answer, library="The exercise is about plain lists: write the rounds yourself.")
    for own, targets, k, why in POSTS:

        def leaves(target: int, own: int = own, k: int = k) -> tuple[int, int]:
            """Return the round and the bucket in which a message leaves."""
            differ = own ^ target
            round = ((differ & -differ).bit_length() - 1) // k
            return round, target // 2 ** (k * round) % 2**k

        wanted = [list(each) for _, each in groupby(sorted(targets, key=leaves), key=leaves)]
        yield from call(answer, "post", own, targets, k, wanted=wanted, why=why)


@exercise("7.3")
def _exchanges(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by freeing one object after another."""
    yield from forbidden(answer, library="The exercise needs no heap: compute the number from the arguments.")
    for count, size, limit, why in FREES:
        posts = cached = 0
        for _ in range(count):
            cached += size
            if cached >= limit:
                posts, cached = posts + 1, 0
        yield from call(answer, "exchanges", count, size, limit, wanted=posts + (cached > 0), why=why)
