"""A page map that computes its bytes when they are read, and records which (§2.4).

    Entries(13, 3)      chunk    1   2   3   4   5   6   7   8   9  10
                        byte     1   2  16  77  78  78  79  79  79  79

The objects lie one behind the other from chunk 3 on, so they start at any chunk. A map of many
millions of chunks takes no memory.
"""

from __future__ import annotations

__all__ = ["JUMP", "Entries"]

JUMP = 64
"""Added to log2 of the jump's bytes."""

LISTED = 9
"""So many bytes of an object are listed in a message."""


class Entries:
    """The bytes of a page map, computed when they are read.

    Attributes:
        reads: the chunks whose bytes were read.
    """

    FIRST = 3
    """The chunk of the first large object; chunks 1 and 2 are a superslab and a medium slab."""

    def __init__(self, chunk_bits: int, *objects: int) -> None:
        """Lay out large objects from chunk 3 on, wherever that is; ``objects`` has log2 of each one's chunks."""
        self.reads: list[int] = []
        self.chunk_bits = chunk_bits
        self.objects: list[tuple[int, int]] = []
        start = self.FIRST
        for bits in objects:
            self.objects.append((start, bits))
            start += 1 << bits

    def byte(self, chunk: int) -> int:
        """Return the byte of a chunk, or 0 if there is none."""
        for start, bits in self.objects:
            if start < chunk < start + (1 << bits):
                return JUMP + self.chunk_bits + max(m for m in range(bits) if 1 << m <= chunk - start)
            if chunk == start:
                return self.chunk_bits + bits
        return chunk if chunk in (1, 2) else 0

    def way(self, chunk: int) -> list[int]:
        """Return the chunks on the way to the start of an object: clear the ones of the distance, highest first."""
        found = [max(start for start in (1, 2, *dict(self.objects)) if start <= chunk)]
        distance = chunk - found[0]
        for m in range(distance.bit_length()):
            if distance >> m & 1:
                found.insert(0, found[0] + (1 << m))
        return found

    def words(self, chunk: int) -> str:
        """Return a sentence about the object that contains a chunk."""
        if chunk < self.FIRST:
            return f"Chunk {chunk} is {'a superslab' if chunk == 1 else 'a medium slab'}."
        start, bits = max(each for each in self.objects if each[0] <= chunk)
        listed = ", ".join(str(self.byte(start + distance)) for distance in range(min(1 << bits, LISTED)))
        return f"The bytes of this object, from its first chunk on: {listed}{', ...' if 1 << bits > LISTED else ''}."

    def __call__(self, chunk: int) -> int:
        """Return the byte of a chunk, and remember the chunk."""
        self.reads.append(chunk)
        return self.byte(chunk)

    def __deepcopy__(self, _memo: object) -> Entries:
        """Return the object itself, so that reads through a copy are counted too."""
        return self

    def __repr__(self) -> str:
        return "read"
