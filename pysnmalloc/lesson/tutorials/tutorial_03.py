"""Judges of tutorial 3: superslabs, medium slabs, page map (§2.4, §2.7, §2.8).

A judge first lays out the objects one by one, and then generates from this layout the
bytes that the answer receives.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

JUMP = 64


class Entries:
    """The bytes of a page map, with a count of the reads."""

    def __init__(self, chunk_bits: int, *objects: int) -> None:
        """Lay out consecutive objects from chunk 3 on; ``objects`` holds log2 of the number of chunks of each."""
        self.entries = [0, 1, 2]
        self.reads = 0
        for bits in objects:
            self.entries.append(chunk_bits + bits)
            for m in range(bits):
                self.entries += [JUMP + chunk_bits + m] * 2**m

    def __call__(self, chunk: int) -> int:
        """Return the byte of a chunk, or 0 if there is none."""
        self.reads += 1
        return self.entries[chunk] if 0 <= chunk < len(self.entries) else 0

    def __deepcopy__(self, _memo: object) -> Entries:
        """Return the object itself, so that reads through a copy are counted too."""
        return self

    def __repr__(self) -> str:
        return "read"


@exercise("3.1")
def _start_chunk(answer: object) -> Iterator[Trouble | str]:
    """Try every chunk of a few objects; the number of ones in the distance limits the number of jumps."""
    for chunk_bits, objects in ((13, (3,)), (20, (0, 2, 5)), (24, (8, 3))):
        start = 3
        for bits in objects:
            for distance in range(2**bits):
                entries = Entries(chunk_bits, *objects)
                yield from call(answer, "start_chunk", entries, start + distance, chunk_bits, wanted=start)
                enough = f"{distance:b}".count("1") + 1
                if entries.reads > enough:
                    yield (
                        f"`start_chunk(read, {start + distance}, {chunk_bits})` reads {entries.reads} bytes of the "
                        f"page map; {enough} are enough for a chunk at distance {distance} from the start. "
                        "Does it jump as far as the byte says?"
                    )
            start += 2**bits


def _next_bytes(count: int, free: list[int]) -> list[int]:
    """Return the ``next`` byte of each slab for a given list of free slabs; slabs in use have stale values."""
    nexts = [0 if index in free else 3 for index in range(count)]
    for own, following in zip(free, [*free, 0][1:], strict=True):
        steps = following - own if following > own else following - own + count
        nexts[own] = steps - 1
    return nexts


@exercise("3.2")
def _free_slabs(answer: object) -> Iterator[Trouble | str]:
    """Try a fresh superslab, and superslabs whose slabs have been taken and returned."""
    for count, free in (
        (8, [1, 2, 3, 4, 5, 6, 7]),
        (8, [4, 2, 5, 6, 7]),
        (8, [7]),
        (8, [3]),
        (8, []),
        (8, [7, 6, 5, 4, 3, 2, 1]),
        (64, [9, 63, 1, 30, 31]),
        (256, [200, 255, 17]),
    ):
        yield from call(answer, "free_slabs", free[0] if free else 0, _next_bytes(count, free), wanted=free)


@exercise("3.3")
def _object_start(answer: object) -> Iterator[Trouble | str]:
    """Try the first, middle and last byte of objects, which are laid out from the slab's end."""
    for slab, slab_size, size in ((0x32400, 1 << 10, 224), (0x50000, 1 << 14, 48), (0x1230000, 1 << 16, 5120)):
        starts = [slab + slab_size - size]
        while starts[-1] - size >= slab:
            starts.append(starts[-1] - size)
        for start in (starts[1], starts[0], starts[-1]):
            for inside in (0, size // 2, size - 1):
                yield from call(answer, "object_start", start + inside, size, slab_size, wanted=start, addresses=(0,))


@exercise("3.4")
def _fresh_stack(answer: object) -> Iterator[Trouble | str]:
    """Try classes of three configurations; the objects are laid out from the chunk's end."""
    for chunk_size, page_size, sizes in (
        (1 << 13, 1 << 8, (1536, 2048, 2560, 7168)),
        (1 << 20, 1 << 12, (196608, 262144, 917504)),
        (1 << 24, 1 << 12, (3 << 20, 4 << 20)),
    ):
        for size in sizes:
            stack = list[int]()
            at = chunk_size - size
            while at >= page_size:
                stack.insert(0, at >> 8)
                at -= size
            yield from call(answer, "fresh_stack", chunk_size, page_size, size, wanted=stack)
