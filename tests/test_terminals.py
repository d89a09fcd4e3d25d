"""Every command on every terminal: 40, 60, 80 and 200 columns, and encodings without lines, arrows or quotes.

The law: the exit code is right, no output fails because of its encoding, and no number is cut. A number
is cut if the widest output has it and a narrower one does not; the numbers of a replay are those of its JSON.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.console import Console

import pysnmalloc as sn
from pysnmalloc import doctor
from pysnmalloc.cli import app, main, streams
from pysnmalloc.cli import replay as replay_module
from pysnmalloc.pictures import signs
from pysnmalloc.replay import PROGRAMS, SHIPPED, ReplayResult, Trace, player, read_shipped
from pysnmalloc.replay import replay as replay_trace
from pysnmalloc.replay.tables import Records

PACKAGE = Path(sn.__file__).parent
WIDTHS = (40, 60, 80, 200)
ENCODINGS = ("utf-8", "cp1252", "cp437", "ascii")
SCRIPT = """
import pysnmalloc as sn
with sn.Heap(sn.CLASSROOM) as heap:
    alice, bob = heap.acquire(1), heap.acquire(2)
    p, q = alice.malloc(48), alice.malloc(48)
    bob.free(p)
    print("→ §2.2 … “done” ★ 漢", p)
"""
HELPS = ["--help", *(f"{command.name} --help" for command in app.registered_commands)]
COMMANDS = {
    **dict.fromkeys(HELPS, 0),
    "replay pbzip2": 0,
    "replay nosuch": 2,
    "show": 0,
    "show pbzip2 --at 50": 0,
    "show pbzip2 --at 300 --to 303": 0,
    "step script.py": 0,
    "figure 2": 0,
    "explore": 0,
    "explore queue --random 5": 0,
    "explore bug:link-relaxed": 1,
    "explore litmus:SB --model sc --tell 0": 2,
    "explore nosuch": 2,
    "quiz": 0,
    "quiz all --explain --count 7": 0,
    "quiz nosuch": 2,
    "doctor": 0,
}
NUMBER = re.compile(r"0x[0-9a-f_]+|[0-9][0-9,_]*(?:\.[0-9]+)?")
CHECKS = tuple(
    (f"check {n}", 1, lambda _, n=n: f"{1_234_567 * n:,} bytes of 18,446,744,073,709,551,616 were seen")
    for n in range(1, 4)
)


class Done(NamedTuple):
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with a script, and commands that always print the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    Path("script.py").write_text(SCRIPT, encoding="utf-8")
    # main() sets these for its terminal; other tests use them too.
    monkeypatch.setattr(app, "rich_markup_mode", app.rich_markup_mode)
    monkeypatch.setattr(app.info, "context_settings", app.info.context_settings)
    monkeypatch.setattr(doctor, "CHECKS", CHECKS)
    monkeypatch.setattr(player, "perf_counter", itertools.count().__next__)
    results: dict[str, ReplayResult] = {}

    def once(trace: Trace, **options: object) -> ReplayResult:
        del options
        if trace.name not in results:
            results[trace.name] = replay_trace(trace, verify=False)
        return results[trace.name]

    monkeypatch.setattr(replay_module, "replay", once)


def run(monkeypatch: pytest.MonkeyPatch, command: str, *, columns: int = 80, encoding: str = "utf-8") -> Done:
    """Run a command as the program does, in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        patch.setattr(sys, "argv", ["pysnmalloc", *command.split()])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as stopped:
            main()
    written: list[str] = []
    for stream in (out, err):
        stream.flush()
        assert isinstance(stream.buffer, io.BytesIO)
        written.append(stream.buffer.getvalue().decode(encoding))
    code = stopped.value.code
    assert isinstance(code, int)
    return Done(code, *written)


def numbers(text: str) -> set[str]:
    """The numbers in a text, without what only separates them."""
    return {each.rstrip(",_") for each in NUMBER.findall(text)}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_number_is_cut_at_any_width_in_any_encoding(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    widest = run(monkeypatch, command, columns=200)
    assert widest.code == COMMANDS[command], widest
    assert widest.out or widest.err
    asked: dict[int, int] = {}
    for encoding, columns in [*itertools.product(ENCODINGS[:1], WIDTHS), *itertools.product(ENCODINGS[1:], (40, 80))]:
        done = run(monkeypatch, command, columns=columns, encoding=encoding)
        where = f"{columns} columns, {encoding}:\n{done.out}{done.err}"
        assert done.code == widest.code, where
        for text, wide in ((done.out, widest.out), (done.err, widest.err)):
            assert numbers(wide) - numbers(text) == set(), where
            assert "…" not in text or command.startswith("step script"), where
            assert "Traceback" not in text
        if encoding != "utf-8" and "script" not in command:
            # Every sign has a substitute, so no question mark is added.
            assert done.out.count("?") == asked[columns], where
        else:
            asked[columns] = done.out.count("?")


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_report_has_every_number_of_the_json(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    data = json.loads(run(monkeypatch, "replay pbzip2 --json").out)["replays"][0]
    found = numbers(run(monkeypatch, "replay pbzip2", columns=columns).out)
    counts = [*data["calls"].values(), data["total_calls"], *data["messages"]["atomics"].values()]
    counts += [data["messages"][key] for key in ("sent", "received", "in_flight", "posts", "batches", "remote_frees")]
    counts += [use["objects"] for use in data["classes"]]
    ratios = [f"{value:,.4f}" for value in data["messages"]["atomics_per_remote_free"].values()]
    assert {f"{count:,}" for count in counts if count} | set(ratios) <= found


@pytest.mark.parametrize("columns", WIDTHS)
def test_reports_of_a_replay_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    for command in ("replay pbzip2", "show", "explore", "quiz", "doctor"):
        lines = run(monkeypatch, command, columns=columns).out.splitlines()
        long = [line for line in lines if len(line.rstrip()) > columns]
        assert [line for line in long if "pysnmalloc " not in line and line.strip() != sys.executable] == []


def test_drawings_stay_aligned_without_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    rich = run(monkeypatch, "replay pbzip2").out.splitlines()
    plain = run(monkeypatch, "replay pbzip2", encoding="ascii").out.splitlines()
    assert len(rich) == len(plain)
    assert "─" * 36 in "\n".join(rich)
    assert "-" * 36 in "\n".join(plain)
    for left, right in zip(rich, plain, strict=True):
        assert len(left.rstrip()) == len(right.rstrip()) or "§" in left


def test_json_is_json_in_every_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("quiz queue --json --explain", "explore bug:link-relaxed --json", "replay pbzip2 --json"):
        texts = {encoding: run(monkeypatch, command, encoding=encoding).out for encoding in ENCODINGS}
        data = {encoding: json.loads(text) for encoding, text in texts.items()}
        assert all(each == data["utf-8"] for each in data.values())
        assert texts["ascii"].isascii()


def test_every_sign_of_the_package_has_a_substitute() -> None:
    used = {char for path in PACKAGE.rglob("*.py") for char in path.read_text(encoding="utf-8") if not char.isascii()}
    used -= set("٣漢")  # digits that a comment refuses, and a letter
    assert {"─", "│", "►", "§", "…", "“", "→"} <= used
    assert {char for char in used if "?" in signs.plain(char)} == set()
    assert all(word.isascii() for word in signs.SUBSTITUTES.values())
    assert all(len(word) == 1 for word in signs.DRAWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("─│┌┼►◄▲▼●░█", "-|++><^v*.#"),
        ("§2.8 …", "S.2.8 ..."),
        ("“a” ‘b’ × 2 – 3", "\"a\" 'b' x 2 - 3"),
        ("a → b ← c ≠ d", "a -> b <- c != d"),
        ("é ü ñ", "e u n"),
        ("漢", "?"),
        ("caf\udce9.trace", "caf\\xe9.trace"),
    ],
)
def test_what_stands_for_a_sign(text: str, expected: str) -> None:
    assert signs.plain(text) == expected


def test_what_an_encoding_has_is_kept() -> None:
    assert signs.encodable("─ § ► “x”", "cp437") == '─ S. > "x"'
    assert signs.encodable("─ § ► “x”", "cp1252") == "- § > “x”"
    assert signs.encodable("─ §", "no such encoding") == "- S."
    assert signs.encodable("─ §", "utf-8") == "─ §"


def test_a_printed_picture_fits_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        allocator = heap.acquire()
        kept = [allocator.malloc(64) for _ in range(3)]
        pictures = [heap.picture.map(), heap.picture.slab(kept[0]), heap.picture.superslab(kept[0])]
        pictures += [heap.picture.queue(allocator), heap.picture.buckets(allocator)]
        assert any(not picture.text().isascii() for picture in pictures)
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", stream)
        for picture in pictures:
            print(picture)


def test_a_stream_keeps_the_errors_that_the_user_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="xmlcharrefreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # a stream without an encoding stays as it is
    streams.make_safe()
    assert stream.errors == "xmlcharrefreplace"


# In a process of its own: the locale, and what Python itself writes.


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "cp437"},
    ],
    ids=["C", "C without UTF-8", "cp437"],
)
def test_the_program_in_a_plain_locale(environment: dict[str, str]) -> None:
    base = {key: value for key, value in os.environ.items() if key not in ("PYTHONIOENCODING", "LC_ALL", "PYTHONUTF8")}
    done = subprocess.run(
        [sys.executable, "-m", "pysnmalloc", "quiz", "freelist", "--explain"],
        cwd=PACKAGE.parent,
        env={**base, **environment, "COLUMNS": "60"},
        input=b"",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Step by step" in done.stdout
    if len(environment) == 3:
        assert done.stdout.isascii()
        assert b"See the paper's S.2.8" in done.stdout


def test_answers_may_have_bytes_that_are_no_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = io.TextIOWrapper(io.BytesIO(b"\xff\xfe5\n\xe9\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", answers)
    streams.make_safe()
    assert len(answers.readlines()) == 2


# Tables.


def table() -> Records:
    """A table with words and numbers."""
    made = Records("class", "object size", "objects", "about", words=(3,), title="Allocations by size class")
    made.add_row("12", "1,234,567 B", "18,446,744,073", "a size class of many large objects in a program")
    made.add_section()
    made.add_row("all", "", "18,446,744,074", "both")
    return made


def lines_of(width: int) -> Iterator[str]:
    """The lines of the table on a console."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(table(), crop=False)
    return (line.rstrip() for line in stream.getvalue().splitlines())


def test_a_column_of_numbers_with_units_is_not_wrapped() -> None:
    made = Records("peak of", "size")
    made.add_row("live", "18,446,744,073,709 bytes")
    whole = "live      18,446,744,073,709 bytes"
    for width in range(18, 50):
        lines = [line.plain for line in made.lines(width)]
        assert (whole in lines) == (width >= len(whole))
        assert any("18,446,744,073,709" in line for line in lines)


@pytest.mark.parametrize("width", range(8, 110))
def test_a_table_never_breaks_a_word(width: int) -> None:
    words = " ".join(lines_of(width)).split()
    for cell in ("1,234,567", "18,446,744,073", "18,446,744,074", "many", "program", "both", "Allocations"):
        assert cell in words


def test_a_table_that_does_not_fit_is_one_block_for_each_record() -> None:
    assert list(lines_of(40)) == [
        "Allocations by size class",
        "class 12",
        "  object size  1,234,567 B",
        "  objects      18,446,744,073",
        "  about: a size class of many large",
        "  objects in a program",
        "",
        "class all",
        "  objects      18,446,744,074",
        "  about        both",
    ]


def test_shipped_traces_are_what_their_list_says() -> None:
    assert tuple(each.name for each in PROGRAMS) == SHIPPED
    for each in PROGRAMS:
        trace = read_shipped(each.name)
        assert (each.threads, each.calls) == (trace.threads, len(trace.ops))
