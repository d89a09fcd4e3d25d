"""Judges of tutorial 3: superslabs, medium slabs, page map (§2.4, §2.7, §2.8).

A judge first lays out the objects one by one, and then generates from this layout the
bytes that the answer receives. All other bytes are old values. What it adds to a wrong
result follows from the result and the layout alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..compared import compared
from ..judging import Trouble, call, exercise
from ..material.pagemaps import JUMP, Entries
from ..source import forbidden
from ..values import shown
from ..verdict import Case

__all__: list[str] = []  # a judge is found by the number of its exercise

YOURSELF = "Write the function without the library: its arguments are all that it needs."

MAPS: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = (  # chunk_bits, log2 of objects' chunks, chunks asked
    (13, (3,), tuple(range(3, 11))),
    (13, (1, 3, 0), (1, 2, *range(3, 14))),
    (20, (0, 2, 5), tuple(range(3, 40, 2))),
    (24, (24,), (3 + 0x800000, 3 + 0xFFFFFF)),
    (0, (3, 4), tuple(range(3, 14))),
)


@exercise("3.1")
def _start_chunk(answer: object) -> Iterator[Trouble | str]:
    """Try chunks of several maps; the way to an object's start says which bytes must be read, and how often."""
    yield from forbidden(answer, library=YOURSELF)
    for chunk_bits, objects, chunks in MAPS:
        for chunk in chunks:
            entries = Entries(chunk_bits, *objects)
            way = entries.way(chunk)
            arguments = (entries, chunk, chunk_bits)
            yield from call(
                answer, "start_chunk", *arguments, wanted=way[-1], why=partial(_told_of_start, entries, way[-1])
            )
            if callable(answer) and (odd := _reads(entries.reads, way)):
                words = f"`start_chunk(read, {chunk}, {chunk_bits})` {odd}"
                yield Trouble(words, Case(answer, "start_chunk", arguments))


def _told_of_start(entries: Entries, start: int, got: object) -> str:
    """Say what a wrong chunk is; then list the bytes of the object."""
    told = ""
    if type(got) is int and got < start:
        told = f"Chunk {shown(got)} lies before the object. "
    elif type(got) is int and entries.byte(got) >= JUMP:
        told = f"The byte of chunk {shown(got)} is {entries.byte(got)}, which is a jump. "
    return told + entries.words(start)


def _reads(reads: list[int], way: list[int]) -> str:
    """Return what is wrong with the bytes that were read, or nothing."""
    enough = f"{len(way)} are enough for a chunk at distance {way[0] - way[-1]} from the start"
    twice = next((chunk for chunk in reads if reads.count(chunk) > 1), None)
    outside = next((chunk for chunk in reads if not way[-1] <= chunk <= way[0]), None)
    if outside is not None:
        return f"reads the byte of chunk {outside}, but bytes before the start or after chunk {way[0]} are of no use."
    if twice is not None:
        return f"reads the byte of chunk {twice} more than once: {len(reads)} reads, and {enough}."
    if len(reads) > len(way):
        return f"reads {len(reads)} bytes of the page map; {enough}. Does it jump as far as the byte says?"
    return ""


def _next_bytes(count: int, free: list[int]) -> list[int]:
    """Return the ``next`` byte of each slab for a given list of free slabs; slabs in use have stale values."""
    nexts = [0 if index in free else (5 * index + 3) % count for index in range(count)]
    for own, following in zip(free, [*free, 0][1:], strict=True):
        steps = following - own if following > own else following - own + count
        nexts[own] = steps - 1
    return nexts


SUPERSLABS: tuple[tuple[int, list[int]], ...] = (  # the number of slabs, and the list of the free ones
    (8, [1, 2, 3, 4, 5, 6, 7]),
    (8, [4, 2, 5, 6, 7]),
    (8, []),
    (8, [7, 6, 5, 4, 3, 2, 1]),
    (2, [1]),
    (256, list(range(1, 256))),
)


@exercise("3.2")
def _free_slabs(answer: object) -> Iterator[Trouble | str]:
    """Try a fresh superslab, and superslabs whose slabs have been taken and returned."""
    yield from forbidden(answer, library=YOURSELF)
    for count, free in SUPERSLABS:
        arguments = (free[0] if free else 0, _next_bytes(count, free))
        yield from call(answer, "free_slabs", *arguments, wanted=free, why=partial(_told_of_slabs, count, free))


def _told_of_slabs(count: int, free: list[int], got: object) -> str:
    """Say what is missing and what is not free; then how many slabs there are, if the list may be cut."""
    told = compared(got, free, "free slab")
    if told and isinstance(got, list) and 0 in got:
        told = "Index 0 is the short slab, which is never on the list."
    return " ".join([*([told] if told else []), *([f"This superslab has {count} slabs."] if count != 8 else [])])


SLABS = (  # address, size, and size of an object
    (0x32400, 1 << 10, 224),
    (0x50000, 1 << 14, 48),
    (0x1230000, 1 << 16, 5120),
    (0x32400, 1 << 10, 256),
    (0x7FFF_2350_0000, 1 << 16, 1792),
)


@exercise("3.3")
def _object_start(answer: object) -> Iterator[Trouble | str]:
    """Try bytes of the first and the last objects, which are laid out from the slab's end."""
    yield from forbidden(answer, library=YOURSELF)
    for slab, slab_size, size in SLABS:
        starts = [slab + slab_size - size]
        while starts[-1] - size >= slab:
            starts.append(starts[-1] - size)
        few = slab_size == 1024
        for start in (*starts[1:3], starts[0], starts[-1]) if few else (starts[-1], starts[1]):
            for inside in (0, size // 2, size - 1, 1) if few else (0, size - 1):
                why = partial(_told_of_object, slab, range(starts[-1], slab + slab_size, size), start + inside)
                arguments = (start + inside, size, slab_size)
                yield from call(answer, "object_start", *arguments, wanted=start, addresses=(0,), why=why)


def _told_of_object(slab: int, starts: range, address: int, got: object) -> str:
    """Say what a wrong address is; then where the slab and the address are."""
    start = starts[(address - starts[0]) // starts.step]
    told = ""
    if type(got) is int and got != start:
        side = "after" if got > start else "before"
        told = f"{shown(got, True)} is the start of an object {side} the right one. "
        if got not in starts:
            told = f"No object starts at {shown(got, True)}. "
        if not starts[0] <= got < starts[-1] + starts.step:
            told = f"{shown(got, True)} is not in any object of this slab. "
    return f"{told}The slab begins at {slab:#x}, and the address is byte {address - start} of its object."


CHUNKS = (  # sizes of the chunk and of a page, and classes
    (1 << 13, 1 << 8, (1536, 2048, 7168)),
    (1 << 20, 1 << 12, (196608, 20480)),  # objects of 20480 bytes leave no byte over
    (1 << 24, 1 << 12, (262144,)),
    (1 << 13, 1 << 10, (1536, 2560)),  # with a page of 256 bytes, one more object of 1536 bytes would fit
)


@exercise("3.4")
def _fresh_stack(answer: object) -> Iterator[Trouble | str]:
    """Try classes of four configurations; the objects are laid out from the chunk's end."""
    yield from forbidden(answer, library=YOURSELF)
    for chunk_size, page_size, sizes in CHUNKS:
        for size in sizes:
            stack = list[int]()
            at = chunk_size - size
            while at >= page_size:
                stack.insert(0, at >> 8)
                at -= size
            why = partial(_told_of_stack, chunk_size, page_size, size, stack)
            yield from call(answer, "fresh_stack", chunk_size, page_size, size, wanted=stack, why=why)


def _told_of_stack(chunk_size: int, page_size: int, size: int, stack: list[int], got: object) -> str:
    """Say what is wrong with the objects that a wrong stack lists; then where they are."""
    told = ""
    indices = got if isinstance(got, list) and all(type(each) is int and abs(each) < 1 << 64 for each in got) else []
    if indices and indices != stack:
        first, last = min(indices) << 8, max(indices) << 8
        if first < page_size:
            told = f"An object at byte {first} overlaps the header. "
        elif last + size > chunk_size:
            told = f"An object at byte {last} reaches beyond the chunk. "
        elif last + size < chunk_size:
            told = f"The last object ends at byte {last + size}, not with the chunk. "
        elif len(indices) < len(stack):
            told = f"Another object fits before byte {first}. "
        elif sorted(indices) == stack:
            told = "The elements are right, but their order is not. "
    begins = f"the first of {len(stack)} objects begins at byte {stack[0] << 8}"
    return f"{told}The header ends at byte {page_size}, and {begins}."
