"""Judges of tutorial 0, bytes and addresses (§2.9).

The right answers need no decoding: the judge of 0.1 sums a word byte by byte, and the judge of 0.2 makes each
address from the three numbers that the answer must find.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from ..judging import Trouble, call, exercise

__all__: list[str] = []

COUNTED = bytes(range(1, 17))
OLD = random.Random(29).randbytes(400)

WORDS = (  # data, addresses, and what these words show
    (COUNTED, (0,), "The byte at the address is the least significant byte of the word."),
    (COUNTED, range(1, 8), "An address need not be a multiple of 8."),
    (COUNTED, (8,), "The word ends where `data` ends."),
    (bytes.fromhex("0500000000000000"), (0,), "The bytes are those of `data`, which differs from call to call."),
    (COUNTED[:11], range(4), "`data` may have any length from 8 on."),
    (bytes.fromhex("80ffffffffffffff80"), (0,), "A word has no sign: its highest bit counts like any other bit."),
    (OLD, range(7, len(OLD) - 7, 35), f"`data` has {len(OLD)} bytes, so an address can be larger than 255."),
)


@exercise("0.1")
def _word_at(answer: object) -> Iterator[Trouble | str]:
    """Try every address of several data, easy ones first; the right answer is summed byte by byte."""
    for data, addresses, why in WORDS:
        for address in addresses:
            wanted = sum(data[address + index] << 8 * index for index in range(8))
            yield from call(answer, "word_at", data, address, wanted=wanted, addresses=(), why=why)


class Place(NamedTuple):
    """A position in a configuration, and what it shows."""

    chunk_bits: int
    slab_bits: int
    chunk: int  # its index, counted from address 0
    slab: int
    offset: int
    why: str


def _edges(chunk_bits: int, slab_bits: int) -> Iterator[Place]:
    """Yield the first and last bytes of a configuration's chunks and slabs, and the first and last addresses."""
    last, end = 2 ** (chunk_bits - slab_bits) - 1, 2**slab_bits - 1
    for chunk, slab, offset, why in (
        (5, 0, 0, "This is the first byte of a chunk."),
        (3, last, end, "This is the last byte of a chunk."),
        (4, last // 2, 0, "This is the first byte of a slab."),
        (4, last // 2, end, "This is the last byte of a slab."),
        (0, 0, 0, "Address 0 is in a chunk and in a slab as well."),
        (2 ** (64 - chunk_bits) - 1, last, end, "An address may have 64 bits."),
    ):
        yield Place(chunk_bits, slab_bits, chunk, slab, offset, why)


def _places() -> Iterator[Place]:
    """Yield positions: the address 0x6830 in several configurations, and the edges of three."""
    sizes = "In this call, a chunk has 2 to the power of {} bytes, and a slab has 2 to the power of {}."
    yield Place(13, 10, 3, 2, 48, "Chunk 3 starts at 0x6000, and its slab 2 at 0x6800.")
    yield from _edges(13, 10)
    yield Place(20, 14, 0, 1, 0x2830, sizes.format(20, 14))
    yield Place(12, 12, 6, 0, 0x830, "A chunk may consist of a single slab.")
    for chunk_bits, slab_bits in ((24, 16), (16, 4)):
        for place in _edges(chunk_bits, slab_bits):
            yield place._replace(why=f"{place.why} {sizes.format(chunk_bits, slab_bits)}")


@exercise("0.2")
def _place(answer: object) -> Iterator[Trouble | str]:
    """Try positions in several configurations; each address is made from the right answer."""
    for chunk_bits, slab_bits, chunk, slab, offset, why in _places():
        start = chunk * 2**chunk_bits
        address = start + slab * 2**slab_bits + offset
        wanted = (start, slab, offset)
        yield from call(answer, "place", address, chunk_bits, slab_bits, wanted=wanted, addresses=(0,), why=why)
