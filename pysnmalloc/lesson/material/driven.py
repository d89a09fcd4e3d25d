"""A slab of an answer's class, driven beside the right one, with old values, other slabs and moves (§2.8).

    Driven ──► take, put, take ... ──► the answer's Port      its results, its fields, and its words
                                  └──► Linked                 what they must be

The law: a program writes into the objects that it has, so a slab's words are full of old values. A slab's
state is in four fields, so a slab that has got the four fields of another goes on in its place.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, MutableSequence, Sequence
from typing import Protocol, cast

from ..judging import Trouble, attempt, call
from ..verdict import Case
from .linked import FIELDS, Fields, Linked, Place, fields_of

__all__ = ["Driven"]

OTHERS: tuple[Place, ...] = ((240, 112, 1024), (0, 16, 1024))
MARK = 0xFFFF
MOVED = (
    " Before this, `used`, `head`, `link` and `words` were copied to another `Port`, which goes on. They are all that "
    "a slab consists of."
)


Step = tuple[str, int, tuple[int, ...]]
"""What was done: take, put, write or move; an offset; and the words that were written."""


class Slab(Protocol):
    """What an answer's slab has."""

    used: int
    head: int
    link: int
    words: MutableSequence[int]


def _named(place: Place) -> str:
    """Return the call that builds a slab."""
    return f"Port({', '.join(map(str, place))})"


class Again:
    """All that was done with a slab, to be done again with a new one.

    Args:
        answer: the class.
        steps: what was done.
        result: whether to return what the last call returns, and not the slab.
    """

    def __init__(self, answer: type, steps: tuple[Step, ...], result: bool) -> None:
        self._answer, self._steps, self._result = answer, steps, result

    def __call__(self, *place: int) -> object:
        """Build a slab, and do all of it again."""
        slab = returned = self._answer(*place)
        for name, offset, words in self._steps:
            if name == "write":
                _write(slab, offset, words)
            elif name == "move":
                slab = _moved(self._answer, place, slab)
            else:
                returned = getattr(slab, name)(*([offset] if name == "put" else []))
        return returned if self._result else slab


def _write(slab: Slab, offset: int, words: Sequence[int]) -> None:
    """Write words into a slab, from an offset on."""
    start = offset >> 1
    kind = getattr(slab.words, "typecode", getattr(slab.words, "format", ""))  # of an array, of a memoryview
    slab.words[start : start + len(words)] = array(kind, words) if kind else list(words)


def _moved(answer: type, place: Sequence[int], slab: Slab) -> Slab:
    """Return a new slab that has the four fields of another."""
    new = cast(Slab, answer(*place))
    new.used, new.head, new.link = slab.used, slab.head, slab.link
    _write(new, 0, list(slab.words[: place[2] >> 1]))
    return new


class Driven:
    """An answer's slab, the right one, and all that was done with both.

    Args:
        answer: the class.
        place: the slab's place.
    """

    def __init__(self, answer: type, place: Place) -> None:
        self._answer, self._place = answer, place
        self._right = Linked(place)
        self._lots = random.Random(sum(place))
        self._told: list[str] = []
        self._steps: list[Step] = []
        self._moved = ""
        self._slab: object = None
        self._fields = self._others = Fields(0, 0, 0, [])
        self._other: object = None
        self._other_place = next(each for each in OTHERS if each != place)

    def run(self, letters: str) -> Iterator[Trouble]:
        """Make the calls that are possible, and yield the errors.

        Args:
            letters: t to take an object, p to put one back, m to go on with another slab.
        """
        yield from self._build()
        for letter in letters:
            if letter == "t" and self._right.node is not None:
                taken, why = self._right.take()
                yield from self._called("take", wanted=taken, why=why)
                yield from self._write(taken, taken + self._place[1], [MARK, 0, 1, *self._right.objects])
            elif letter == "p" and len(self._right.live) > 1:
                offset = self._lots.choice(self._right.live)
                self._right.put(offset)
                yield from self._called("put", offset, wanted=None)
            elif letter == "m":
                yield from self._move()

    def _build(self) -> Iterator[Trouble]:
        """Make the slab, fill its words with old values, and make another slab."""
        self._slab, failed = attempt(self._answer, *self._place)
        if failed:
            yield Trouble(f"`{_named(self._place)}` {failed}.", Case(self._answer, "Port", self._place))
        self._told.append(_named(self._place))
        yield from self._compare()
        yield from self._write(0, self._place[2], [MARK, *self._right.objects])
        self._other, failed = attempt(self._answer, *self._other_place)
        others = fields_of(self._other, self._other_place[2])
        if failed or isinstance(others, str):
            yield Trouble(f"`{_named(self._other_place)}` {failed or others}.")
            return
        self._others = others
        yield from self._shared(self._slab, self._place, self._fields, _named(self._other_place))

    def _called(self, method: str, *arguments: int, wanted: object, why: str = "") -> Iterator[Trouble]:
        """Call a method; compare its result, the fields, the words in use, and the other slab."""
        asked = f"{method}({', '.join(map(str, arguments))})"
        self._steps.append((method, sum(arguments), ()))
        name = self._so_far(method)
        for trouble in call(getattr(self._slab, method), name, *arguments, wanted=wanted, why=why):
            yield self._trouble(trouble.words, result=True)
        self._told.append(asked)
        before = self._fields.words
        yield from self._compare()
        if damage := self._right.damage(before, self._fields.words, wanted):
            yield self._trouble(f"`{self._so_far()}` {damage}.")
        yield from self._shared(self._other, self._other_place, self._others, asked)

    def _compare(self) -> Iterator[Trouble]:
        """Read the fields, and compare them with the right ones."""
        fields = fields_of(self._slab, self._place[2])
        if isinstance(fields, str):
            yield self._trouble(f"after `{self._so_far()}`: {fields}.")
            return
        self._fields = fields
        for error in self._right.errors(fields):
            yield self._trouble(f"after `{self._so_far()}`: {error}.")

    def _shared(self, slab: object, place: Place, before: Fields, what: str) -> Iterator[Trouble]:
        """Yield an error if a call on one slab has changed another."""
        after = fields_of(slab, place[2])
        for name in FIELDS:
            if isinstance(after, str) or getattr(after, name) != getattr(before, name):
                yield Trouble(f"`{what}` changes `{name}` of another `Port`. Does each `Port` have its own?")
                return

    def _write(self, start: int, end: int, values: Sequence[int]) -> Iterator[Trouble]:
        """Write values into the words, as a program does that has the object there."""
        words = tuple(self._lots.choices(values, k=end - start >> 1))
        self._steps.append(("write", start, words))
        try:
            _write(cast(Slab, self._slab), start, words)
        except Exception as error:
            yield self._trouble(
                f"`words` must hold 16-bit words that can be set, but to set one to {words[0]} raises "
                f"{type(error).__name__}: {error}."
            )
        self._fields.words[start >> 1 : end >> 1] = words

    def _move(self) -> Iterator[Trouble]:
        """Go on with another slab that has the four fields of this one."""
        self._steps.append(("move", 0, ()))
        self._slab, failed = attempt(_moved, self._answer, self._place, self._slab)
        if failed:
            yield Trouble(f"`used`, `head`, `link` and `words` must be fields that can be set, but to do so {failed}.")
        self._moved = MOVED

    def _so_far(self, *now: str) -> str:
        """Return the last few calls as text."""
        built, *calls = [*self._told, *now]
        return "; ".join([built, *(["..."] if len(calls) > 4 else []), *calls[-4:]])

    def _trouble(self, words: str, *, result: bool = False) -> Trouble:
        """Return an error, with a case that does everything again.

        Args:
            words: the error.
            result: whether the error is in the result of the last call, and not in the slab.
        """
        again = Again(self._answer, tuple(self._steps), result)
        return Trouble(f"{words}{self._moved}", Case(again, "Port", self._place))
