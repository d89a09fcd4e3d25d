"""The tutorials: worked solutions are right, answers that are often wrong are refused in words, stubs are open.

A cell is run as plain Python, one after the other. The explorer names steps by their source lines, so a cell's source
is left where Python looks for it, as a kernel does.
"""

from __future__ import annotations

import ast
import linecache
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from pysnmalloc.lesson import check
from pysnmalloc.lesson.verdict import State

TUTORIALS = sorted(Path(__file__).parents[1].glob("tutorials/[0-9][0-9]_*.md"))
CELL = re.compile(r"^```\{code-cell\} python\n(?P<tags>(?::[^\n]*\n)*)(?P<source>.*?)^```$", re.MULTILINE | re.DOTALL)
SOLUTION = re.compile(
    r"^````\{dropdown\} Solution of (?P<number>[\d.]+)\n(?P<body>.*?)^````$", re.MULTILINE | re.DOTALL
)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r'^check\("(?P<number>[\d.]+)", (?P<name>\w+)\)$', re.MULTILINE)


class Exercise(NamedTuple):
    """An exercise as its page has it."""

    number: str
    name: str
    stub: str
    right: str
    wrong: tuple[str, ...]


def exercises(text: str) -> list[Exercise]:
    """The exercises of a tutorial, in order."""
    stubs = [cell["source"] for cell in CELL.finditer(text) if "answer" in cell["tags"]]
    blocks = {found["number"]: BLOCK.findall(found["body"]) for found in SOLUTION.finditer(text)}
    checks = list(CHECK.finditer(text))
    assert len(stubs) == len(checks) == len(blocks)
    pairs = zip(checks, stubs, strict=True)
    return [
        Exercise(each["number"], each["name"], stub, blocks[each["number"]][0], tuple(blocks[each["number"]][1:]))
        for each, stub in pairs
    ]


def run(source: str, names: dict[str, object]) -> None:
    """Run a cell; what it ends in is asked for its HTML, as a notebook does."""
    file = f"<cell {hash(source):x}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    cell = ast.parse(source)
    last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, file, "exec"), names)
    if isinstance(last, ast.Expr):
        shown = eval(compile(ast.Expression(last.value), file, "eval"), names)
        if hasattr(shown, "_repr_html_"):
            shown._repr_html_()


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_answers_get_the_verdict_that_the_page_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = exercises(text)
    assert 2 <= len(found) <= 4
    names: dict[str, object] = {"__name__": "__main__"}
    for cell in CELL.finditer(text):
        run(cell["source"], names)
    for each in found:
        assert each.wrong, f"{each.number} shows no answer that is often wrong"
        wanted = ((each.stub, State.OPEN), (each.right, State.RIGHT), *((wrong, State.WRONG) for wrong in each.wrong))
        told = set()
        for source, state in wanted:
            mine = dict(names)
            run(source, mine)
            verdict = check(each.number, mine[each.name])
            assert verdict.state is state, f"{source}\n{verdict}"
            told.add(verdict.words)
        assert len(told) == len(wanted), f"{each.number}: two answers are told the same"
