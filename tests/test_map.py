"""The map tells the truth: what it names exists, and no concept or room is missing.

A module is named by its path in the package. The name of a room stands for everything in it, and a room is on the map
when all that it lists is: ``inspection`` by ``inspection/laws``, ``inspection/statistics`` and so on.
"""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict, cast

import pytest
import typer.main

from pysnmalloc.cli import app
from tests.house import House
from tests.test_layers import HOUSE, LIBRARY, ORDER, ROOMS

ROOT = Path(__file__).parents[1]


class Section(TypedDict):
    number: str
    title: str
    modules: list[str]
    tests: list[str]
    tutorials: list[int]
    labs: list[str]
    then: list[str]
    now: list[str]


class Claim(TypedDict):
    says: str
    section: str
    shown: list[str]
    how: NotRequired[str]


class Difference(TypedDict):
    what: str
    paper: str
    why: str
    module: str


class Table(TypedDict):
    tutorial: dict[str, str]
    room: dict[str, str]
    howto: dict[str, str]
    tests: dict[str, list[str]]
    section: list[Section]
    claim: list[Claim]
    difference: list[Difference]


TABLE = cast("Table", tomllib.loads((ROOT / "docs" / "map.toml").read_text(encoding="utf-8")))
SECTIONS = [each["number"] for each in TABLE["section"]]
MODULES = {"/".join(name) for name in HOUSE.modules} - {"", "__main__"}


def left_out(names: list[str], named: set[str], house: House = HOUSE) -> list[str]:
    """The names that are not among those named, neither themselves nor, of a room, by all that it lists."""
    missing = []
    for name in names:
        room = tuple(name.split("/"))
        inside = [f"{name}/{each}" for each in house.listed(room)] if room in house.rooms else []
        if name not in named and (not inside or left_out(inside, named, house)):
            missing.append(name)
    return missing


@cache
def names_in(file: str) -> set[str]:
    """The functions and classes of a file of tests."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def runs(command: str) -> bool:
    """Whether the command line understands a command; it is not executed."""
    program, name, *arguments = shlex.split(command)
    found = typer.main.get_command(app)
    assert program == "pysnmalloc"
    subcommands = getattr(found, "commands", {})
    subcommands[name].make_context(name, arguments)
    return True


def test_sections_are_those_of_the_paper() -> None:
    assert ["1", "2", *(f"2.{n}" for n in range(1, 10)), "3"] == SECTIONS
    assert all(each["modules"] and each["tutorials"] and each["labs"] for each in TABLE["section"])
    assert all(each["then"] and each["now"] for each in TABLE["section"])


def test_every_concept_and_room_is_on_the_map_with_its_tests() -> None:
    on_the_map = {name for each in TABLE["section"] for name in each["modules"]}
    assert left_out(ORDER, on_the_map) == []
    assert left_out(ORDER, set(TABLE["tests"])) == []
    assert [name for name in sorted(on_the_map | set(TABLE["tests"])) if name not in MODULES] == []
    assert all(TABLE["tests"].values())
    assert set(TABLE["howto"]) <= MODULES
    assert [name for name in TABLE["howto"].values() if not (ROOT / "docs" / "howto" / f"{name}.md").is_file()] == []
    assert {each["module"] for each in TABLE["difference"]} <= MODULES


def test_the_map_says_of_every_room_whether_to_read_it_first() -> None:
    assert set(TABLE["room"]) == set(ROOMS)
    assert [words for words in TABLE["room"].values() if not re.fullmatch(r"(Skip it\.|Read `\w+`) .*\.", words)] == []


def test_every_file_of_tests_that_is_named_exists() -> None:
    named = {file for each in TABLE["section"] for file in each["tests"]}
    named |= {file for files in TABLE["tests"].values() for file in files}
    assert [file for file in sorted(named) if not (ROOT / file).is_file()] == []


def test_every_tutorial_is_on_the_map() -> None:
    files = {str(int(path.name[:2])): path for path in (ROOT / "tutorials").glob("[0-9]*.md")}
    assert set(files) == set(TABLE["tutorial"])
    for number, path in files.items():
        assert f"\n# {number}. {TABLE['tutorial'][number]}\n" in path.read_text(encoding="utf-8")
    assert {str(n) for each in TABLE["section"] for n in each["tutorials"]} == set(files)


@pytest.mark.parametrize("claim", TABLE["claim"], ids=lambda claim: claim["says"][:40])
def test_what_shows_a_claim_exists(claim: Claim) -> None:
    assert claim["section"] in SECTIONS
    assert claim["shown"] or claim.get("how", "").startswith("*Not shown*")
    for proof in claim["shown"]:
        kind, _, name = proof.partition(" ")
        file, _, test = proof.partition("::")
        if kind == "tutorial":
            assert name in TABLE["tutorial"]
        elif kind == "figure":
            assert name in "123"
        else:
            assert test.startswith("test_")
            assert test in names_in(file), f"{file} has no {test}"


def test_each_section_has_claims_in_the_order_of_the_paper() -> None:
    claimed = [each["section"] for each in TABLE["claim"]]
    assert claimed == sorted(claimed, key=SECTIONS.index)
    assert set(claimed) == set(SECTIONS) - {"2"}
    said = " ".join(each["says"] for each in TABLE["claim"])
    assert [n for n in range(1, 11) if not re.search(rf"Figures?[ \d,and]* {n}\b", said)] == []


def test_commands_are_understood() -> None:
    assert all(runs(lab) for each in TABLE["section"] for lab in each["labs"])


def test_the_judges_see_what_they_must() -> None:
    with pytest.raises(KeyError):
        runs("pysnmalloc nothing")
    with pytest.raises(Exception, match="No such option"):
        runs("pysnmalloc replay --nothing")
    assert "test_nothing" not in names_in("tests/test_queue.py")
    inside = {f"inspection/{name}" for name in HOUSE.listed(("inspection",))}
    assert left_out(["heap", "inspection"], inside) == ["heap"]
    assert left_out(["inspection"], inside - {"inspection/laws"}) == ["inspection"]
    assert left_out(["inspection"], {"inspection"}) == []
    assert left_out(["inspection/laws"], {"inspection"}) == ["inspection/laws"]


def test_every_concept_and_room_of_the_library_has_its_thread_rule() -> None:
    page = (ROOT / "docs" / "reference" / "threads.md").read_text(encoding="utf-8")
    named = re.findall(r"\{doc\}`([\w/]+?)/? </source/\1>`", page)
    assert left_out(LIBRARY, set(named)) == []
    assert len(named) == len(set(named))
    assert [name for name in named if name not in MODULES] == []
