"""Questions on the 64 bits of metadata of a slab: the fields, and how calls change them (§2.8)."""

from __future__ import annotations

from ..question import Dice, Form, Problem, mistakes
from ..slabs import FULL, SLAB_SIZE, SlabBench, SlabState, Step

__all__ = ["make"]

CALLS = {2: 1, 3: 2, 4: 4, 5: 6}  # number of calls by level; level 1 reads the word as it is
PLACES = {"used": "0 to 15", "head": "16 to 31", "link": "32 to 47", "sizeclass": "48 to 55", "next": "56 to 63"}
DECIMAL = ("used", "sizeclass", "next")


def make(dice: Dice, level: int) -> Problem:
    """Create a problem."""
    with SlabBench.prepared(dice, room=0) as bench:
        return _read(bench, dice) if level == 1 else _called(bench, dice, level)


def _form(field: str) -> Form:
    return Form.DECIMAL if field in DECIMAL else Form.OFFSET


def _word(state: SlabState) -> str:
    """Format the word with all 16 digits."""
    digits = f"{state.word:016x}"
    return "metadata word  0x" + "_".join(digits[at : at + 4] for at in range(0, 16, 4))


def _setting(bench: SlabBench) -> str:
    return f"A slab of {SLAB_SIZE:,} bytes holds objects of {bench.size} bytes."


def _read(bench: SlabBench, dice: Dice) -> Problem:
    """Read a field."""
    state = bench.state()
    field = dice.pick(("used", "head", "link", "sizeclass"))
    value: int = getattr(state.fields, field)
    others = [(name, getattr(state.fields, name)) for name in PLACES if name != field]
    return Problem(
        setting=_setting(bench),
        state=(_word(state),),
        asked=f"What is {field}?",
        answer=value,
        form=_form(field),
        steps=(
            "The fields from the low bits up: used (16 bits), head (16), link (16), sizeclass (8), next (8).",
            f"{field} is in bits {PLACES[field]}: {value:#x} = {value}.",
        ),
        mistakes=mistakes(
            value,
            *((other, f"That is {name}, in bits {PLACES[name]}.") for name, other in others),
            (state.word >> 48, "That is read from the high end; the fields start at the low bits."),
            (
                (value >> 8 | value << 8) & 0xFFFF,
                "The two bytes are swapped: a number is written with its high byte first.",
            ),
            (
                value - 1 if field == "head" and value & 1 and not state.full else None,
                "The question asks for the field itself, with its mark.",
            ),
        ),
    )


def _called(bench: SlabBench, dice: Dice, level: int) -> Problem:
    """Work out a field after calls."""
    first = bench.state()
    bench.play(dice, CALLS[level], fill=True)
    state = bench.state()
    field = dice.pick(("used", "head", "head", "head", "link", "link"))
    value: int = getattr(state.fields, field)
    full = f" In a full slab, head is -1: {FULL:#05x} in the bits of an offset." if field == "head" else ""
    return Problem(
        setting=f"{_setting(bench)} Its metadata word and its free list, as offsets, are:",
        state=(_word(first), f"free list      {first.drawn()}"),
        calls=tuple(step.call for step in bench.steps),
        asked=f"What is {field} afterwards?{full}",
        answer=value,
        form=_form(field),
        steps=(*(step.told(bench.size) for step in bench.steps), *_why(first, state, field)),
        mistakes=_mistakes(bench.steps, first, state, field),
        also=(-1,) if field == "head" and value == FULL else (),
    )


def _why(first: SlabState, state: SlabState, field: str) -> tuple[str, ...]:
    """Return the last step, for fields that the steps of the calls do not mention."""
    if field == "used":
        return (f"used was {first.fields.used}; each malloc adds 1, and each free subtracts 1.",)
    if field == "link":
        where = (
            "in the slab's last 16 bytes, because the slab has never been full"
            if state.fields.link == SLAB_SIZE - 16
            else "in the object that was freed first after the slab was full"
        )
        return (f"link is the offset of the list node, which is {where}: {state.fields.link:#05x}.",)
    return ()


def _mistakes(steps: list[Step], first: SlabState, state: SlabState, field: str) -> dict[int, str]:
    """Return the known mistakes about a field after calls."""
    now, before = state.fields, first.fields
    freed = [step.offset for step in steps if not step.taken]
    if field == "used":
        mallocs = sum(step.taken for step in steps)
        return mistakes(
            now.used,
            (before.used, "That was used before the calls."),
            (before.used + mallocs, "Each free subtracts 1."),
            (
                before.used - mallocs + len(freed),
                "That is the wrong way round: used counts allocated objects, not free ones.",
            ),
            (before.used + 2 * mallocs - 2 * len(freed), "In a slab, used counts by one; in a superslab, by two."),
        )
    if field == "head":
        return mistakes(
            now.head,
            (
                state.bump if not state.freed else None,
                "That is the bump pointer; head holds it plus 1, so head is odd.",
            ),
            (now.link, "That is link, the offset of the list node; head tells where the next object is."),
            (SLAB_SIZE + 1 if state.full else None, "A bump pointer at the slab's end becomes -1: no space is left."),
            (SLAB_SIZE if state.full else None, "A bump pointer at the slab's end becomes -1: no space is left."),
            (
                0 if state.full else None,
                "The head of a full slab is -1, not 0: 0 is a valid offset in a full-length slab.",
            ),
            (before.head, "That was head before the calls."),
            (steps[-1].before.head, "That was head before the last call."),
            (state.entries[1] if len(state.entries) > 1 else None, "That is the second entry of the free list."),
        )
    return mistakes(
        now.link,
        (now.head, "That is head, which tells where the next object is; link is the offset of the list node."),
        (before.link, "link moved: when a full slab gets its first object back, the node moves into that object."),
        (SLAB_SIZE - 16, "The last 16 bytes hold the node only until the slab is full for the first time."),
        (freed[-1] if freed else None, "A free moves the node only if the slab was full."),
    )
