"""The commands that show: show, step, figure."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pysnmalloc as sn
from pysnmalloc.cli import app
from pysnmalloc.replay import read_shipped
from pysnmalloc.replay.player import Player, Session

SCRIPT = """
import pysnmalloc as sn
with sn.Heap(sn.CLASSROOM) as heap:
    alice, bob = heap.acquire(1), heap.acquire(2)
    p, q = alice.malloc(48), alice.malloc(48)
    bob.free(p)
    bob.post()
"""
PROGRAM = "# threads 2\n" + "".join(f"m 0 {40 + thing} {thing}\n" for thing in range(50)) + "f 1 7\nf 0 8\n"


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "calls.trace").write_text(PROGRAM, encoding="utf-8")
    return CliRunner()


def test_step_writes_a_page_the_events_and_a_trace(runner: CliRunner) -> None:
    result = runner.invoke(app, ["step", "two.py", "--events", "e.jsonl", "--chrome", "c.json"])
    assert result.exit_code == 0, result.output
    recording = sn.Recording.load("e.jsonl")
    assert result.output.splitlines() == [
        f"two.py: {len(recording)} events recorded, {len(recording)} steps shown",
        "Open two.html in a browser.",
        "e.jsonl",
        "c.json",
    ]
    page = Path("two.html").read_text(encoding="utf-8")
    assert page.count('class="snm-frame"') == len(recording)
    assert "called by <code>allocator 2: bob.free(p)</code>" in page
    assert len(json.loads(Path("c.json").read_text(encoding="utf-8"))["traceEvents"]) > len(recording) / 2
    again = runner.invoke(app, ["step", "e.jsonl", "-o", "again.html", "--by", "call", "--most", "2"])
    assert again.exit_code == 0, again.output
    assert Path("again.html").read_text(encoding="utf-8").count('class="snm-frame"') == 2


def test_step_shows_each_heap_of_a_script(runner: CliRunner) -> None:
    Path("four.py").write_text(SCRIPT + SCRIPT, encoding="utf-8")
    result = runner.invoke(app, ["step", "four.py", "--events", "e.jsonl"])
    assert result.exit_code == 0, result.output
    assert Path("four.html").read_text(encoding="utf-8").count('id="heap-2"') == 1
    assert len(sn.Recording.load("e-1.jsonl")) == len(sn.Recording.load("e-2.jsonl")) > 20


def test_step_shows_a_failing_script_up_to_its_error(runner: CliRunner) -> None:
    Path("bad.py").write_text(SCRIPT + "    bob.malloc(-1)\n", encoding="utf-8")
    result = runner.invoke(app, ["step", "bad.py"])
    assert result.exit_code == 1
    assert "Error: bad.py, line 8, raised ValueError: malloc(-1)" in result.stderr
    assert "malloc raises ValueError" in Path("bad.html").read_text(encoding="utf-8")


def test_show_a_tick_of_a_recording(runner: CliRunner) -> None:
    runner.invoke(app, ["step", "two.py", "--events", "e.jsonl"])
    tick = next(e.at.tick for e in sn.Recording.load("e.jsonl") if e.kind == "RemoteFreed")
    result = runner.invoke(app, ["show", "e.jsonl", "--at", str(tick)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"tick {tick} of ")
    assert "1 = 01: for 1" in result.output
    assert "Heap map: 1 chunk" in result.output


def test_show_a_call_of_a_program_in_text_and_html(runner: CliRunner) -> None:
    result = runner.invoke(app, ["show", "calls.trace", "--at", "51", "--config", "classroom"])
    assert result.exit_code == 0, result.output
    assert re.match(r"calls\.trace, line 52: call 51, allocator 2: free\(0x\w+\)", result.output)
    assert "Remote cache of allocator 2" in result.output
    assert max(map(len, result.output.splitlines())) <= 80
    html = runner.invoke(app, ["show", "calls.trace", "--at", "51", "--config", "classroom", "--html", "call.html"])
    assert html.exit_code == 0, html.output
    assert "Afterwards" in Path("call.html").read_text(encoding="utf-8")


def test_show_a_stretch_of_a_program(runner: CliRunner) -> None:
    arguments = ["show", "calls.trace", "--at", "3", "--to", "6", "--config", "classroom"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("calls.trace, line 4: calls 3 to 6\n")
    assert result.output.count("is called on allocator 1") == 4
    assert runner.invoke(app, [*arguments, "--html", "four.html"]).exit_code == 0
    assert Path("four.html").read_text(encoding="utf-8").count("is called on allocator 1") == 4


def test_show_a_call_far_into_a_shipped_trace(runner: CliRunner) -> None:
    """The state after call N is that of a heap that made N calls, unrecorded, on its fast path."""
    trace = read_shipped("pbzip2")
    at = min(len(trace.ops), 1000)
    with sn.Heap(sn.PAPER) as heap:
        session = Session(trace, heap, verify=False, compare=False)
        held = {thread: heap.acquire(number) for thread, number in enumerate(trace.allocator_numbers)}
        Player(session, trace.ops, held).play(0, at)
        expected = heap.picture.map().text(80)
    shipped = Path(sn.__file__).parent / "data" / "pbzip2.trace.gz"
    result = runner.invoke(app, ["show", str(shipped), "--at", str(at)])
    assert result.exit_code == 0, result.output
    assert f"call {at}, allocator" in result.output
    unmarked = result.output.replace("*", " ")
    for line in expected.splitlines():
        assert line.strip() in unmarked


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "calls.trace", "--at", "99"], 2, "expected a call from 1 to 52; found --at 99"),
        (["show", "none.trace", "--at", "1"], 2, "none.trace"),
        (["show", "none.jsonl", "--at", "1"], 2, "none.jsonl: expected a recording (.jsonl); found no such file"),
        (["show", "calls.trace"], 2, "--at"),
        (["show", "calls.trace", "--at", "9", "--to", "8"], 2, "expected --to 9 or later"),
        (["show", "calls.trace", "--at", "9", "--to", "80"], 2, "expected a call from 1 to 52; found --to 80"),
        (
            ["step", "none.py"],
            2,
            "none.py: expected a Python program (.py) or a recording (.jsonl); found no such file. Did you",
        ),
        (["step", "two.py", "-o", "no/where.html"], 2, "no/where.html cannot be written: No such file"),
        (["step", "two.py", "--chrome", "no/where.json"], 2, "no/where.json cannot be written"),
        (["figure", "4"], 2, "less than or equal to 3"),
    ],
)
def test_errors_name_cause_and_cure(runner: CliRunner, arguments: list[str], code: int, message: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == code
    assert message in " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.stderr).split())


def test_a_file_that_is_no_recording(runner: CliRunner) -> None:
    Path("x.jsonl").write_text("{}\n", encoding="utf-8")
    for command in (["show", "x.jsonl", "--at", "1"], ["step", "x.jsonl"]):
        result = runner.invoke(app, command)
        assert result.exit_code == 2
        assert "x.jsonl, line 1: the first line does not say" in result.stderr


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_figures(runner: CliRunner, number: str) -> None:
    result = runner.invoke(app, ["figure", number])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"figure-{number}.html: Figure {number}: ")
    assert f'id="figure-{number}-5"' in Path(f"figure-{number}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (
            ["step", "."],
            [".: expected a Python program (.py) or a recording (.jsonl); found a folder", "such as two.py"],
        ),
        (["step", "empty"], ["found a folder. Name a file in it"]),
        (["step", "calls.trace"], ["found a recorded program. It is a trace: pysnmalloc show calls.trace --at 1"]),
        (["step", "pbzip2"], ["found no such file. It is the name of a trace: pysnmalloc show pbzip2 --at 1"]),
        (["step", "tow.py"], ["Did you mean two.py?"]),
        (["show", "empty", "--at", "1"], ["empty: expected a readable file; found a folder"]),
        (["show", "empty.jsonl", "--at", "1"], ["empty.jsonl: expected a recording (.jsonl); found a folder"]),
        (["show", "pbzip", "--at", "1"], ["Did you mean pbzip2?", "redis-lazyfree, pbzip2, git-log, python-json"]),
        (["show", "call.trace", "--at", "1"], ["Did you mean calls.trace?"]),
        (["show", "pbzip2"], ["--at N is missing", "pbzip2"]),
        (["show", "pyton-jsn"], ["Did you mean python-json?"]),
        (["show", "x" * 300], ["expected a readable file"]),
        (["replay", "empty"], ["empty: expected a readable file; found a folder"]),
        (["replay", "redis"], ["Did you mean redis-lazyfree?"]),
        (["replay", "x" * 300], ["expected a readable file"]),
        (["step", "x" * 300], ["expected a Python program"]),
    ],
)
def test_a_wrong_name_is_answered_with_what_is_wanted(
    runner: CliRunner, arguments: list[str], messages: list[str]
) -> None:
    Path("empty").mkdir()
    Path("empty.jsonl").mkdir()
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    error = " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.stderr).split())
    for message in messages:
        assert message in error


def test_shipped_traces_go_by_name(runner: CliRunner) -> None:
    listed = runner.invoke(app, ["show"])
    assert listed.exit_code == 0
    for name in ("redis-lazyfree", "pbzip2", "git-log", "python-json"):
        assert re.search(rf"(?m)^{name} +[0-9]", listed.output)
    by_name = runner.invoke(app, ["show", "pbzip2", "--at", "50"])
    assert by_name.exit_code == 0
    path = Path(sn.__file__).parent / "data" / "pbzip2.trace.gz"
    assert by_name.output == runner.invoke(app, ["show", str(path), "--at", "50"]).output


def test_a_file_hides_the_shipped_trace_of_its_name(runner: CliRunner) -> None:
    Path("pbzip2").write_text(PROGRAM, encoding="utf-8")
    assert "malloc(41)" in runner.invoke(app, ["show", "pbzip2", "--at", "2"]).output
