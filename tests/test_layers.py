"""The package's order, and what a module looks like: read off the source, never imported.

Imports go one way. The order is the one in the package's docstring; ``errors`` is
below all, and the tools (command line, replay, doctor) are above all.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pysnmalloc"
TOOLS = {"replay", "lesson", "step", "explore", "quiz", "doctor", "cli", "__main__"}
LONGEST_ESSAY, LONGEST_FUNCTION = 27, 60


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def essay(path: Path) -> str:
    """A module's opening docstring."""
    return ast.get_docstring(tree(path), clean=False) or ""


def order() -> list[str]:
    """The modules as the package's docstring lists them: its last paragraph."""
    *_, listed = essay(PACKAGE / "__init__.py").strip().split("\n\n")
    return ["errors", *re.findall(r"\w+", listed)]


CORE = order()


def files_of(name: str) -> list[Path]:
    """The file of a module, or those of a subpackage."""
    folder = PACKAGE / name
    return sorted(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def name_of(path: Path) -> str:
    """The module or subpackage that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def id_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


MODULES = [path for name in CORE for path in files_of(name)]


def imports(path: Path) -> Iterator[tuple[bool, str]]:
    """Yield what a file imports, anywhere in it: whether it is of this package, and the first name behind that."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                ours, _, rest = alias.name.partition(".")
                yield (True, rest.partition(".")[0]) if ours == "pysnmalloc" else (False, ours)
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")
            if node.level == 0 and module[0] != "pysnmalloc":
                yield False, module[0]
            elif node.level == depth or (node.level == 0 and module[0] == "pysnmalloc"):
                first = "".join(module[1:2] if node.level == 0 else module[:1])
                yield from [(True, first)] if first else [(True, alias.name) for alias in node.names]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every function's name and its own length: without docstring, and without functions inside it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [each for each in ast.walk(node) if isinstance(each, ast.FunctionDef) and each is not node]
            lines = set(lines_of(node)) - {line for each in inner for line in lines_of(each)}
            if ast.get_docstring(node) is not None:
                lines -= set(lines_of(node.body[0]))
            yield node.name, len(lines)


def lines_of(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def test_every_module_has_its_place() -> None:
    """What is listed exists, each once, and what exists is listed or a tool."""
    there = {name_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert len(CORE) == len(set(CORE)) > 20
    assert there - TOOLS == set(CORE)


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_a_module_imports_only_what_is_before_it(path: Path) -> None:
    before = set(CORE[: CORE.index(name_of(path))])
    ours = {name for is_ours, name in imports(path) if is_ours}
    assert ours <= before, f"{id_of(path)} imports {sorted(ours - before)}, which come after it"


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_the_library_needs_the_standard_library_only(path: Path) -> None:
    others = {name for is_ours, name in imports(path) if not is_ours}
    assert others <= sys.stdlib_module_names


def test_the_package_exports_the_library_and_no_tool() -> None:
    """So importing it needs nothing but the standard library."""
    ours = {name for _, name in imports(PACKAGE / "__init__.py")}
    assert ours <= set(CORE)


def test_tools_are_above_and_replay_below_the_other_tools() -> None:
    allowed = {
        "replay": {"replay"},
        "step": {"step"},
        "lesson": {"lesson", "explore", "replay", "step"},
        "explore": {"explore"},
        "quiz": {"quiz"},
        "doctor": {"doctor", "replay"},
        "cli": TOOLS - {"__main__"},
        "__main__": {"cli"},
    }
    for path in PACKAGE.rglob("*.py"):
        if name_of(path) in TOOLS:
            ours = {name for is_ours, name in imports(path) if is_ours}
            assert ours & TOOLS <= allowed[name_of(path)], path


@pytest.mark.parametrize("path", files_of("step") + files_of("quiz"), ids=id_of)
def test_steps_and_quiz_need_the_standard_library_only(path: Path) -> None:
    """So that they work wherever the library does: in a notebook, in a browser."""
    assert {name for is_ours, name in imports(path) if not is_ours} <= sys.stdlib_module_names


def test_nothing_is_imported_by_string() -> None:
    """Which the tests above could not see."""
    for path in MODULES:
        names = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
        assert not names & {"__import__", "importlib"}, path


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_a_module_opens_with_a_short_essay_that_names_its_section(path: Path) -> None:
    text = essay(path)
    assert text, "no docstring"
    assert len(text.splitlines()) <= LONGEST_ESSAY
    first, *rest = text.splitlines()
    assert re.search(r"[.:?]$", first), f"the first line is no sentence: {first}"
    assert rest, "only one line"
    assert "§" in text, "no section of the paper is named"


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_functions_are_short(path: Path) -> None:
    too_long = [(name, length) for name, length in functions(path) if length > LONGEST_FUNCTION]
    assert too_long == []


SOURCE = """
import os.path, pysnmalloc.heap
from . import laws
from .slab import Slab
from pysnmalloc.stack import X
def f():
    '''Text
    over lines.'''
    from .late import y
    def g():
        return 1
    return y
"""


def test_the_judges_see_what_they_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The readers above, on a source that has everything."""
    monkeypatch.setattr("tests.test_layers.PACKAGE", tmp_path)
    path = tmp_path / "module.py"
    path.write_text(SOURCE, encoding="utf-8")
    assert set(imports(path)) == {
        (False, "os"),
        *((True, name) for name in ("heap", "laws", "slab", "stack", "late")),
    }
    assert dict(functions(path)) == {"f": 3, "g": 2}
    inside = tmp_path / "replay" / "part.py"
    inside.parent.mkdir()
    inside.write_text("from .other import x\nfrom ..heap import Heap\nfrom .. import cli\n", encoding="utf-8")
    assert set(imports(inside)) == {(True, "heap"), (True, "cli")}


# The explorer has layers of its own.

EXPLORER = PACKAGE / "explore"
PARTS = re.findall(r"\w+", essay(EXPLORER / "__init__.py").strip().split("\n\n")[-1])


def imported_parts(path: Path) -> set[str]:
    """The parts of the explorer that a file of it imports when it is loaded."""
    depth = len(path.relative_to(EXPLORER).parts)
    nodes = (node for node in tree(path).body if isinstance(node, ast.ImportFrom) and node.level == depth)
    return {(node.module or "").split(".")[0] for node in nodes} - {""}


def part_of(path: Path) -> str:
    return path.relative_to(EXPLORER).parts[0].removesuffix(".py")


def test_every_part_of_the_explorer_has_its_place() -> None:
    assert {part_of(path) for path in EXPLORER.rglob("*.py")} - {"__init__"} == set(PARTS)
    assert len(PARTS) == len(set(PARTS)) > 30


@pytest.mark.parametrize("path", [p for p in EXPLORER.rglob("*.py") if p.parent != EXPLORER or p.stem != "__init__"])
def test_a_part_of_the_explorer_imports_only_what_is_before_it(path: Path) -> None:
    before = set(PARTS[: PARTS.index(part_of(path))])
    assert imported_parts(path) <= before | ({"scenarios"} if path.parent.name == "scenarios" else set())
