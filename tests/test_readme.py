"""The README says what is so: its table names every module, its files exist. Its code runs in test_page_code.py."""

import re
from pathlib import Path

import pysnmalloc

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_names_every_module_in_order_of_layers() -> None:
    named = re.findall(
        r"^\| [^|]+ \| [^|]+ \| \[`(\w+)`\]\(pysnmalloc/\1(?:\.py|/__init__\.py)\) \|$", README, flags=re.MULTILINE
    )
    assert pysnmalloc.__doc__ is not None
    listed = re.split(r",\s+", pysnmalloc.__doc__.split("build on each other:")[1].strip())
    core = {path.stem for path in (ROOT / "pysnmalloc").glob("*.py")} - {"__init__", "__main__", "errors"}
    assert set(named) == core | set(listed)
    assert len(named) == len(set(named))
    assert [name for name in listed if name in named] == listed


def test_every_file_it_speaks_of_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README) + re.findall(r"`(tests/\w+\.py)`", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
