"""The command line: output, exit codes, and errors as messages."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import pysnmalloc as sn
from pysnmalloc import doctor
from pysnmalloc.cli import app, common, replay
from pysnmalloc.doctor import Check, Outcome
from pysnmalloc.doctor.check import Absent, demand, make
from pysnmalloc.replay import parse_trace
from pysnmalloc.replay import replay as replay_trace
from pysnmalloc.replay.report import bytes_text

DATA = Path(__file__).parent / "data"
SHIPPED = Path(sn.__file__).parent / "data"

PIPELINE = "# threads 2\n" + "".join(f"m 0 {40 + thing} {thing}\nf 1 {thing}\n" for thing in range(50))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return CliRunner()


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    path = tmp_path / "pipeline.trace"
    path.write_text(PIPELINE)
    return str(path)


def value(output: str, label: str) -> str:
    """The text behind a table's label."""
    match = re.search(re.escape(label) + r" +(\S+(?: [KMG]?i?B)?)", output)
    assert match, f"{label!r} is not in the output:\n{output}"
    return match[1]


def test_version(runner: CliRunner) -> None:
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"pysnmalloc {sn.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["replay", "quiz", "doctor", "--version", "Message Passing"]),
        (["replay", "--help"], ["--threads", "--no-verify", "--json", "--remote-cache", "valgrind", "Exit code 1"]),
        (["doctor", "-h"], ["--seconds", "this machine"]),
    ],
)
def test_help(runner: CliRunner, arguments: list[str], words: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0
    for word in words:
        assert word in result.output


def test_without_arguments_there_is_help(runner: CliRunner) -> None:
    assert "replay" in runner.invoke(app, []).output


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a program."""
    return subprocess.run(
        [sys.executable, "-m", "pysnmalloc", *arguments],
        cwd=Path(sn.__file__).parents[1],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_module_runs_as_a_program() -> None:
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, f"pysnmalloc {sn.__version__}\n")


def test_replay_without_a_file_replays_redis(runner: CliRunner) -> None:
    result = runner.invoke(app, ["replay", "--no-verify"])
    assert result.exit_code == 0
    assert "redis-lazyfree.trace.gz" in result.output
    assert "contents not verified" in result.output
    assert value(result.output, "all calls") == "177,718"
    assert value(result.output, "freed by another thread") == "27,180"
    assert value(result.output, "hops per message") == "1.00"
    assert "the heap counted 15,442 live objects" in " ".join(result.output.split())
    assert "S superslab" in result.output


def test_replay_says_what_it_did(runner: CliRunner, pipeline: str) -> None:
    result = runner.invoke(
        app, ["replay", pipeline, "--config", "classroom", "--remote-cache", "0", "--decommit", "slab", "--checked"]
    )
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "Program trace of 2 threads, replayed in recorded order, contents verified." in text
    assert "Configuration classroom: 8 KiB chunks, 0 B remote cache, decommit slab, checked mode." in text
    assert value(result.output, "lists sent") == "50"
    assert "came home except 1, which stays in its queue as the newest" in text
    assert not result.stderr


def test_replay_with_real_threads(runner: CliRunner) -> None:
    result = runner.invoke(app, ["replay", "--threads", "real", str(SHIPPED / "pbzip2.trace.gz")])
    assert result.exit_code == 0
    assert "with real threads" in result.output
    assert value(result.output, "freed by another thread") == "165"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_reports_fit_80_columns(runner: CliRunner, pipeline: str, columns: str) -> None:
    pbzip2 = str(SHIPPED / "pbzip2.trace.gz")
    result = runner.invoke(app, ["replay", "--no-verify", pipeline, pbzip2], env={"COLUMNS": columns})
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert len(lines) > 60
    assert [line for line in lines if len(line) > 80] == []
    assert "…" not in result.output


def test_numbers_are_right_aligned(runner: CliRunner, pipeline: str) -> None:
    output = runner.invoke(app, ["replay", pipeline]).output
    matches = [
        re.search(rf"^{label} +[\d,]+", output, re.MULTILINE)
        for label in ("malloc", "freed by another thread", "all calls", "calls per second")
    ]
    assert len({match.end() - match.start() for match in matches if match}) == 1
    assert None not in matches


def test_several_traces_are_replayed_one_after_another(runner: CliRunner, pipeline: str) -> None:
    result = runner.invoke(app, ["replay", "--json", pipeline, str(SHIPPED / "pbzip2.trace.gz"), "--no-verify"])
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert data["pysnmalloc"] == sn.__version__
    assert [each["total_calls"] for each in data["replays"]] == [100, 806]
    assert [each["verified"] for each in data["replays"]] == [False, False]
    assert data["replays"][0]["messages"]["remote_frees"] == 50


def test_reference_trace_is_compared(runner: CliRunner) -> None:
    result = runner.invoke(app, ["replay", str(DATA / "1mib-one-medium.trace.gz"), "--no-verify"])
    assert result.exit_code == 0
    assert "Configuration paper-1mib: 1 MiB chunks" in result.output
    assert "10,150 addresses match the recorded ones." in result.output


def test_reference_trace_with_another_configuration_fails(runner: CliRunner) -> None:
    path = str(DATA / "1mib-one-medium.trace.gz")
    result = runner.invoke(app, ["replay", path, "--config", "paper", "--no-verify"])
    assert result.exit_code == 1
    assert f"Error: {path}, line 5: object 2 should be at chunk 1 + 0x20000 as recorded" in result.stderr
    assert "--config" in result.stderr
    assert result.stdout == ""


def test_standard_input(runner: CliRunner) -> None:
    result = runner.invoke(app, ["replay", "-"], input=PIPELINE)
    assert result.exit_code == 0
    assert "standard input" in result.output


def test_notes_are_shown(runner: CliRunner) -> None:
    result = runner.invoke(app, ["replay", "-"], input="--1-- malloc(9) = 0x40\n--2-- free(0x40)\n")
    assert "Note: the calls of 1 other process were skipped" in result.output


def test_malformed_trace_is_named(runner: CliRunner, tmp_path: Path, pipeline: str) -> None:
    bad = tmp_path / "bad.trace"
    bad.write_text("# threads 1\nm 0 8 0\nf 0 1\n")
    result = runner.invoke(app, ["replay", "--json", pipeline, str(bad)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {bad}, line 3: expected a live object; found object 1")
    assert "Traceback" not in result.output
    assert len(json.loads(result.stdout)["replays"]) == 1  # the one before is not lost


def test_missing_file(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["replay", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_exhausted_heap(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "large.trace.gz"
    path.write_bytes(gzip.compress(b"# threads 1\nm 0 900000 0\nm 0 900000 1\n"))
    result = runner.invoke(app, ["replay", str(path), "--config", "classroom", "--reserve", "2MiB", "--no-verify"])
    assert result.exit_code == 1
    assert "line 3: malloc(900000) by thread 0 failed: out of address space" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--threads", "many"], "many"),
        (["--config", "tiny"], "tiny"),
        (["--remote-cache", "8 bananas"], "not a number of bytes"),
        (["--remote-cache", "-1"], "not a number of bytes"),
        (["--decommit", "sometimes"], "sometimes"),
        (["--reserve", "1KiB"], "leaves no room"),
        (["--what"], "No such option"),
    ],
)
def test_usage_errors(runner: CliRunner, pipeline: str, arguments: list[str], words: str) -> None:
    result = runner.invoke(app, ["replay", pipeline, *arguments])
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("4096", 4096), ("7B", 7), ("8KiB", 8192), ("1MiB", 1 << 20), ("2g", 2 << 30)]
)
def test_sizes_on_the_command_line(text: str, size: int) -> None:
    assert common.parse_bytes(text) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (1023, "1,023 B"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (1 << 50, "1,024.0 TiB"),
    ],
)
def test_sizes_for_people(size: int | None, text: str) -> None:
    assert bytes_text(size) == text


def test_configurations_on_the_command_line_are_those_of_the_library() -> None:
    assert {preset.value for preset in replay.Preset} == set(sn.PRESETS)


# Progress.


def test_progress_is_for_terminals_and_for_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[tuple[bool, float], bool] = {}
    for terminal in (True, False):
        for patience in (0.0, 1e9):
            monkeypatch.setattr(common, "Console", lambda stderr, t=terminal: Console(stderr=stderr, force_terminal=t))
            with common.bar(patience) as bar:
                bar.show("work", 0.5)
                shown[terminal, patience] = bar.visible
            assert not bar.visible
    assert shown == {(True, 0.0): True, (True, 1e9): False, (False, 0.0): False, (False, 1e9): False}


# Doctor.


def test_doctor_makes_all_checks_however_little_time_there_is() -> None:
    # In a process of its own, since it forks.
    done = program("doctor", "--seconds", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    for name, _, _ in doctor.CHECKS:
        assert name in done.stdout
    assert "CPython" in done.stdout
    assert "failed" not in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []


def test_doctor_fails_when_a_check_fails(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str:
        demand(False, "the queue lost a message")
        return ""

    def absent(_: object) -> str:
        raise Absent("not on this planet")

    checks = (("good", 1, lambda _: "as expected"), ("bad", 1, fail), ("strange", 1, absent))
    monkeypatch.setattr(doctor, "CHECKS", checks)
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert re.search(r"good +ok +as expected", result.output)
    assert re.search(r"bad +failed +AssertionError: the queue lost a message", result.output)
    assert re.search(r"strange +absent +not on this planet", result.output)
    assert "1 of 3 checks failed." in result.stderr


def test_a_check_that_raises_anything_has_failed() -> None:
    def look(_: object) -> str:
        raise ArithmeticError("out of numbers")

    assert make("sums", look, lambda: True) == Check("sums", Outcome.FAILED, "ArithmeticError: out of numbers")


def test_doctor_reports_progress_and_stops_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", doctor.CHECKS[4:6])
    asked: list[str] = []
    checks = list(doctor.examine(0.0, lambda name, share: asked.append(f"{name} {share}")))
    assert len(checks) == len(doctor.CHECKS)
    assert {text.rsplit(" ", 1)[0] for text in asked} == {name for name, _, _ in doctor.CHECKS}
    assert all(text.endswith(" 1.0") for text in asked)


def test_facts_tell_whether_there_is_a_gil() -> None:
    facts = doctor.describe()
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert facts["GIL"] == ("on" if enabled else "off")
    assert facts["interpreter"].split()[-1] == sys.version.split()[0]  # 3.14.0b4 too, which is 3.14.0 in numbers


def test_doctor_finds_a_heap_that_mixes_objects_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(sn.Heap):
        def acquire(self, number: int | None = None) -> sn.Allocator:
            allocator = super().acquire(number)
            malloc, given = allocator.malloc, list[int]()

            def again(size: int) -> int:
                given.append(malloc(size))
                return given[-1 - (len(given) % 50 == 0)]

            allocator.malloc = again
            return allocator

    monkeypatch.setattr(doctor.selftest, "Heap", Broken)
    checks = {"random operations, classroom", "producer and consumer threads"}
    monkeypatch.setattr(doctor, "CHECKS", [check for check in doctor.CHECKS if check[0] in checks])
    outcomes = {check.name: check.outcome for check in doctor.examine(0.0, lambda name, share: None)}  # noqa: ARG005
    assert outcomes == dict.fromkeys(checks, Outcome.FAILED)


def test_reports_of_library_and_command_line_agree(runner: CliRunner, pipeline: str) -> None:
    result = replay_trace(parse_trace(PIPELINE.encode(), pipeline))
    data = json.loads(runner.invoke(app, ["replay", "--json", pipeline]).stdout)["replays"][0]
    expected = json.loads(json.dumps(result.as_dict()))
    for each in (data, expected):
        for of_time_or_place in ("seconds", "calls_per_second", "peaks", "statistics"):
            del each[of_time_or_place]
    assert data == expected
