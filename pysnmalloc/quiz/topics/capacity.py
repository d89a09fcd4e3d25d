"""Questions on slabs of a size class: where the first object is, and how many objects fit (§2.7, §2.8)."""

from __future__ import annotations

from ...config import PAPER
from ...sizeclass import sizeclass_table, sizeclass_to_size
from ..question import Dice, Form, Problem, mistakes

__all__ = ["capacity", "first_object", "medium"]

TABLE = sizeclass_table(PAPER)
HEADER = PAPER.superslab_header
SLABS = (
    f"In the paper's configuration, a slab has {PAPER.slab_size:,} bytes, a chunk {PAPER.chunk_size:,} bytes and a "
    f"page {PAPER.page_size:,} bytes. The first slab of a superslab, the short slab, starts with a header of "
    f"{HEADER:,} bytes."
)


def _slab_class(dice: Dice) -> tuple[int, bool]:
    """Return a small class, and whether to ask about the short slab, which only smaller classes may use."""
    short = dice.below(2) == 1
    return dice.between(2, TABLE.short_max_sizeclass if short else PAPER.num_small - 12), short


def _kind(short: bool) -> str:
    return "the short slab" if short else "a full-length slab"


def first_object(dice: Dice, _level: int) -> Problem:
    """Where is the first object of a slab?"""
    sizeclass, short = _slab_class(dice)
    size = sizeclass_to_size(sizeclass)
    answer = TABLE.first_head(sizeclass, short=short) - 1
    over = (PAPER.slab_size - short * HEADER) % size
    room = f"({PAPER.slab_size:,} - {HEADER:,})" if short else f"{PAPER.slab_size:,}"
    return Problem(
        setting=SLABS,
        section="§2.8",
        asked=f"In {_kind(short)} with objects of {size:,} bytes, what is the offset of the first object?",
        answer=answer,
        steps=(
            "The last object ends flush with the slab's end; the remainder stays unused in front of the first object.",
            f"{room} mod {size:,} = {over:,}."
            + (f" With the header in front: {HEADER:,} + {over:,} = {answer:,}." if short else ""),
        ),
        mistakes=mistakes(
            answer,
            (0 if not short else HEADER, "The objects do not start at the front: they end flush with the slab's end."),
            (answer + 1, "That is the head of a fresh slab, the bump pointer plus 1; the object is 1 lower."),
            (PAPER.slab_size % size, "That is for a full-length slab; the short slab starts with the header."),
            (over, "That is the remainder; add the header, which comes first."),
            (-(-HEADER // size) * size if short else None, "Objects are aligned to the slab's end, not to its start."),
        ),
    )


def capacity(dice: Dice, _level: int) -> Problem:
    """How many objects does a slab hold?"""
    sizeclass, short = _slab_class(dice)
    size = sizeclass_to_size(sizeclass)
    answer = TABLE.capacity(sizeclass, short=short)
    room = PAPER.slab_size - short * HEADER
    other = TABLE.capacity(sizeclass, short=not short)
    return Problem(
        setting=SLABS,
        section="§2.8",
        asked=f"How many objects of {size:,} bytes does {_kind(short)} hold?",
        answer=answer,
        steps=(
            f"The room for objects is {PAPER.slab_size:,} - {HEADER:,} = {room:,} bytes."
            if short
            else f"The room for objects is the whole slab, {room:,} bytes.",
            f"{room:,} / {size:,}, rounded down, is {answer}.",
        ),
        mistakes=mistakes(
            answer,
            (other if sizeclass <= TABLE.short_max_sizeclass else None, f"That is the number for {_kind(not short)}."),
            (-(-room // size), "That is rounded up, but the last object does not fit."),
            ((room - 16) // size, "The list node takes no room of its own: it lies in free memory."),
        ),
    )


def medium(dice: Dice, _level: int) -> Problem:
    """Medium slabs: how many objects, and where is the first?"""
    sizeclass = dice.between(PAPER.num_small, PAPER.num_sizeclasses - 1)
    size, slots = sizeclass_to_size(sizeclass), TABLE.capacity(sizeclass)
    start = PAPER.chunk_size - slots * size
    asks_start = dice.below(2) == 1
    answer = start if asks_start else slots
    known = (
        (
            (PAPER.page_size, "The objects do not start right after the header: they end flush with the chunk's end."),
            (PAPER.chunk_size % size, "The header counts as a page, which costs an object here."),
        )
        if asks_start
        else (
            (PAPER.chunk_size // size, "The header counts as a page of 4,096 bytes, which costs an object here."),
            (slots + 1, "That is rounded up, but the last object does not fit."),
            (slots - 1, "One too few: the header takes a page, not an object."),
        )
    )
    slab = f"a medium slab with objects of {size:,} bytes"
    asked = f"In {slab}, what is the first object's offset in the chunk?" if asks_start else f"How many fit in {slab}?"
    return Problem(
        setting=SLABS,
        section="§2.7",
        asked=asked,
        answer=answer,
        form=Form.WORD if asks_start else Form.DECIMAL,
        steps=(
            "The header counts as one page: "
            f"({PAPER.chunk_size:,} - {PAPER.page_size:,}) / {size:,}, rounded down, is {slots}.",
            f"The last object ends with the chunk: {PAPER.chunk_size:,} - {slots} * {size:,} = {start:,} ({start:#x}).",
        ),
        mistakes=mistakes(answer, *known),
    )
