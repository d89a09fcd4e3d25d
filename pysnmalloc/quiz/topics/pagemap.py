"""Questions on the page map: bytes of large objects, and the jumps back to a start (§2.4).

The heap is of the paper's smaller configuration, of chunks of 1 MiB: a chunk's
number is then all of an address but its last five digits.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...config import PAPER_1MIB
from ...heap import Heap
from ...pagemap import JUMP, PageMap
from ..question import Dice, Form, Problem, mistakes

__all__ = ["make"]

CONFIG = PAPER_1MIB.replace(number_bits=6)  # a few allocators, so that chunk 1 is the first
BITS = CONFIG.chunk_bits
RESERVE = 72 << BITS
SETTING = (
    f"Chunks have 1 MiB (2^{BITS} bytes), so chunk c starts at address c * 0x10_0000. In the page map, L(n) stands at "
    "the first chunk of a large object of 2^n chunks, and J(m) at its others."
)


@dataclass(frozen=True)
class _Large:
    """A large object of a real heap.

    Attributes:
        first: its first chunk's number.
        log: log2 of its chunks.
        size: bytes that were asked for.
        entries: the page map's bytes of all its chunks.
    """

    first: int
    log: int
    size: int
    entries: tuple[int, ...]

    def jump(self, index: int) -> int:
        """Return m of the J(m) of a chunk of the object, not the first."""
        return self.entries[index] - JUMP - BITS

    def path(self, index: int) -> list[int]:
        """Return the chunks on the way to the start, by index in the object, ends included."""
        path = [index]
        while path[-1]:
            path.append(path[-1] - (1 << self.jump(path[-1])))
        return path


def make(dice: Dice, level: int) -> Problem:
    """Make up a problem: a few objects for a start, then the one that is asked about."""
    with Heap(CONFIG, reserve=RESERVE, fast=False) as heap:
        allocator = heap.acquire(number=1)
        for _ in range(dice.below(4)):
            allocator.malloc(1 << BITS + dice.below(3))
        bits = BITS + dice.between(2 + (level > 2), min(5, 2 + level))
        size = (1 << bits) - dice.below(1 << bits - 1)
        address = allocator.malloc(size)
        pagemap = PageMap(heap.memory, CONFIG, heap.layout)
        first, log = address >> BITS, bits - BITS
        large = _Large(first, log, size, tuple(pagemap.get(first + i << BITS) for i in range(1 << log)))
    makers = {1: (_entry,), 2: (_entry, _landing), 3: (_jumps, _landing), 4: (_byte, _jumps, _chunks)}
    return dice.pick(makers.get(level, (_start, _byte, _jumps)))(dice, large)


def _inside(dice: Dice, large: _Large) -> int:
    """A chunk of the object, not the first, by index."""
    return dice.between(2, len(large.entries) - 1)


def _state(large: _Large) -> tuple[str, ...]:
    return (f"chunk {large.first} holds L({large.log})",)


def _why(large: _Large, index: int) -> str:
    """Say why a chunk has its m."""
    m = large.jump(index)
    return (
        f"Chunk {large.first + index} is {index} behind the start; 2^{m} = {1 << m} is the largest power of two "
        f"not above {index}, so J({m})."
    )


def _entry(dice: Dice, large: _Large) -> Problem:
    """Which m does a chunk have?"""
    index = _inside(dice, large)
    answer = large.jump(index)
    return Problem(
        setting=SETTING,
        state=_state(large),
        asked=f"Chunk {large.first + index} holds J(m). What is m?",
        answer=answer,
        steps=(_why(large, index),),
        mistakes=mistakes(
            answer,
            (index, "That is how far the start is; m is log2 of a jump that is not longer than that."),
            (1 << answer, "That is the jump in chunks, 2^m; m is its log2."),
            (answer + 1, "That jump would go past the start: round log2 down."),
            ((large.first + index).bit_length() - 1, "Count from the object's start, not from chunk 0."),
            (answer + BITS, "So it is in the byte, in bytes; J(m) counts chunks."),
            (large.log, "That is n of L(n), the whole object."),
        ),
    )


def _landing(dice: Dice, large: _Large) -> Problem:
    """Where does one jump lead?"""
    index = _inside(dice, large)
    after, m = large.path(index)[1], large.jump(index)
    answer = large.first + after
    return Problem(
        setting=SETTING,
        state=_state(large),
        asked=f"To which chunk does one jump from chunk {large.first + index} lead?",
        answer=answer,
        steps=(_why(large, index), f"{large.first + index} - {1 << m} = {answer}."),
        mistakes=mistakes(
            answer,
            (large.first, "A jump leads back at least half of the way, not always to the start."),
            (large.first + index - m, "The jump is 2^m chunks, not m."),
            (large.first + index - (2 << m), "That jump would go past the start."),
            (large.first + index - 1, "Chunk by chunk would be linear; J(m) jumps 2^m chunks."),
            (after, "That counts from the object's start; the chunk's number is wanted."),
        ),
    )


def _jumps(dice: Dice, large: _Large) -> Problem:
    """How many jumps lead to the start?"""
    index = _inside(dice, large)
    path = large.path(index)
    answer = len(path) - 1
    way = " -> ".join(str(large.first + i) for i in path)
    return Problem(
        setting=SETTING,
        state=_state(large),
        asked=f"How many jumps lead from chunk {large.first + index} to the object's start?",
        answer=answer,
        steps=(
            _why(large, index),
            f"And so on: {way}.",
            f"{index} is {index:b} in binary; each jump clears its highest 1, of which there are {answer}.",
        ),
        mistakes=mistakes(
            answer,
            (answer + 1, "That counts the bytes that are read; the last one is L(n), which jumps no more."),
            (index, "Chunk by chunk would be linear; J(m) jumps 2^m chunks."),
            (index.bit_length(), "At most so many; each jump clears one 1 of the distance, and zeroes need none."),
            (index.bit_length() - 1, "That is m of the first jump."),
            (1, "One jump leads to the start only from a power of two of chunks behind it."),
        ),
    )


def _chunks(_dice: Dice, large: _Large) -> Problem:
    """How many chunks does a request take?"""
    size, answer = large.size, len(large.entries)
    need = -(-size >> BITS)
    return Problem(
        setting=SETTING,
        calls=(f"p = malloc({size:#_x})",),
        asked="How many chunks of address space does the object take?",
        answer=answer,
        section="§2.5",
        steps=(
            f"{size:#_x} bytes are more than {need - 1} chunks.",
            f"Rounded up to a power of two: {answer}, so L({large.log}). Only the pages in use are committed.",
        ),
        mistakes=mistakes(
            answer,
            (need, "Enough for the bytes, but large objects take a power of two of chunks."),
            (answer // 2, "Too small: the power of two is rounded up."),
            (large.log, "That is n of L(n), the log2."),
        ),
    )


def _byte(dice: Dice, large: _Large) -> Problem:
    """What is in the map as a byte?"""
    index = 0 if dice.below(4) == 0 else _inside(dice, large)
    answer = large.entries[index]
    m = large.log if index == 0 else large.jump(index)
    rule = f"L(n) is kept as n + {BITS}" if index == 0 else f"J(m) is kept as {JUMP} + m + {BITS}"
    return Problem(
        setting=f"{SETTING} As bytes, both count log2 of bytes, not of chunks, and a jump has {JUMP} added.",
        state=_state(large),
        asked=f"What is the byte of chunk {large.first + index}?",
        answer=answer,
        steps=(*((_why(large, index),) if index else ()), f"{rule}: {answer}."),
        mistakes=mistakes(
            answer,
            (m, "That counts chunks; the byte has log2 of bytes."),
            (JUMP + m, f"That counts chunks; the byte has log2 of bytes: {BITS} more."),
            (BITS + m, f"A jump has {JUMP} added, to tell it from a start."),
            (answer + 1 if index else None, "That jump would go past the start."),
            (BITS + large.log, "That is the byte of the first chunk."),
        ),
    )


def _start(dice: Dice, large: _Large) -> Problem:
    """Where does the object around an address start, as the map tells?"""
    index = _inside(dice, large)
    address = (large.first + index << BITS) + dice.below(1 << BITS)
    path = large.path(index)
    shown = sorted({*path, index - 1, index // 2} - {0})
    answer = large.first << BITS
    return Problem(
        setting=SETTING,
        state=tuple(f"chunk {large.first + i} holds J({large.jump(i)})" for i in shown),
        asked=f"At which address does the object around {address:#_x} start? Its first chunk is not shown.",
        answer=answer,
        form=Form.WORD,
        steps=(
            f"{address:#_x} is in chunk {address >> BITS}, the address without its last five digits.",
            "The jumps: " + " -> ".join(str(large.first + i) for i in path) + f", where L({large.log}) is.",
            f"{large.first} * 0x10_0000 = {answer:#_x}.",
        ),
        mistakes=mistakes(
            answer,
            (large.first, "That is the chunk's number; its address has five digits more."),
            (large.first + path[1] << BITS, "That is one jump. Go on until the byte is no J."),
            (large.first + index << BITS, "That is the chunk around the address; the object starts before it."),
            (address - (path[0] - path[-1] << BITS), "The start of an object is the start of a chunk."),
        ),
    )
