"""Every mutant fits the code: its text stands in its file exactly once, and the test that should notice it exists.

A module that moves or a line that changes would otherwise be noticed only when all mutants are run.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.mutant import Mutant
from tests.mutants import MUTANTS

ROOT = Path(__file__).parents[1]
LINE = Mutant("", "errors.py", "class SnmallocError(Exception):", "", "test_mutants.py::test_a_mutant_fits_the_code")


@cache
def functions_in(file: Path) -> set[str]:
    """The test functions of a file; none if there is no such file."""
    if not file.is_file():
        return set()
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def misfit(mutant: Mutant) -> str:
    """What about a mutant does not fit the code; empty if everything does."""
    path = ROOT / "pysnmalloc" / mutant.module
    if not path.is_file():
        return f"there is no file {mutant.module}"
    times = path.read_text(encoding="utf-8").count(mutant.old)
    if times != 1:
        return f"its text stands {times} times in {mutant.module}"
    file, _, test = mutant.tests.partition("::")
    return "" if test.partition("[")[0] in functions_in(ROOT / "tests" / file) else f"there is no test {mutant.tests}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    assert misfit(mutant) == ""
    assert mutant.old != mutant.new


@pytest.mark.parametrize(
    ("module", "old", "test", "says"),
    [
        ("errors.py", LINE.old, LINE.tests, ""),
        ("moved.py", LINE.old, LINE.tests, "there is no file moved.py"),
        ("errors.py", "no such line", LINE.tests, "its text stands 0 times in errors.py"),
        ("errors.py", "class ", LINE.tests, "times in errors.py"),
        ("errors.py", LINE.old, "test_mutants.py::test_nothing", "there is no test test_mutants.py::test_nothing"),
        ("errors.py", LINE.old, "test_no_file.py::test_nothing", "there is no test test_no_file.py::test_nothing"),
    ],
)
def test_a_misfit_is_seen(module: str, old: str, test: str, says: str) -> None:
    found = misfit(Mutant("", module, old, "", test))
    assert says in found
    assert bool(says) == bool(found)
