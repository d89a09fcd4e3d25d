"""The house: concepts in front, everything else in rooms, imports that run one way; and what a module looks like.

The order is data of the front pages: each lists its modules and rooms, bottom to top. A
module imports only what its room lists before it and, of other rooms, only what stands
before its own room where the two meet. That holds for imports inside of functions and for
those of type checkers too, and there is no list of exceptions.

Other tests and the documentation may import from here ``ORDER``, ``CONCEPTS``, ``ROOMS``,
``LIBRARY`` and ``TOOLS``: lists of names at the top of the package, bottom to top, without
slashes, such as ``["errors", "config", ...]`` and ``["parts", "hotpath", ...]``. The rooms in a
room are in ``HOUSE.listed(("explore",))``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import Arrow, House, essay

PACKAGE = Path(__file__).parent.parent / "pysnmalloc"
HOUSE = House(PACKAGE)
ORDER = HOUSE.listed(())
"""Everything at the top of the package, bottom to top."""
ROOMS = [name for name in ORDER if (name,) in HOUSE.rooms]
CONCEPTS = [name for name in ORDER if name not in ROOMS]
"""``errors``, and the paper's concepts."""
LIBRARY = ORDER[: ORDER.index("heap") + 1]
"""What ``import pysnmalloc`` loads; behind it stand the tools."""
TOOLS = ORDER[len(LIBRARY) :]
LONGEST_ESSAY, LONGEST_FUNCTION, MOST_MODULES = 27, 60, 13

PAPER = [  # the concepts in the order in which the README introduces them
    *("config", "sizeclass", "platform", "memory", "atomics", "pagemap", "metaslab", "freelist", "slablist"),
    *("chunklist", "superslab", "mediumslab", "slab", "stack", "large", "messagequeue", "remotecache", "allocator"),
    "heap",
]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def id_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def files_of(names: list[str]) -> list[Path]:
    """The files of modules and rooms at the top."""
    return [path for name, path in HOUSE.modules.items() if name and name[0] in names]


MODULES = files_of(LIBRARY)
each_room = pytest.mark.parametrize("room", sorted(HOUSE.rooms), ids=lambda room: "/".join(room) or "the package")


def foreign(path: Path) -> set[str]:
    """The packages of others that a file imports, anywhere in it."""
    nodes = list(ast.walk(tree(path)))
    whole = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return (whole | parts) - {"pysnmalloc"}


# Concepts in front.


def test_at_the_top_stand_the_papers_concepts_and_errors_alone() -> None:
    assert ["errors", *PAPER] == CONCEPTS
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "py.typed", *(f"{name}.py" for name in CONCEPTS)}
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {"data", *ROOMS}


# Rooms.


@each_room
def test_a_front_page_lists_what_is_in_its_room(room: tuple[str, ...]) -> None:
    assert HOUSE.modules.get(room), "a room without a front page"
    assert HOUSE.wrongly_listed(room) == ""


@each_room
def test_a_room_is_not_too_full(room: tuple[str, ...]) -> None:
    inside = [name for name in HOUSE.modules if name[:-1] == room and name not in HOUSE.rooms]
    assert len(inside) <= MOST_MODULES or room == ()


@each_room
def test_a_front_page_says_who_imports_the_room_and_it_is_so(room: tuple[str, ...]) -> None:
    if room == ():
        return
    said = HOUSE.importers(room)
    assert said is not None, "no paragraph “Imported by: ...”"
    (named, above), actual = said, HOUSE.actual_importers(room)
    order = [*HOUSE.listed(room[:-1]), "__main__"]
    allowed = named | (set(order[max(map(order.index, named)) :]) if above else set())
    assert named <= actual, f"{sorted(named - actual)} do not import it"
    assert actual <= allowed, f"{sorted(actual - allowed)} import it too"


@each_room
def test_a_front_page_is_short_and_says_what_to_read_first(room: tuple[str, ...]) -> None:
    text = essay(HOUSE.modules[room])
    assert len(text.splitlines()) <= LONGEST_ESSAY
    assert room == () or re.search(r"[Rr]ead\s+``\w+``", text), "what is read first?"


# Arrows.


def test_imports_run_one_way() -> None:
    assert list(map(str, HOUSE.up())) == []


def test_there_is_no_circle() -> None:
    assert HOUSE.circles() == []


def test_nothing_of_the_package_is_imported_by_string() -> None:
    """Such an import has no arrow. These may: for what users name, and for the judges of a tutorial or a lab.

    ``parts/loading``, ``step/script`` and ``labs/process/worker`` run the files of users, and ``parts/layering`` looks
    up the file of a class. ``lesson/checking`` loads ``tutorials``, and ``labs/checking`` loads ``judges``: their rooms
    list these before them, and they import their front pages besides.
    """
    assert {"/".join(name) for name in HOUSE.by_string()} == {
        *("parts/loading", "parts/layering", "step/script", "labs/process/worker"),
        *("lesson/checking", "labs/checking"),
    }
    for room, judges in (("lesson", "tutorials"), ("labs", "judges")):
        order = HOUSE.listed((room,))
        assert order.index(judges) < order.index("checking")


# What needs the standard library only.


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_the_library_needs_the_standard_library_only(path: Path) -> None:
    assert foreign(path) <= sys.stdlib_module_names


def test_the_package_exports_the_library_and_no_tool() -> None:
    """So importing it needs nothing but the standard library."""
    assert {arrow.end[0] for arrow in HOUSE.arrows if arrow.start == ()} <= set(LIBRARY)


@pytest.mark.parametrize("path", files_of(["step", "quiz", "explore", "lesson", "labs"]), ids=id_of)
def test_what_runs_in_a_browser_needs_the_standard_library_only(path: Path) -> None:
    assert foreign(path) - {"pytest"} <= sys.stdlib_module_names
    assert "pytest" not in foreign(path) or path.stem == "testing"


# What a module looks like.


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_a_module_opens_with_a_short_essay_that_names_its_section(path: Path) -> None:
    text = essay(path)
    assert text, "no docstring"
    assert len(text.splitlines()) <= LONGEST_ESSAY
    first, *rest = text.splitlines()
    assert re.search(r"[.:?]$", first), f"the first line is no sentence: {first}"
    assert rest, "only one line"
    assert "§" in text, "no section of the paper is named"


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


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_functions_are_short(path: Path) -> None:
    too_long = [(name, length) for name, length in functions(path) if length > LONGEST_FUNCTION]
    assert too_long == []


# The reader of the house, on houses made for it.


def built(folder: Path, files: dict[str, str]) -> House:
    """A package of these files."""
    for name, text in files.items():
        path = folder / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return House(folder / "house")


FRONT_PAGES = {
    "__init__.py": '"""A house.\n\n    low, room/, high, tool/\n"""\nfrom .high import x\n',
    "low.py": "",
    "high.py": "from .room import y\nfrom .low import z\n",
    "room/__init__.py": '"""Room.\n\nImported by: high, and all above it.\n\n    one, two\n"""\nfrom .two import y\n',
    "room/one.py": "from ..low import z\n",
    "room/two.py": "from .one import z\nfrom house.low import w\n",
    "tool/__init__.py": '"""A tool.\n\nImported by: nothing beside it.\n\n    saw\n"""\n',
    "tool/saw.py": "import os.path\nfrom .. import x\nfrom ..room.two import y\n",
}


def test_a_right_house_has_no_fault(tmp_path: Path) -> None:
    house = built(tmp_path, FRONT_PAGES)
    assert list(house.up()) == []
    assert house.circles() == []
    assert [house.wrongly_listed(room) for room in sorted(house.rooms)] == ["", "", ""]
    assert house.importers(("room",)) == ({"high"}, True)
    assert house.actual_importers(("room",)) == {"high", "tool"}
    assert house.importers(("tool",)) == (set(), False)
    assert Arrow(("room", "two"), ("low",), 2) in house.arrows


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("low.py", "from .high import x\n"),
        ("low.py", "def f():\n    from .high import x\n"),
        ("low.py", "if TYPE_CHECKING:\n    from .high import x\n"),
        ("low.py", "import house.high\n"),
        ("low.py", "from . import x\n"),
        ("high.py", "from .tool import saw\n"),
        ("room/one.py", "from .two import y\n"),
        ("room/one.py", "from . import y\n"),
        ("room/two.py", "from ..high import y\n"),
        ("room/two.py", "from .. import y\n"),
        ("room/two.py", "from house import high\n"),
    ],
)
def test_an_arrow_that_runs_up_is_seen(tmp_path: Path, file: str, text: str) -> None:
    house = built(tmp_path, FRONT_PAGES | {file: text})
    assert [arrow.start[-1] for arrow in house.up()] == [Path(file).stem]


def test_a_circle_is_seen_also_one_through_a_front_page(tmp_path: Path) -> None:
    through_front = built(tmp_path / "a", FRONT_PAGES | {"low.py": "from .room.one import z\n"})
    assert through_front.circles() == [[("low",), ("room",), ("room", "one"), ("room", "two")]]
    inside = built(tmp_path / "b", FRONT_PAGES | {"room/one.py": "def f():\n    from .two import y\n"})
    assert inside.circles() == [[("room", "one"), ("room", "two")]]


def test_a_wrong_front_page_is_seen(tmp_path: Path) -> None:
    files = dict(FRONT_PAGES)
    files["room/__init__.py"] = '"""A room.\n\n    one, three, one\n"""\n'
    files["tool/__init__.py"] = ""
    del files["low.py"]
    house = built(tmp_path, files)
    assert house.wrongly_listed(("room",)) == "missing: two; not there: three; twice: one"
    assert house.importers(("room",)) is None
    assert house.wrongly_listed(("tool",)) == "missing: saw"
    assert house.wrongly_listed(()) == "not there: low"
    slashes = built(tmp_path / "s", FRONT_PAGES | {"__init__.py": '"""A house.\n\n    low/, room, high, tool/\n"""\n'})
    assert slashes.wrongly_listed(()) == "missing: low, room/; not there: low/, room"


def test_a_room_without_a_front_page_is_seen(tmp_path: Path) -> None:
    files = {name: text for name, text in FRONT_PAGES.items() if name != "tool/__init__.py"}
    house = built(tmp_path, files | {"attic/box/toy.py": "", "high.py": "from .attic.box.toy import doll\n"})
    missing = {room for room in house.rooms if room not in house.modules}
    assert missing == {("tool",), ("attic",), ("attic", "box")}
    assert house.importers(("tool",)) is None
    assert house.wrongly_listed(("tool",)) == "missing: saw"
    assert house.wrongly_listed(()) == "missing: attic/"
    assert list(map(str, house.up())) == ["high imports attic.box.toy in line 1"]
    assert house.circles() == []


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nimportlib.import_module('house.high')\n",
        "def f():\n    from importlib import import_module as bring\n    return bring('house.high')\n",
        "import importlib.util as tools\n",
        "from importlib.machinery import SourceFileLoader\n",
        "high = __import__('house.high')\n",
        "import builtins\nhigh = builtins.__import__('house.high')\n",
        "import sys\nhigh = sys.modules['house.high']\n",
        "from sys import modules\n",
        "import pkgutil\nhigh = pkgutil.resolve_name('house.high')\n",
        "from runpy import run_module\n",
    ],
)
def test_an_import_by_string_is_seen(tmp_path: Path, text: str) -> None:
    assert built(tmp_path, FRONT_PAGES | {"low.py": text}).by_string() == [("low",)]


def test_reading_data_is_no_import_by_string(tmp_path: Path) -> None:
    text = "import importlib.resources\nfrom importlib.resources import files\nfrom importlib import metadata\n"
    assert built(tmp_path, FRONT_PAGES | {"low.py": text + "import sys\nprint(sys.argv)\n"}).by_string() == []


SOURCE = "def f():\n    '''Text\n    over lines.'''\n    def g():\n        return 1\n    return y\n"


def test_the_length_of_a_function_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(SOURCE, encoding="utf-8")
    assert dict(functions(path)) == {"f": 2, "g": 2}
