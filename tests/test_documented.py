"""No public name is without a description: modules, classes, functions, methods, fields, members, constants.

name in __all__     docstring; of a constant, a string below it, or a comment ``#:`` behind or above it
a class's names     docstring, its own or inherited; of a constant or field, the same, or a line below
                    ``Attributes:`` in the class's docstring
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

import pysnmalloc

WITHOUT = re.compile(r"__main__|.*\._|cli(\.|$)|lesson\.tutorials\.tutorial_\d\d$")  # modules without public names
MODULES = [pysnmalloc.__name__] + [
    found.name
    for found in pkgutil.walk_packages(pysnmalloc.__path__, f"{pysnmalloc.__name__}.")
    if not WITHOUT.match(found.name.partition(".")[2])
]
ERRORS = (pysnmalloc.SnmallocError, ValueError)  # what is raised to users; other exceptions are signals inside
TOLD = re.compile(r"(^|  )#: ")
LISTED = re.compile(r"^ {4}(\w+(?:, \w+)*): ", re.MULTILINE)  # below ``Attributes:``

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def described(body: list[ast.stmt], told: set[int]) -> dict[str, bool]:
    """The names that statements make, and whether words say what they are; ``told`` are lines with ``#:``."""
    found: dict[str, bool] = {}
    for statement, after in zip_longest(body, body[1:]):
        below = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and bool(after.value.value)
        if isinstance(statement, Definition):
            found[statement.name] = ast.get_docstring(statement) is not None or found.get(statement.name, False)
        elif isinstance(statement, ast.AnnAssign | ast.Assign):
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
            names = [name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name)]
            found |= dict.fromkeys(names, below or statement.end_lineno in told or statement.lineno - 1 in told)
        elif isinstance(statement, ast.If):
            found |= described(statement.body, told) | described(statement.orelse, told)
    return found


def undescribed(source: str, public: list[str], classes: dict[str, type]) -> Iterator[str]:
    """The public names of a module that nothing describes."""
    tree = ast.parse(source)
    told = {number for number, line in enumerate(source.splitlines(), 1) if TOLD.search(line)}
    names = described(tree.body, told)
    yield from (name for name in public if not names.get(name, True))
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or node.name not in public:
            continue
        bases = classes[node.name].__mro__[1:] if node.name in classes else ()
        known = {name for base in bases for name in vars(base) if inspect.getdoc(getattr(base, name, None))}
        known |= {name for names in LISTED.findall(ast.get_docstring(node) or "") for name in names.split(", ")}
        yield from (
            f"{node.name}.{name}"
            for name, is_told in described(node.body, told).items()
            if not is_told and not name.startswith("_") and name not in known
        )


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_described(name: str) -> None:
    module = importlib.import_module(name)
    public = getattr(module, "__all__", [])
    path = Path(module.__file__ or "")
    assert public or path.name == "__init__.py", f"{path} has no __all__: say what is public"
    assert module.__doc__
    classes = {each: value for each, value in vars(module).items() if isinstance(value, type)}
    assert list(undescribed(path.read_text(encoding="utf-8"), public, classes)) == []


def test_all_modules_are_looked_at() -> None:
    assert len(MODULES) > 130
    assert {"pysnmalloc.heap", "pysnmalloc.quiz.session", "pysnmalloc.step.look"} <= set(MODULES)


def test_what_is_not_described_is_found() -> None:
    source = '''
LIMIT = 3  # for some reason
KNOWN = 4
"""What is known."""
SEEN = 5  #: what is seen
#: What is meant.
MEANT = 6
def bare(): pass
def told():
    """Told."""
class Thing:
    """A thing.

    Attributes:
        zero: the first.
        width, height: of it.
    """
    width: int
    depth: int
    height: int = 3
    weight: int = 4  #: in grams
    zero = 0
    ONE = 1
    TWO = 2  #: the second
    def act(self): pass
    @property
    def inside(self): pass
    def _private(self): pass
'''
    public = ["LIMIT", "KNOWN", "SEEN", "MEANT", "bare", "told", "Thing"]
    assert list(undescribed(source, public, {})) == [
        "LIMIT",
        "bare",
        "Thing.depth",
        "Thing.ONE",
        "Thing.act",
        "Thing.inside",
    ]


def test_every_error_says_what_to_do() -> None:
    """The reference's table of errors is made of this."""
    silent = []
    for name in MODULES:
        module = importlib.import_module(name)
        members = [getattr(module, each) for each in getattr(module, "__all__", ())]
        kinds = [each for each in members if isinstance(each, type) and issubclass(each, ERRORS)]
        silent += [each.__name__ for each in kinds if "What to do:" not in (each.__doc__ or "")]
    assert silent == []
