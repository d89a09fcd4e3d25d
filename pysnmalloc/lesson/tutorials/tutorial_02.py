"""Judges of tutorial 2, a slab (§2.8).

A case states which objects of a slab are free, and its bytes are generated from that
statement. The judge thus never does the work of an answer. What it adds to a wrong result
follows from the result and the statement alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..compared import compared
from ..judging import Trouble, call, exercise
from ..material.slabs import Case
from ..source import forbidden
from ..values import shown

__all__: list[str] = []  # a judge is found by the number of its exercise

ELSEWHERE = 0x32BF0  # the node of another slab, in the last 16 bytes of that slab
YOURSELF = "Write the function without the library: its arguments are all that it needs."

CASES = (
    Case(224, (), 0x80),
    Case(224, (), 0x320),
    Case(224, (0x80,), 0x160),
    Case(224, (0x240, 0x80), 0x320),
    Case(224, (0x160,), 1024),
    Case(224, (0x320, 0x160), 1024),
    Case(64, (0x3C0, 0x0, 0x200), 1024),
    Case(16, (0x40, 0x20, 0x30), 0x60),
    Case(16, (), 0x3E0),  # the last 16 bytes hold the node, and are an object all the same
    Case(16, (0x40, 0x3F0), 1024),
    Case(1024, (), 0),
    Case(1024, (0,), 1024),
    Case(1792, (0xB00, 0x400), 0x1200, slab_size=1 << 13),
)
LARGER = tuple(
    case.larger(bits)
    for bits in (1, 6)
    for case in (Case(224, (), 0x240), Case(224, (), 0x320), Case(224, (0x320, 0x80, 0x240), 1024))
)
FULL = (
    Case(224, (), 1024),
    Case(224, (), 1024, old_links=True, last_node=0x160),
    *(Case(224, (), 1024).larger(bits) for bits in range(1, 7)),
)
BEHIND = (
    Case(224, (0x240, 0x160), 0x320, prev=ELSEWHERE),
    Case(224, (0x160,), 1024, prev=ELSEWHERE),
    Case(224, (0x160,), 1024, prev=0x40240),  # in this slab, an object begins at 0x240
    Case(16, (0x40, 0x3F0), 1024, prev=ELSEWHERE),  # the last object holds the node, and no bump space is left
)

WIDTHS = {"used": 16, "head": 16, "link": 16, "the size class": 8, "next": 8}  # in bits, from the lowest up
WORDS = (
    (2, 0x241, 0x3F0, 10, 0),
    (4, 0x3FF, 0x3F0, 10, 7),
    (4096, 0xFFFF, 0xFFF0, 43, 254),
    (0, 0, 0, 0, 0),
)
ONES = tuple((1 << width) - 1 for width in WIDTHS.values())


@exercise("2.1")
def _fields(answer: object) -> Iterator[Trouble | str]:
    """Try words in which each field is distinct, then words in which one field is all ones or all others are."""
    yield from forbidden(answer, library=YOURSELF)
    for fields in WORDS:
        yield from _split(answer, fields)
    for number in range(len(WIDTHS)):
        yield from _split(answer, tuple(ones if at == number else 0 for at, ones in enumerate(ONES)))
        yield from _split(answer, tuple(0 if at == number else ones for at, ones in enumerate(ONES)))


def _split(answer: object, fields: tuple[int, ...]) -> Iterator[Trouble]:
    """Try the word that has these fields."""
    word, at = 0, 0
    for field, width in zip(fields, WIDTHS.values(), strict=True):
        word, at = word | field << at, at + width
    yield from call(answer, "fields", word, wanted=fields, addresses=(0,), why=partial(_told_of_fields, fields))


def _told_of_fields(fields: tuple[int, ...], got: object) -> str:
    """Say which fields are wrong, and from which bits they come."""
    if not isinstance(got, tuple) or not all(type(each) is int for each in got):
        return ""
    if len(got) != len(fields):
        return f"The word has {len(fields)} fields, not {len(got)}."
    wrong, low = [], 0
    for name, width, right, field in zip(WIDTHS, WIDTHS.values(), fields, got, strict=True):
        if field != right:
            wrong.append(f"{name} (bits {low} to {low + width - 1})")
        low += width
    if sorted(got) == sorted(fields) and wrong:
        return "The fields are right, but their order is not."
    return f"Wrong: {', '.join(wrong)}." if wrong else ""


@exercise("2.2")
def _take(answer: object) -> Iterator[Trouble | str]:
    """Try slabs that are not full."""
    yield from forbidden(answer, library=YOURSELF)
    for case in (*CASES, *LARGER):
        after = case.entries[1] if case.freed else case.bump + case.size + 1
        wanted = (case.free[0], after if len(case.free) > 1 else case.slab_size - 1)
        arguments = (case.slab, case.entries[0], case.size)
        why = partial(_told_of_taken, case, wanted)
        yield from call(answer, "take", *arguments, wanted=wanted, addresses=(1,), why=why)


def _told_of_taken(case: Case, wanted: tuple[int, int], got: object) -> str:
    """Say which of the two numbers is wrong, and what it would mean; then describe the slab."""
    told = ""
    if isinstance(got, tuple) and len(got) == 2 and all(type(each) is int for each in got) and got != wanted:
        taken, head = got
        if got == wanted[::-1]:
            told = "The object comes first, and then the new head. "
        elif taken != wanted[0]:
            told = f"{shown(taken, True)} is not the object that malloc takes. "
        else:
            told = f"The object is right, but the new head is not: {_meaning(case, wanted[1], head)}. "
    return told + case.words


def _meaning(case: Case, wanted: int, head: int) -> str:
    """Say what a wrong new head would mean."""
    if wanted == case.slab_size - 1:
        return f"no object is left, so head must be the end mark {wanted:#x}"
    if head == case.slab_size - 1:
        return f"{head:#x} is the end mark, but objects are left"
    if not 0 <= head < case.slab_size:
        return f"{shown(head, True)} lies outside the slab"
    if head & 1 == wanted & 1:
        return f"{head:#x} is another " + ("bump pointer" if head & 1 else "object")
    if head & 1:
        return f"{head:#x} is odd, a bump pointer, but the next object was freed"
    return f"{head:#x} is even, the offset of a freed object, but the next object was never allocated"


@exercise("2.3")
def _free_objects(answer: object) -> Iterator[Trouble | str]:
    """Try the same slabs, full slabs, and slabs that are not the first on their list."""
    yield from forbidden(answer, library=YOURSELF)
    for case in (*CASES, *FULL, *BEHIND, *LARGER):
        arguments = (case.slab, case.entries[0], case.link, case.size)
        why = partial(_told_of_free, case)
        yield from call(answer, "free_objects", *arguments, wanted=case.free, addresses=(1, 2), why=why)


def _told_of_free(case: Case, got: object) -> str:
    """Say what is missing and what is not free; then describe the slab."""
    told = compared(got, case.free, "free object", base_16=True)
    return f"{told} {case.words}" if told else case.words
