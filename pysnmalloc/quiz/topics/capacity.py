"""Questions on slabs of a size class: where the first object lies, how many there are (§2.7, §2.8)."""

from __future__ import annotations

from ...config import PAPER
from ...sizeclass import sizeclass_table, sizeclass_to_size
from ..question import Dice, Form, Problem, mistakes

__all__ = ["capacity", "first_object", "medium"]

TABLE = sizeclass_table(PAPER)
HEADER = PAPER.superslab_header
SLABS = (
    f"The paper's configuration: slabs of {PAPER.slab_size:,} bytes, of which a superslab's first, the short slab, "
    f"starts with a header of {HEADER:,} bytes; chunks of {PAPER.chunk_size:,} bytes; pages of {PAPER.page_size:,}."
)


def _slab_class(dice: Dice) -> tuple[int, bool]:
    """A small class, and whether to ask for the short slab, which only smaller ones may use."""
    short = dice.below(2) == 1
    return dice.between(2, TABLE.short_max_sizeclass if short else PAPER.num_small - 12), short


def _kind(short: bool) -> str:
    return "the short slab" if short else "a full-length slab"


def first_object(dice: Dice, _level: int) -> Problem:
    """Where does a slab's first object lie?"""
    sizeclass, short = _slab_class(dice)
    size = sizeclass_to_size(sizeclass)
    answer = TABLE.first_head(sizeclass, short=short) - 1
    over = (PAPER.slab_size - short * HEADER) % size
    room = f"({PAPER.slab_size:,} - {HEADER:,})" if short else f"{PAPER.slab_size:,}"
    return Problem(
        setting=SLABS,
        section="§2.8",
        asked=f"At which offset in {_kind(short)} is the first object, if objects have {size:,} bytes?",
        answer=answer,
        steps=(
            "The last object ends flush with the slab's end; what does not divide is left out at the front.",
            f"{room} mod {size:,} = {over:,}" + (f", behind the header: {answer:,}." if short else "."),
        ),
        mistakes=mistakes(
            answer,
            (0 if not short else HEADER, "Not at the front: the objects end flush with the slab's end."),
            (answer + 1, "That is head of the fresh slab, the bump pointer plus 1; the object is 1 lower."),
            (PAPER.slab_size % size, "That is for a full-length slab; the short one starts with the header."),
            (over, "Right, but behind the header: add it."),
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
            f"Room for objects: {PAPER.slab_size:,} - {HEADER:,} = {room:,}."
            if short
            else f"Room: {room:,}, all of it.",
            f"{room:,} / {size:,}, rounded down: {answer}.",
        ),
        mistakes=mistakes(
            answer,
            (other if sizeclass <= TABLE.short_max_sizeclass else None, f"That is what {_kind(not short)} holds."),
            (-(-room // size), "Rounded up: the last one does not fit."),
            ((room - 16) // size, "The list's node takes no room: it lies in free memory."),
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
            (PAPER.page_size, "Not right behind the header: the objects end flush with the chunk's end."),
            (PAPER.chunk_size % size, "There is the header: a page counts for it, which costs an object here."),
        )
        if asks_start
        else (
            (PAPER.chunk_size // size, "The header counts as a page of 4,096 bytes, which costs an object here."),
            (slots + 1, "Rounded up: the last one does not fit."),
            (slots - 1, "One too few: the header takes a page, not an object."),
        )
    )
    asked = "At which offset in the chunk is the first" if asks_start else "How many fit"
    return Problem(
        setting=SLABS,
        section="§2.7",
        asked=f"A medium slab of objects of {size:,} bytes. {asked}?",
        answer=answer,
        form=Form.WORD if asks_start else Form.DECIMAL,
        steps=(
            "The header counts as one page: "
            f"({PAPER.chunk_size:,} - {PAPER.page_size:,}) / {size:,}, rounded down: {slots}.",
            f"The last one ends with the chunk: {PAPER.chunk_size:,} - {slots} * {size:,} = {start:,} ({start:#x}).",
        ),
        mistakes=mistakes(answer, *known),
    )
