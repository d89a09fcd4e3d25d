"""Judges of tutorial 7, the remote cache: a radix tree in time (§2.2, Figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ..judging import Trouble, call, exercise

__all__: list[str] = []

FREED: tuple[tuple[int, list[int], int], ...] = (
    (16, [9, 5, 1, 5, 2], 2),  # Figure 1
    (9, [7, 5, 1, 5], 2),  # Figure 2
    (42, [46, 10, 58, 43, 26, 41, 10, 40], 2),
    (42, [number for number in range(63, 0, -1) if number != 42], 2),
    (70, [6, 134, 5, 198, 6], 6),
    (5, [1, 4, 7, 21], 1),
    (3, [], 2),
)
"""The allocator that posts, the targets of its messages, and the bits per round."""


@exercise("7.1")
def _bucket(answer: object) -> Iterator[Trouble | str]:
    """Try numbers written in base 2^k; the right answer is a digit."""
    for allocator_bits, k, digits in ((11, 2, (1, 2, 0)), (11, 6, (33, 5, 60)), (11, 2, (3, 3, 1)), (12, 3, (6, 0, 7))):
        number = sum(digit * (2**k) ** place for place, digit in enumerate(digits))
        for round, digit in enumerate(digits):
            yield from call(
                answer, "bucket", number * 2**allocator_bits, round, allocator_bits, k, wanted=digit, addresses=(0,)
            )


@exercise("7.2")
def _post(answer: object) -> Iterator[Trouble | str]:
    """Compute without rounds: a message leaves by the lowest k-bit group in which the target's number differs."""
    for own, targets, k in FREED:

        def leaves(target: int, own: int = own, k: int = k) -> tuple[int, int]:
            """Return the round and the bucket in which a message leaves."""
            differ = own ^ target
            round = ((differ & -differ).bit_length() - 1) // k
            return round, target // 2 ** (k * round) % 2**k

        wanted = [list(each) for _, each in groupby(sorted(targets, key=leaves), key=leaves)]
        yield from call(answer, "post", own, targets, k, wanted=wanted)


@exercise("7.3")
def _exchanges(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by freeing one object after another."""
    for count, size, limit in ((8, 16, 128), (203, 16, 128), (44, 48, 200), (5, 16, 0), (3, 224, 128)):
        posts = cached = 0
        for _ in range(count):
            cached += size
            if cached >= limit:
                posts, cached = posts + 1, 0
        yield from call(answer, "exchanges", count, size, limit, wanted=posts + (cached > 0))
