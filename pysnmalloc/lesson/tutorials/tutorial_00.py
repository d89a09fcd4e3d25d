"""Judges of tutorial 0, bytes and addresses (§2.9)."""

from __future__ import annotations

from collections.abc import Iterator

from ..judging import Trouble, call, exercise

__all__: list[str] = []

DATA = bytes(range(0, 256, 17))


@exercise("0.1")
def _word_at(answer: object) -> Iterator[Trouble | str]:
    """Try every address of a whole word, aligned ones first; the right answer is summed byte by byte."""
    for address in sorted(range(len(DATA) - 7), key=lambda at: (at % 8 != 0, at)):
        wanted = sum(DATA[address + index] << 8 * index for index in range(8))
        yield from call(answer, "word_at", DATA, address, wanted=wanted, addresses=())


@exercise("0.2")
def _place(answer: object) -> Iterator[Trouble | str]:
    """Try addresses in all configurations; the right answer is computed by division."""
    for chunk_bits, slab_bits in ((13, 10), (20, 14), (24, 16)):
        for address in (0, (1 << chunk_bits) - 1, 5 << chunk_bits, (3 << chunk_bits) + (2 << slab_bits) + 48):
            chunk, inside = divmod(address, 2**chunk_bits)
            slab, offset = divmod(inside, 2**slab_bits)
            wanted = (chunk * 2**chunk_bits, slab, offset)
            yield from call(answer, "place", address, chunk_bits, slab_bits, wanted=wanted, addresses=(0,))
