"""Answers that students give, wrong and right ones, as the pages beside this module have them.

One page for each tutorial, ``NN.md``. Its first block runs before each answer. Then, for each exercise::

    ## 4.2 pop

    Kinds that cannot apply: changes (all arguments are numbers); library (nothing else pops)

    ### wrong: nothing is popped
    Kind: constant
    Says: "returns 0"

    (a block with the answer)

    ### right: recursion in place of a loop

    (a block with the answer)

``Kind`` says which kind of mistake it is, and ``Says`` which words the verdict contains: those that name the fault.
"""

from __future__ import annotations

import linecache
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["DEMANDED", "FOLDER", "KINDS", "Answer", "Exercise", "defined", "exercises_of", "pages"]

FOLDER: Final = Path(__file__).parent
DEMANDED: Final = ("constant", "nothing", "ignores", "visible", "less", "more", "library", "state", "changes")
"""The kinds that each exercise has, unless its page says why one cannot apply."""

KINDS: Final = {
    *DEMANDED,
    *("endless", "raises", "type", "memory", "unsafe", "stuck", "count", "order", "shape", "other"),
}
BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise.

    Attributes:
        number: the number of the exercise.
        name: the name that is checked.
        title: what the answer does, in words.
        right: whether it is right.
        kinds: the kinds of its mistake.
        says: words that its verdict contains.
        before: what runs before it.
        source: the answer.
    """

    number: str
    name: str
    title: str
    right: bool
    kinds: frozenset[str]
    says: tuple[str, ...]
    before: str
    source: str

    def __str__(self) -> str:
        return f"{self.number}-{'right' if self.right else 'wrong'}-{self.title}"

    def run(self) -> object:
        """Run the answer as a notebook's cell, and return what it defines."""
        return defined(self.before, self.source)[self.name]


@dataclass(frozen=True)
class Exercise:
    """An exercise with its answers.

    Attributes:
        number: its number.
        name: the name that is checked.
        cannot: the kinds that cannot apply, each with the reason.
        answers: the answers.
    """

    number: str
    name: str
    cannot: dict[str, str]
    answers: tuple[Answer, ...]

    @property
    def kinds(self) -> set[str]:
        """The kinds of its wrong answers."""
        return {kind for answer in self.answers for kind in answer.kinds}


def defined(*sources: str) -> dict[str, object]:
    """Run cells one after the other, as a notebook does, and return what they define. Python finds their source."""
    names: dict[str, object] = {"__name__": "__main__"}
    for source in sources:
        file = f"<cell {hash(source):x}>"
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        exec(compile(source, file, "exec"), names)
    return names


def pages() -> list[Path]:
    """Return the pages, in the order of their tutorials."""
    return sorted(FOLDER.glob("[0-9][0-9].md"))


def exercises_of(page: Path) -> list[Exercise]:
    """Return the exercises of a page.

    Raises:
        ValueError: if a part of it is in no form that this module knows.
    """
    top, *sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    before = "".join(BLOCK.findall(top))
    return [_exercise(section, before, page) for section in sections]


def _exercise(section: str, before: str, page: Path) -> Exercise:
    """Read an exercise."""
    top, *parts = re.split(r"^### ", section, flags=re.MULTILINE)
    title, _, rest = top.partition("\n")
    number, _, name = title.strip().partition(" ")
    cannot = {}
    for line in rest.splitlines():
        words, colon, kinds = line.partition("Kinds that cannot apply:")
        if colon and not words:
            cannot = dict(re.findall(r"(\w+) \(((?:[^()]|\([^()]*\))+)\)", kinds))
        elif line.strip():
            raise ValueError(f"{page.name}, {number}: {line!r} is neither a kind nor an answer")
    answers = tuple(_answer(part, number, name, before, page) for part in parts)
    if len({answer.title for answer in answers}) < len(answers):
        raise ValueError(f"{page.name}, {number}: two answers have the same title")
    return Exercise(number, name, cannot, answers)


def _answer(part: str, number: str, name: str, before: str, page: Path) -> Answer:
    """Read an answer."""
    heading, _, body = part.partition("\n")
    side, _, title = heading.partition(": ")
    blocks = BLOCK.findall(body)
    if side not in ("right", "wrong") or len(blocks) != 1:
        raise ValueError(
            f"{page.name}, {number}: {heading!r} is not right or wrong, or has {len(blocks)} blocks, not one"
        )
    lines = body.partition("```")[0].splitlines()
    kinds = {kind.strip() for line in lines if line.startswith("Kind: ") for kind in line[6:].split(",")}
    says = tuple(line[7:-1] for line in lines if re.fullmatch(r'Says: ".+"', line))
    if known := [line for line in lines if line and not line.startswith(("Kind: ", 'Says: "'))]:
        raise ValueError(f"{page.name}, {number}, {title}: {known[0]!r} is neither a kind nor what the verdict says")
    return Answer(number, name, title, side == "right", frozenset(kinds), says, before, blocks[0])
