"""The README tells the truth: its tables name every concept and room, and its files exist.

Its code runs in ``test_page_code``.
"""

import re
from pathlib import Path

import pytest

from tests.test_layers import CONCEPTS, ROOMS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
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
