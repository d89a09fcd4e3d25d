"""The record of what is done: which file holds it, what a damaged one costs, and the table that is made of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import NoReturn

import pytest

from pysnmalloc.lesson import check, progress
from pysnmalloc.lesson.done import note, record
from pysnmalloc.lesson.done.contents import EXERCISES, TUTORIALS
from pysnmalloc.lesson.done.record import recorded

ROOT = Path(__file__).parents[1]
TODAY = date.today().isoformat()
NAME = "pysnmalloc-progress.txt"


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The record of an empty working folder, where it is for a user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "FILE", Path(NAME))
    return tmp_path / NAME


def test_the_contents_are_those_of_the_tutorials() -> None:
    found = []
    for path in sorted(ROOT.glob("tutorials/[0-9][0-9]_*.md")):
        text = path.read_text(encoding="utf-8")
        exercises = re.findall(r"^`{3,}\{admonition\} Exercise ([\d.]+): (.+)$", text, re.MULTILINE)
        found.append((re.findall(r"^# (\d+)\. (.+)$", text, re.MULTILINE)[0], exercises))
    assert [title for (_, title), _ in found] == [tutorial.title for tutorial in TUTORIALS]
    assert [int(number) for (number, _), _ in found] == list(range(12))
    assert [pair for _, exercises in found for pair in exercises] == list(EXERCISES.items())
    assert len(EXERCISES) == 36


def test_without_a_solved_exercise_there_is_no_file(file: Path) -> None:
    assert recorded() == {}
    assert "Exercises done: 0 of 36. Next: 0.1, A word at any address." in str(progress())
    note("0.99")  # an exercise of somebody's own
    assert not file.exists()


def test_a_check_records_a_right_answer_and_no_other(file: Path) -> None:
    for answer in (..., lambda data, address: data[address]):
        assert not check("0.1", answer).right
    assert not file.exists()
    assert check("0.1", lambda data, address: int.from_bytes(data[address : address + 8], "little")).right
    assert list(recorded()) == ["0.1"]


def test_a_check_ends_although_nothing_can_be_recorded(file: Path) -> None:
    file.mkdir()
    assert check("0.1", lambda data, address: int.from_bytes(data[address : address + 8], "little")).right


def test_a_line_is_appended_once(file: Path) -> None:
    for number in ("0.2", "0.1", "0.2", "10.3"):
        note(number)
    assert file.read_text(encoding="utf-8").splitlines() == [
        "# pysnmalloc: exercises that a check found right, and the date",
        *(f"{number} {TODAY}" for number in ("0.2", "0.1", "10.3")),
    ]
    assert list(recorded()) == ["0.1", "0.2", "10.3"]
    assert [path.name for path in file.parent.iterdir()] == [NAME]


def test_the_first_date_counts(file: Path) -> None:
    file.write_text("0.1 2026-10-01\n0.1 2026-10-02\n", encoding="utf-8")
    note("0.1")
    assert recorded() == {"0.1": date(2026, 10, 1)}


@pytest.mark.parametrize(
    "damage",
    [
        b"\n\n",
        b"0.2\n",
        b"0.2 yesterday\n",
        b"0.2 2026-13-77\n",
        b"77.1 2026-11-27\n",
        b"\xff\xfe\x00\n",
        b"0.2 2026-11-270.3 2026-11-27\n",
        b"0.2 2026-",  # the notebook was stopped while it wrote
    ],
)
def test_a_damaged_line_costs_itself_only(file: Path, damage: bytes) -> None:
    file.write_bytes(b"0.1 2026-11-01\r\n" + damage)
    assert list(recorded()) == ["0.1"]
    note("1.1")
    assert recorded() == {"0.1": date(2026, 11, 1), "1.1": date.fromisoformat(TODAY)}


def test_a_record_that_cannot_be_written_or_read_disturbs_nobody(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.mkdir()
    note("0.1")
    assert recorded() == {}
    monkeypatch.setattr(record, "FILE", Path("no such folder", NAME))
    note("0.1")
    assert recorded() == {}
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_arguments: object, **_names: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(path))

    file.write_text("0.1 2026-11-01\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        note("0.2")
    assert file.read_text(encoding="utf-8") == "0.1 2026-11-01\n"


def test_two_notebooks_write_at_once(file: Path) -> None:
    """Each has a process of its own, which notes half of the exercises."""
    code = (
        "import sys; from pysnmalloc.lesson.done import note; from pysnmalloc.lesson.done.contents import EXERCISES\n"
        "sys.stdin.read()\nfor number in list(EXERCISES)[int(sys.argv[1])::2]: note(number)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen([sys.executable, "-c", code, half], stdin=subprocess.PIPE, env=environment) for half in "01"
    ]
    for each in both:
        assert each.stdin is not None
        each.stdin.close()  # both start
    assert [each.wait() for each in both] == [0, 0]
    assert list(recorded()) == list(EXERCISES)
    assert str(progress()).startswith("All 36 exercises are done.\n")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if not line.startswith("#")} == {f"{number} {TODAY}" for number in EXERCISES}


class Cells(HTMLParser):
    """The rows of a table, each as the texts of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # the parser's
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "br":
            self.rows[-1][-1] += " "

    def handle_data(self, data: str) -> None:
        """Take the text of a cell; a caption stands before all rows."""
        if self.rows:
            self.rows[-1][-1] += data


def test_the_table_says_of_each_exercise_whether_it_is_done(file: Path) -> None:
    file.write_text("0.1 2026-10-01\n3.4 2026-10-02\n", encoding="utf-8")
    shown = progress()
    head, *rows = Cells(shown._repr_html_()).rows
    assert head == ["Tutorial", "Exercise 1", "Exercise 2", "Exercise 3", "Exercise 4"]
    assert len(rows) == 12
    assert rows[0] == [
        "0. Bytes and addresses",
        "0.1 A word at any address ✔ done 2026-10-01",
        "0.2 Where an address is … open",
        "",
        "",
    ]
    assert rows[3][4] == "3.4 A fresh medium slab ✔ done 2026-10-02"
    cells = [cell for row in rows for cell in row[1:] if cell]
    assert len(cells) == 36
    assert sum("✔ done" in cell for cell in cells) == 2
    assert sum("… open" in cell for cell in cells) == 34
    lines = str(shown).splitlines()
    assert lines[0] == "Exercises done: 2 of 36. Next: 0.2, Where an address is."
    assert lines[1:3] == [" 0. Bytes and addresses", "    ✔ 0.1 done   … 0.2 open"]
    assert lines[8] == "    … 3.1 open   … 3.2 open   … 3.3 open   ✔ 3.4 done"
    assert max(map(len, lines)) <= 80
