"""The README tells the truth: its tables name every concept and room, its files exist, its links work on an index too.

Its code runs in ``test_page_code``.
"""

import re
import tomllib
from pathlib import Path

import pytest

from tests.test_layers import CONCEPTS, ROOMS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]+)\)")


def section(title: str) -> str:
    """The text below a title."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_groups(row: str, title: str) -> list[str]:
    """What a pattern for rows finds below a title, in order."""
    return re.findall(row, section(title), flags=re.MULTILINE)


def test_the_table_of_concepts_names_them_in_the_order_in_which_they_build_on_each_other() -> None:
    row = r"^\| [^|]+ \| [^|]+ \| \[`(\w+)`\]\(pysnmalloc/\1\.py\) \|$"
    assert first_groups(row, "The concepts") == CONCEPTS


def test_the_table_of_rooms_names_them_from_bottom_to_top() -> None:
    row = r"^\| \[`(\w+)/`\]\(pysnmalloc/\1/__init__\.py\) \| [^|]+ \| [^|]+ \|$"
    assert first_groups(row, "The rooms") == ROOMS


def on_an_index() -> str:
    """The README as a package index shows it, by the substitutions that the build makes."""
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = "".join((ROOT / fragment["path"]).read_text(encoding="utf-8") for fragment in hook["fragments"])
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    return text


def test_every_link_on_a_package_index_leads_to_a_file_of_the_source() -> None:
    """Nothing else of the text changes."""
    text, start = on_an_index(), f"{PROJECT['project']['urls']['Source']}/blob/main/"
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert len(targets) > len(ROOMS) + len(CONCEPTS)
    assert [target for target in targets if not target.startswith("https://")] == []
    ours = [target.removeprefix(start) for target in targets if target.startswith(start)]
    assert ours == LINK.findall(README)
    assert text.replace(start, "") == README


def test_the_front_page_of_the_book_has_the_same_two_commands() -> None:
    typed = re.findall(r"^\$ (python3 -m venv \.venv && .*)$", README, flags=re.MULTILINE)
    assert [re.split(r" && \S+/", command)[-1] for command in typed] == ["pysnmalloc replay", "pytest -n auto"]
    front = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"^\$ (.*)$", front, flags=re.MULTILINE)[:2] == typed


def test_it_lists_the_differences_of_the_map() -> None:
    """All but one, which is between the text of the paper and its code."""
    differences = tomllib.loads((ROOT / "docs" / "map.toml").read_text(encoding="utf-8"))["difference"]
    listed = section("Claims, and what shows them").split("differs from the C++", 1)[1].split("\n\n")[1].split("\n- ")
    named = [re.findall(r"\(pysnmalloc/(\w+)\.py\)", each) for each in listed]
    assert all(len(modules) == 1 for modules in named)
    assert sorted(module for modules in named for module in modules) == sorted(
        each["module"] for each in differences if each["module"] != "sizeclass"
    )


def test_every_file_it_speaks_of_is_there() -> None:
    links = LINK.findall(README) + re.findall(r"`(tests/\w+\.py)`", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    ("words", "leads_to", "says"),
    [
        ("double free", "pysnmalloc/inspection/checked.py", "DoubleFree"),
        ("hops", "pysnmalloc/inspection/statistics.py", "hops: "),
        ("a slab", "pysnmalloc/pictures/slab.py", "class SlabPicture"),
        ("memory model", "pysnmalloc/explore/executions/__init__.py", "To add a memory model"),
        ("free list", "pysnmalloc/parts/__init__.py", "Parts(freelist=Mine)"),
        ("free list", "docs/howto/replace-a-part.md", "class FreeList"),
    ],
)
def test_a_newcomer_finds_it_in_two_steps(words: str, leads_to: str, says: str) -> None:
    """The first step is a row of the README, the second the file that it links to."""
    rows = [row for row in section("The rooms").splitlines() if words in row and leads_to in LINK.findall(row)]
    assert len(rows) == 1
    assert says in (ROOT / leads_to).read_text(encoding="utf-8")
