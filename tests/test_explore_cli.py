"""``pysnmalloc explore``: what it prints and writes, exit codes, and errors as messages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pysnmalloc.atomics import Order
from pysnmalloc.cli import app, common
from pysnmalloc.cli.explore import pool
from pysnmalloc.cli.scenarios import UnknownScenario, load
from pysnmalloc.explore import explore
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.seeded import SEEDED

EXCHANGE = "MessageQueue.enqueue exchange"
OWN = """
from pysnmalloc.atomics import Order
from pysnmalloc.explore import Scenario, Wrong

class Mine(Scenario):
    name = "mine"

    def threads(self):
        return {"A": self.add, "B": self.add}

    def add(self, place):
        seen = place.atomics.load(8, Order.RELAXED)
        place.atomics.store(8, seen + 1, Order.RELAXED)

    def judge(self, place, results):
        if place.memory.u64[1] != 2:
            raise Wrong("lost update")

class Needy(Mine):
    def __init__(self, size):
        self.size = size

needy = Needy(64)
number = 7
"""


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return CliRunner()


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "queue.py"  # a name that a module of the standard library has
    path.write_text(OWN)
    return str(path)


class Ran(NamedTuple):
    output: str
    stdout: str
    stderr: str


def run(runner: CliRunner, *arguments: str, code: int = 0) -> Ran:
    ran = runner.invoke(app, ["explore", *arguments])
    assert ran.exit_code == code, ran.output
    return Ran(ran.output, ran.stdout, ran.stderr)


def test_without_a_name_scenarios_are_listed(runner: CliRunner) -> None:
    output = run(runner).output
    for name, scenario in SCENARIOS.items():
        assert name in output
        if not name.startswith("litmus:"):
            assert scenario.about.split()[0] in output
    assert all(f"bug:{bug.name}" in output for bug in SEEDED)
    assert "§2.5" in output


def test_help(runner: CliRunner) -> None:
    output = run(runner, "--help").output
    options = "model plain preemptions random pct seed weaken weaken-each replay tell executions jobs html json"
    assert [option for option in options.split() if f"--{option}" not in output] == []
    assert "Exit code 2" in output


def test_what_is_proved_ends_with_0(runner: CliRunner) -> None:
    ran = run(runner, "queue")
    assert ran.output.startswith("queue, model cpp20: proved for all executions\n")
    assert ran.stderr == ""


def test_what_is_found_ends_with_1_and_is_shown(runner: CliRunner) -> None:
    output = run(runner, "queue-published", code=1).output
    assert output.startswith("queue-published, model cpp20: wrong: lost message\n")
    assert "≠ newest" in output


def test_all_models(runner: CliRunner) -> None:
    output = run(runner, "queue-published", "--model", "all", code=1).output
    assert re.findall(r"(?m)^queue-published, model (\w+): (\w+)", output) == [
        ("sc", "proved"),
        ("tso", "proved"),
        ("cpp20", "wrong"),
        ("rc11", "wrong"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plain"], "model sc: proved for all executions; every interleaving; 4,200, of 22 classes"),
        (["--preemptions", "1"], "proved for all executions with at most 1 preemptions"),
        (["--random", "20", "--seed", "3"], "nothing wrong in 20 executions; drawn at random, seed 3; no proof"),
        (["--random", "20", "--pct", "2"], "by random priorities, depth 2, seed 0"),
        (["--executions", "5"], "nothing wrong in 5 executions"),
    ],
)
def test_ways_through(runner: CliRunner, arguments: list[str], words: str) -> None:
    output = " ".join(run(runner, "queue", *arguments).output.split())
    for word in words.split("; "):
        assert word in output


def test_the_command_shown_replays_the_finding(runner: CliRunner) -> None:
    output = run(runner, "queue", "--weaken", f"{EXCHANGE}=release", code=1).output
    assert f"weakened    {EXCHANGE} is release" in output
    (command,) = re.findall(r"(?m)^once more: pysnmalloc explore (.*)$", output)
    words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', command)]
    again = run(runner, *words, code=1).output
    assert again.startswith("lost message: ")
    assert again.strip() in output


def test_a_schedule_without_fault_is_told_and_ends_with_0(runner: CliRunner) -> None:
    assert "nothing wrong" in run(runner, "queue", "--replay", "A*3 B*3 C*4").output
    told = run(runner, "queue", "--tell", "A*2 C", "--model", "sc").output
    assert "model sc · 3 steps" in told


def test_weaken_each_shows_which_orders_are_needed(runner: CliRunner) -> None:
    output = run(runner, "queue", "--weaken-each").output
    assert re.search(rf"{EXCHANGE} +acq_rel +release +needed: lost message +10", output)
    output = run(runner, "queue", "--weaken-each", "--model", "tso").output
    assert "not needed here" in output
    assert "needed:" not in output


def test_json(runner: CliRunner) -> None:
    data = json.loads(run(runner, "queue-published", "--model", "all", "--json", code=1).output)
    assert [report["model"] for report in data["reports"]] == ["sc", "tso", "cpp20", "rc11"]
    last = data["reports"][-2]
    assert (last["verdict"], last["ok"], last["exhausted"]) == ("wrong: lost message", False, True)
    (wanted,) = explore(SCENARIOS["queue-published"]).findings
    (finding,) = last["findings"]
    assert finding["schedule"] == wanted.schedule
    assert [step["operation"] for step in finding["steps"]] == [step.operation for step in wanted.steps]
    assert sum(each["executions"] for each in last["outcomes"]) == 22


def test_json_of_one_execution(runner: CliRunner) -> None:
    (report,) = json.loads(run(runner, "queue", "--json", "--tell", "A", "--weaken", f"{EXCHANGE}=relaxed").output)[
        "reports"
    ]
    assert report["report"] == "execution"
    assert [step["thread"] for step in report["steps"]] == ["A"]
    assert report["weakened"] == {EXCHANGE: "relaxed"}


def test_json_of_a_finding(runner: CliRunner) -> None:
    schedule = explore(SCENARIOS["queue"], weaken={EXCHANGE: Order.RELAXED}).findings[0].schedule
    options = ["--weaken", f"{EXCHANGE}=relaxed", "--replay", schedule, "--json"]
    (report,) = json.loads(run(runner, "queue", *options, code=1).output)["reports"]
    assert (report["report"], report["kind"]) == ("finding", "lost message")
    assert report["weakened"] == {EXCHANGE: "relaxed"}


def test_html(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "found.html"
    run(runner, "queue-published", "--html", str(path), code=1)
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "<title>pysnmalloc explore queue-published</title>" in html
    assert "cannot be written" in run(runner, "queue", "--html", str(tmp_path / "no" / "such"), code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["queeu"], ["no scenario “queeu”", "did you mean queue", "file.py:Class"]),
        (["litmus:XY"], ["no scenario “litmus:XY”"]),
        (["bug:link-relaxt"], ["did you mean bug:link-relaxed"]),
        (["link-relaxed"], ["did you mean bug:link-relaxed"]),
        (["litmus:mp"], ["did you mean litmus:MP"]),
        (["MP"], ["did you mean litmus:MP"]),
        (["Stack"], ["did you mean stack"]),
        (["publish"], ["did you mean stack-published or queue-published"]),
        (["nosuch"], ["did you mean", "Without a name, pysnmalloc explore lists all"]),
        (["no.such.module:Thing"], ["no module no.such.module"]),
        (["no/such/file.py:Thing"], ["no file no/such/file.py"]),
        (["pysnmalloc.explore:Nothing"], ["pysnmalloc.explore has no Nothing", "name a subclass"]),
        (["pysnmalloc.explore:explore"], ["is not a Scenario"]),
        (["queue", "--plain", "--model", "rc11"], ["use the model sc"]),
        (["queue", "--plain", "--random", "3"], ["choose one"]),
        (["queue", "--pct", "3"], ["random"]),
        (["queue", "--weaken", "x=relaxed"], ["no thread reaches x", EXCHANGE]),
        (["queue", "--weaken", "x"], ["SITE=ORDER", "acq_rel"]),
        (["queue", "--weaken", "x=weak"], ["SITE=ORDER", "acq_rel"]),
        (["queue", "--replay", "A*3 Q"], ["turn 4", "no thread “Q”"]),
        (["queue", "--replay", "A*3"], ["could continue"]),
        (["queue", "--tell", "A^^"], ["“A^^” is not a turn"]),
        (["queue", "--tell", "A", "--replay", "A"], ["choose one"]),
        (["queue", "--tell", "A", "--model", "all"], ["one model"]),
        (["queue", "--jobs", "2", "--plain"], ["--jobs"]),
        (["queue", "--weaken-each", "--json"], ["--weaken-each"]),
        (["queue", "--weaken-each", "--random", "5"], ["--weaken-each"]),
        (["queue", "--tell", "A", "--plain"], ["one execution"]),
        (["queue", "--model", "power"], ["power"]),
    ],
)
def test_what_cannot_be_understood_ends_with_2(runner: CliRunner, arguments: list[str], words: list[str]) -> None:
    ran = run(runner, *arguments, code=2)
    said = " ".join(re.sub("[│╭╮╰╯─]", " ", ran.stderr).split())
    assert [word for word in words if word not in said] == []
    assert ran.stdout == ""


def test_scenarios_of_ones_own(runner: CliRunner, own: str) -> None:
    output = run(runner, f"{own}:Mine", code=1).output
    assert "mine, model cpp20: wrong: lost update" in output
    assert f"pysnmalloc explore {own}:Mine --model cpp20 --replay" in output
    assert "wrong: lost update" in run(runner, f"{own}:needy", code=1).output
    assert "without arguments" in run(runner, f"{own}:Needy", code=2).stderr
    assert "is not a Scenario" in run(runner, f"{own}:number", code=2).stderr


def test_a_module_of_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_scenarios.py").write_text(OWN)
    (tmp_path / "my_broken.py").write_text("import no_such_thing_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load("my_scenarios:Mine").name == "mine"
    with pytest.raises(
        UnknownScenario, match=r"my_broken cannot be loaded: it raises ModuleNotFoundError.*no_such_thing"
    ):
        load("my_broken:Mine")
    with pytest.raises(UnknownScenario, match="no module my_other"):
        load("my_other:Mine")


def test_a_built_in_scenario_and_a_bug_by_name() -> None:
    assert load("queue") is SCENARIOS["queue"]
    assert load("bug:link-relaxed").name == "home with link-relaxed"


def test_several_processes_find_the_same(runner: CliRunner, own: str) -> None:
    for name in ("queue-published", f"{own}:Mine"):
        alone = run(runner, name, "--json", code=1).output
        assert json.loads(run(runner, name, "--json", "--jobs", "2", code=1).output) == json.loads(alone)


def test_a_scenario_of_a_file_can_be_sent_to_another_process(own: str) -> None:
    name = f"{own}:Mine"
    with pool(name, 2) as executor:
        assert executor is not None
        assert executor.submit(getattr, load(name), "name").result() == "mine"
    with pool(name, 1) as executor:
        assert executor is None


def test_progress_is_for_terminals_and_for_long_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for terminal in (True, False):
        for patience in (0.0, 1e9):
            monkeypatch.setattr(common, "Console", lambda stderr, t=terminal: Console(stderr=stderr, force_terminal=t))
            with common.tally("queue, sc", "executions", patience) as tally:
                tally.show(2_560)
                assert tally.visible is (terminal and patience == 0.0)
            said[terminal, patience] = capsys.readouterr().err
    assert {key for key, text in said.items() if text} == {(True, 0.0)}
    assert "queue, sc: 2,560 executions" in said[True, 0.0]
    assert "per second" in said[True, 0.0]


def test_orders_are_those_of_the_library(runner: CliRunner) -> None:
    for order in Order:
        assert runner.invoke(app, ["explore", "queue", "--weaken", f"{EXCHANGE}={order.value}"]).exit_code < 2


RESTLESS = """
import os
from pysnmalloc.atomics import Order
from pysnmalloc.explore import Scenario

class Restless(Scenario):
    name = "restless"

    def setup(self, place):
        place.memory.u64[20] = os.getpid()

    def threads(self):
        return dict.fromkeys("ABC", self.run)

    def run(self, place):
        for _ in range(2):
            place.atomics.fetch_add(64, 1, Order.RELAXED)
"""


def test_an_error_of_a_worker_is_a_message_too(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "restless.py"
    path.write_text(RESTLESS)
    ran = run(runner, f"{path}:Restless", "--jobs", "2", code=1)
    assert ran.stderr.startswith("Error: Restless.setup leaves different bytes each time")
    assert "Traceback" not in ran.stderr


CREATED = """
from pysnmalloc.explore import Scenario

class Mine(Scenario):
    def __init__(self):
        self.size = None + 1
"""
SET_UP = """
from pysnmalloc.explore import Scenario

class Mine(Scenario):
    def setup(self, place):
        self.nothing()

    def threads(self):
        return {"A": lambda place: None}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CREATED, r"Mine cannot be created: it raises TypeError: .*, at `self.size = None \+ 1` \(mine.py:6\)"),
        (SET_UP, r"Mine.setup raises AttributeError: .*, at `self.nothing\(\)` \(mine.py:6\)"),
        ("{}['x']", r"mine.py cannot be loaded: it raises KeyError: 'x', at `\{\}\['x'\]` \(mine.py:1\)"),
        ("def (", r"mine.py cannot be loaded: it raises SyntaxError: invalid syntax \(mine.py, line 1\)"),
    ],
)
def test_an_error_of_ones_own_file_is_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    result = CliRunner().invoke(app, ["explore", f"{file}:Mine"])
    assert result.exit_code == 2
    assert re.fullmatch(rf"Error: .*{words}", " ".join(result.output.split())), result.output
