"""Questions on the page map: bytes of large objects, and the jumps back to a start (§2.4).

The heap has the paper's smaller configuration, with chunks of 1 MiB, so a chunk's
number is an address without its last five hexadecimal digits.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...config import PAPER_1MIB
from ...heap import Heap
from ...pagemap import JUMP, PageMap
from ..question import Dice, Form, Problem, mistakes

__all__ = ["make"]

CONFIG = PAPER_1MIB.replace(number_bits=6)  # few allocators, so that chunk 1 is the first
BITS = CONFIG.chunk_bits
RESERVE = 72 << BITS
SETTING = (
    f"A chunk has 1 MiB (2^{BITS} bytes), so chunk c starts at address c * 0x10_0000. In the page map, the first chunk "
    "of a large object of 2^n chunks has the entry L(n), and each other chunk has an entry J(m)."
)


@dataclass(frozen=True)
class _Large:
    """A large object of a real heap.

    Attributes:
        first: number of its first chunk.
        log: log2 of its number of chunks.
        size: bytes requested.
        entries: the page map's bytes of all its chunks.
    """

    first: int
    log: int
    size: int
    entries: tuple[int, ...]

    def jump(self, index: int) -> int:
        """Return m of the entry J(m) of a chunk other than the first."""
        return self.entries[index] - JUMP - BITS

    def path(self, index: int) -> list[int]:
        """Return the chunks on the way to the start, by index in the object, both ends included."""
        path = [index]
        while path[-1]:
            path.append(path[-1] - (1 << self.jump(path[-1])))
        return path


def make(dice: Dice, level: int) -> Problem:
    """Create a problem: allocate a few objects, then the object in question."""
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
    """Return the index of a chunk other than the first."""
    return dice.between(2, len(large.entries) - 1)


def _state(large: _Large) -> tuple[str, ...]:
    return (f"chunk {large.first} has L({large.log})",)


def _why(large: _Large, index: int) -> str:
    """Explain the m of a chunk."""
    m = large.jump(index)
    return (
        f"Chunk {large.first + index} is {index} chunks past the start; 2^{m} = {1 << m} is the largest power of two "
        f"not above {index}, so the entry is J({m})."
    )


def _entry(dice: Dice, large: _Large) -> Problem:
    """Which m does a chunk have?"""
    index = _inside(dice, large)
    answer = large.jump(index)
    return Problem(
        setting=SETTING,
        state=_state(large),
        asked=f"Chunk {large.first + index} has J(m). What is m?",
        answer=answer,
        steps=(_why(large, index),),
        mistakes=mistakes(
            answer,
            (index, "That is the distance to the start; m is log2 of a jump no longer than that."),
            (1 << answer, "That is the jump in chunks, 2^m; m is its log2."),
            (answer + 1, "That jump would go past the start: round log2 down."),
            ((large.first + index).bit_length() - 1, "Count from the object's start, not from chunk 0."),
            (answer + BITS, "That is the value in the byte, which counts bytes; J(m) counts chunks."),
            (large.log, "That is n of L(n), which describes the whole object."),
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
            (large.first, "A jump covers more than half the way, but not always all of it."),
            (large.first + index - m, "The jump is 2^m chunks, not m."),
            (large.first + index - (2 << m), "That jump would go past the start."),
            (large.first + index - 1, "Going chunk by chunk would be linear; J(m) jumps 2^m chunks."),
            (after, "That counts from the object's start; the question asks for the chunk's number."),
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
            f"The path is {way}.",
            f"{index} is {index:b} in binary, and each jump clears its highest 1. Number of 1s: {answer}.",
        ),
        mistakes=mistakes(
            answer,
            (answer + 1, "That counts the entries read; the last one is L(n), which does not jump."),
            (index, "Going chunk by chunk would be linear; J(m) jumps 2^m chunks."),
            (
                index.bit_length(),
                "That is only an upper bound: each jump clears one 1 of the distance, and a 0 needs no jump.",
            ),
            (index.bit_length() - 1, "That is m of the first jump."),
            (1, "One jump leads to the start only if the distance is a power of two."),
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
            (need, "That is enough for the bytes, but the number of chunks is rounded up to a power of two."),
            (answer // 2, "Too few: the number of chunks is rounded up, not down."),
            (large.log, "That is n of L(n), the log2 of the answer."),
        ),
    )


def _byte(dice: Dice, large: _Large) -> Problem:
    """Which byte does the map hold?"""
    index = 0 if dice.below(4) == 0 else _inside(dice, large)
    answer = large.entries[index]
    m = large.log if index == 0 else large.jump(index)
    rule = f"L(n) is stored as n + {BITS}" if index == 0 else f"J(m) is stored as {JUMP} + m + {BITS}"
    return Problem(
        setting=f"{SETTING} An entry's byte stores log2 of bytes, not of chunks, plus {JUMP} for a jump.",
        state=_state(large),
        asked=f"What is the byte of chunk {large.first + index}?",
        answer=answer,
        steps=(*((_why(large, index),) if index else ()), f"{rule}: {answer}."),
        mistakes=mistakes(
            answer,
            (m, "That counts chunks; the byte stores log2 of bytes."),
            (JUMP + m, f"That counts chunks; the byte stores log2 of bytes: {BITS} more."),
            (BITS + m, f"A jump has {JUMP} added, which distinguishes it from a start."),
            (answer + 1 if index else None, "That jump would go past the start."),
            (BITS + large.log, "That is the byte of the first chunk."),
        ),
    )


def _start(dice: Dice, large: _Large) -> Problem:
    """Where does the object that contains an address start, according to the map?"""
    index = _inside(dice, large)
    address = (large.first + index << BITS) + dice.below(1 << BITS)
    path = large.path(index)
    shown = sorted({*path, index - 1, index // 2} - {0})
    answer = large.first << BITS
    return Problem(
        setting=SETTING,
        state=tuple(f"chunk {large.first + i} has J({large.jump(i)})" for i in shown),
        asked=(
            f"At which address does the object that contains {address:#_x} start? The entry of its first chunk is not "
            "shown."
        ),
        answer=answer,
        form=Form.WORD,
        steps=(
            f"{address:#_x} is in chunk {address >> BITS}, the address without its last five digits.",
            "The jumps: " + " -> ".join(str(large.first + i) for i in path) + f", which has L({large.log}).",
            f"{large.first} * 0x10_0000 = {answer:#_x}.",
        ),
        mistakes=mistakes(
            answer,
            (large.first, "That is the chunk's number; its address has five more hexadecimal digits."),
            (large.first + path[1] << BITS, "That is only the first jump. Continue until the entry is not a J."),
            (large.first + index << BITS, "That is the chunk that contains the address; the object starts before it."),
            (address - (path[0] - path[-1] << BITS), "A large object starts at the start of a chunk."),
        ),
    )
