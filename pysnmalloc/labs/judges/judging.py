"""What the judges of all labs need: their names, and what an exercise forbids in a file (§2.6).

@judge("sizes")          registers the judge of a milestone
loops(source, "...")     the first loop of a file: it is read here, and not run
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from ...lesson.judging import Trouble
from ..arc import milestone
from ..process.student import Student
from ..variants import Variant

__all__ = ["JUDGES", "Judge", "judge", "loops"]

Judge = Callable[[Student, Variant], Iterator[Trouble | str]]
"""A function that receives a student's file in its process, and the student's variant, and yields errors."""

JUDGES: dict[str, Judge] = {}
"""The judges by the name of their milestone."""

LOOPS = ast.For | ast.While | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def judge(name: str) -> Callable[[Judge], Judge]:
    """Register the judge of a milestone.

    Raises:
        UnknownMilestone: if there is no such milestone.
    """

    def enter(each: Judge) -> Judge:
        JUDGES[milestone(name).name] = each
        return each

    return enter


def loops(source: str, why: str) -> Iterator[Trouble]:
    """Yield an error if a file has a loop, a comprehension or a function that calls itself.

    Args:
        source: the text of the file, which compiles.
        why: why there must be none, as a sentence.
    """
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = [(node.lineno, "has a loop") for node in ast.walk(tree) if isinstance(node, LOOPS)]
    found += [
        (node.lineno, f"calls `{function.name}` again, which is a loop too")
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function.name
    ]
    if found:
        line, what = min(found)
        yield Trouble(f"your line `{source.splitlines()[line - 1].strip()}` {what}. {why}")
