"""A traceback holds one error, the one that teaches; a second one only where a learner's own code raised it.

from None     the message says all: what a parser, a look-up or the system said is in it
from error    what failed is a script, a class or a heap that a learner wrote; its traceback shows the line
"""

from __future__ import annotations

import ast
import gzip
import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.cli.scenarios import UnknownScenario, load
from pysnmalloc.explore import ScheduleError, explore, replay, tell
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.lesson.checking import check
from pysnmalloc.memory import Memory
from pysnmalloc.parts import load_parts
from pysnmalloc.quiz import NotANumber, parse_answer
from pysnmalloc.replay import TraceError, read_shipped, read_trace
from pysnmalloc.replay.traces.formats import parse_trace
from pysnmalloc.step import ScriptError, record_script
from tests import obtained

PACKAGE = Path(sn.__file__).parent
CHAINED = {
    ("cli/scenarios.py", "_named"): "the constructor of a learner's scenario",
    ("explore/threads/misuse.py", "_in_words"): "a method of a learner's scenario, outside of its threads",
    ("lesson/exploring.py", "answered"): "an answer to an exercise",
    ("parts/interface.py", "_made"): "the constructor of a learner's part",
    ("parts/loading.py", "load_part"): "a learner's file, while it is imported",
    ("replay/player.py", "play"): "a call of a heap that may be a learner's; the cause is the heap's error",
    ("step/script.py", "record_script"): "a learner's script",
}
"""The functions that chain an error, and whose code raised it."""


def chains(path: Path) -> Iterator[str]:
    """The functions of a module that raise an error from another one."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            raises = [each.cause for each in ast.walk(function) if isinstance(each, ast.Raise)]
            if any(cause is not None and not isinstance(cause, ast.Constant) for cause in raises):
                yield function.name


def test_only_errors_of_a_learners_own_code_are_chained() -> None:
    """Ruff demands that each `raise` in a handler says `from`, so none is chained by accident."""
    found = {(path.relative_to(PACKAGE).as_posix(), name) for path in PACKAGE.rglob("*.py") for name in chains(path)}
    assert found == CHAINED.keys()


# What a learner sees.


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def header(**changes: object) -> list[str]:
    """A recording's first line, changed; None removes a word."""
    made = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=made) as heap:
        heap.malloc(1)
    first = json.loads(next(made.lines())) | changes
    return [json.dumps({name: value for name, value in first.items() if value is not None})]


Case = Callable[[Path], object]
ONE: dict[str, tuple[type[Exception], str, Case]] = {
    "config": (sn.ConfigError, "slab_bits is 99", lambda _: sn.CLASSROOM.replace(slab_bits=99)),
    "reserve": (sn.ConfigError, "reserve at least", lambda _: sn.Heap(sn.CLASSROOM, reserve=100)),
    "refused": (sn.SpaceRefused, "the operating system refused", lambda _: sn.Heap(reserve=1 << 60)),
    "part, no file": (sn.PartError, "there is no file", lambda f: load_parts([f"freelist={f}/no.py:FreeList"])),
    "part, no module": (sn.PartError, "there is no module", lambda _: load_parts(["freelist=no.such.module:FreeList"])),
    "part, no name": (sn.PartError, "did you mean Heap", lambda _: load_parts(["freelist=pysnmalloc.heap:Hep"])),
    "part, unknown": (sn.PartError, "did you mean freelist", lambda _: load_parts(["freelst=a.py:B"])),
    "recording, not JSON": (sn.RecordingError, "line 1: Expecting value", lambda _: sn.Recording.parse(["no"])),
    "recording, no reserve": (
        sn.RecordingError,
        "line 1: the first line lacks a valid config, reserve or decommit",
        lambda _: sn.Recording.parse(header(reserve=None)),
    ),
    "recording, no decommit": (
        sn.RecordingError,
        "line 1: the first line lacks a valid config, reserve or decommit",
        lambda _: sn.Recording.parse(header(decommit=None)),
    ),
    "recording, decommit": (
        sn.RecordingError,
        "'often' is not a valid Decommit",
        lambda _: sn.Recording.parse(header(decommit="often")),
    ),
    "recording, config": (
        sn.RecordingError,
        "line 1: .*slab_bits is 99",
        lambda _: sn.Recording.parse(header(config={"slab_bits": 99})),
    ),
    "recording, not text": (
        sn.RecordingError,
        "line 1: Expecting value",
        lambda f: ((f / "a.jsonl").write_bytes(b"\xff\xfe\n"), sn.Recording.load(f / "a.jsonl")),
    ),
    "trace, no file": (TraceError, "expected a readable file", lambda f: read_trace(f / "no.trace")),
    "trace, damaged": (
        TraceError,
        "expected a complete gzip file",
        lambda _: parse_trace(gzip.compress(b"# threads 1\n")[:-5], "a.trace.gz"),
    ),
    "trace, a line": (TraceError, "line 2", lambda _: parse_trace(b"# threads 1\nm 0\n", "a.trace")),
    "trace, a number": (TraceError, "line 2", lambda _: parse_trace(b"# threads 1\nm 0 x 0\n", "a.trace")),
    "trace, not shipped": (TraceError, "a shipped trace", lambda _: read_shipped("no")),
    "schedule, a word": (ScheduleError, "is not a turn", lambda _: tell(SCENARIOS["lost-update"], "A B*")),
    "schedule, a thread": (ScheduleError, "no thread", lambda _: tell(SCENARIOS["lost-update"], "X")),
    "schedule, a source": (ScheduleError, "turn 1", lambda _: tell(SCENARIOS["lost-update"], "A=B7")),
    "schedule, too short": (ScheduleError, "could continue", lambda _: replay(SCENARIOS["lost-update"], "A")),
    "model": (ValueError, "no memory model", lambda _: explore(SCENARIOS["lost-update"], "arm")),
    "site": (ValueError, "no.such", lambda _: explore(SCENARIOS["lost-update"], weaken={"no.such": sn.Order.RELAXED})),
    "scenario, a name": (UnknownScenario, "there is no scenario", lambda _: load("lost")),
    "scenario, a module": (UnknownScenario, "there is no module", lambda _: load("no.such:Scenario")),
    "script, exit": (ScriptError, "exit code 3", lambda f: record_script(write(f / "a.py", "raise SystemExit(3)"))),
    "script, no heap": (ScriptError, "creates no heap", lambda f: record_script(write(f / "a.py", "pass"))),
    "exercise": (ValueError, "no such exercise", lambda _: check("77.1", 1)),
    "answer": (NotANumber, "is not a number", lambda _: parse_answer("x")),
    "live": (TypeError, "cannot be pickled", lambda _: Memory.__reduce__(sn.Heap(sn.CLASSROOM).memory)),
}


def tracebacks(error: BaseException) -> int:
    """How many errors the traceback of one shows."""
    return "".join(traceback.format_exception(error)).count("Traceback (most recent call last)")


@pytest.mark.parametrize("case", ONE)
def test_one_error_is_shown(case: str, tmp_path: Path) -> None:
    kind, message, call = ONE[case]
    with pytest.raises(kind, match=message) as caught:
        call(tmp_path)
    assert tracebacks(caught.value) == 1


def test_the_public_errors_show_one() -> None:
    """But for a call of a trace, whose cause is the heap's error, and a script or scenario, whose cause is its own."""
    several = {type(error).__name__ for error in obtained.errors() if error.__traceback__ and tracebacks(error) > 1}
    assert several == {"CallError", "ScenarioError", "ScriptError"}


# Where a learner's own code raised an error, both are shown.

FILE = """
from pysnmalloc.explore import Scenario

class Part:
    def __init__(self, *_):
        raise RuntimeError("written by a learner")

class Own(Scenario):
    def __init__(self):
        raise TypeError("written by a learner")
"""
BOTH: dict[str, tuple[type[Exception], Case]] = {
    "the part": (
        sn.PartError,
        lambda f: sn.Heap(sn.CLASSROOM, parts=load_parts([f"freelist={write(f / 'a.py', FILE)}:Part"])),
    ),
    "the file": (sn.PartError, lambda f: load_parts([f"freelist={write(f / 'b.py', 'written by a learner')}:Part"])),
    "the scenario": (UnknownScenario, lambda f: load(f"{write(f / 'c.py', FILE)}:Own")),
    "the script": (ScriptError, lambda f: record_script(write(f / "d.py", "raise ValueError('written by a learner')"))),
}


@pytest.mark.parametrize("case", BOTH)
def test_both_errors_are_shown_where_a_learner_wrote_the_code(case: str, tmp_path: Path) -> None:
    kind, call = BOTH[case]
    with pytest.raises(kind) as caught:
        call(tmp_path)
    text = "".join(traceback.format_exception(caught.value))
    assert "written by a learner" in text
    assert "The above exception was the direct cause of the following exception" in text
    assert "During handling of the above exception" not in text
