"""A check ends, whatever the answer does, and its verdict says where the answer was."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pysnmalloc.lesson import Trouble, Verdict, call, check, exercise
from pysnmalloc.lesson.judging import JUDGES
from pysnmalloc.lesson.running import underway
from pysnmalloc.lesson.running.budget import LINES, Meter, Spent, limited, place
from pysnmalloc.lesson.verdict import State

from .answers import defined


@pytest.fixture(autouse=True)
def _judge() -> Iterator[None]:
    @exercise("0.99")
    def _(answer: object) -> Iterator[Trouble]:
        for number in (3, 48):
            yield from call(answer, "double", number, wanted=2 * number)

    traced = sys.gettrace()
    yield
    JUDGES.pop("0.99")
    assert sys.gettrace() is traced


def verdict_on(source: str) -> Verdict:
    """Check a function ``double`` that is defined as in a notebook."""
    return check("0.99", defined(source)["double"])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def double(n):\n    while n:\n        pass", "`while n:`, where n = 3"),
        (
            "def double(n):\n    for i in iter(int, 1):\n        n += 2\n    return n",
            "`for i in iter(int, 1):`, where ",
        ),
        ("def double(n):\n    return sum(1 for _ in iter(int, 1))", "at your line `return sum("),
        (
            "def step(n):\n    return n\ndef double(n):\n    while True:\n        if n:\n            step(n)",
            "takes more than",
        ),
        (
            "import time\ndef double(n):\n    while True:\n        linecache.checkcache()\nimport linecache",
            "linecache.",
        ),
    ],
)
def test_an_endless_loop_is_stopped_at_its_line(source: str, told: str) -> None:
    verdict = verdict_on(source)
    assert verdict.state is State.WRONG
    assert verdict.words.startswith("`double(3)` takes more than 100,000 steps, at your line")
    assert told in verdict.words
    assert verdict.words.endswith("it should return 6.")


SWALLOWING = {
    "bare": """
    while True:
        try:
            n += 1
        except:
            pass
""",
    "base": """
    while True:
        try:
            n += 1
        except BaseException as error:
            told = str(error)
""",
    "finally": """
    while True:
        try:
            n += 1
        finally:
            continue
""",
    "returns": """
    def forever():
        while True:
            pass
    try:
        forever()
    except:
        pass
    return 6
""",
    "again": """
    def forever():
        while True:
            pass
    for _ in range(3):
        try:
            forever()
        except:
            continue
    return 6
""",
}


@pytest.mark.parametrize("caught", SWALLOWING.values(), ids=SWALLOWING)
@pytest.mark.filterwarnings("ignore:'continue' in a 'finally' block:SyntaxWarning")
def test_an_answer_that_swallows_every_error_is_stopped_as_well(caught: str) -> None:
    verdict = verdict_on(f"def double(n):{caught}")
    assert verdict.state is State.WRONG
    assert "takes more than 100,000 steps" in verdict.words


HOARDS = [
    "    kept = []\n    while True:\n        kept.append([n] * 100_000)",
    "    text = 'n'\n    while True:\n        text = text + text",
    "    return [bytes([1]) * (1 << 20) for _ in range(1000)]",
]


@pytest.mark.parametrize("hoard", HOARDS)
def test_an_answer_that_hoards_memory_is_stopped(hoard: str) -> None:
    verdict = verdict_on(f"def double(n):\n{hoard}")
    assert "`double(3)` takes more than 64 MiB of memory, at your line `" in verdict.words


OTHERWISE = """
import sys
from pysnmalloc.lesson.running import memory
from pysnmalloc.lesson.running.budget import Spent, limited

memory.STATM = "/nowhere"
if sys.argv[1] != "peak":
    sys.modules["resource"] = {"windows": None, "browser": sys}[sys.argv[1]]

def hoard():
    kept = []
    while True:
        kept.append([0] * 100_000)

for _ in range(2):
    try:
        limited(hoard)
    except Spent as spent:
        print(spent)
print(memory.tracemalloc.is_tracing())
"""


@pytest.mark.parametrize("system", ["peak", "windows", "browser"])
def test_memory_is_measured_on_other_systems_too(system: str) -> None:
    done = subprocess.run([sys.executable, "-c", OTHERWISE, system], capture_output=True, text=True, check=True)
    *told, traced = done.stdout.splitlines()
    assert len(told) == 2
    assert all(words.startswith("takes more than 64 MiB of memory") for words in told)
    assert traced == "False"


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ("exit()", "`double(3)` ends Python with SystemExit, at your line `exit()`; it should return 6."),
        ("raise SystemExit(1)", "ends Python with SystemExit"),
        ("return double(n)", "calls itself without end, at your line `return double(n)`"),
        ("n.add(2)", "raises AttributeError: 'int' object has no attribute 'add', at your line `n.add(2)`"),
        ("return sn.Heap().malloc(-1)", "at your line `return sn.Heap().malloc(-1)`"),
        ("return 2 * m", "raises NameError: name 'm' is not defined"),
    ],
)
def test_an_answer_that_falls_over_is_told_its_own_line(ends: str, told: str) -> None:
    verdict = verdict_on(f"import pysnmalloc as sn\nexit = __import__('sys').exit\ndef double(n):\n    {ends}")
    assert verdict.state is State.WRONG
    assert told in verdict.words


def test_ctrl_c_leaves_a_check() -> None:
    with pytest.raises(KeyboardInterrupt):
        verdict_on("def double(n):\n    raise KeyboardInterrupt")


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit("bye")])
def test_a_judge_that_falls_over_gives_a_verdict(error: BaseException) -> None:
    @exercise("0.99")
    def _(answer: object) -> Iterator[str]:
        if answer == 1:
            raise error
        yield "not asked"

    verdict = check("0.99", 1)
    assert verdict.words.startswith(
        f"the check cannot go on, because your answer led to {type(error).__name__}: {error}"
    )


def test_a_budget_counts_lines_and_calls() -> None:
    def lines(count: int) -> int:
        for _ in range(count):
            pass
        return count

    meter = Meter()
    assert meter.run(lines, 10) == 10
    few = meter.taken
    meter = Meter()
    meter.run(lines, 110)
    assert meter.taken - few == 200
    assert limited(lines, LINES // 2 - 10) == LINES // 2 - 10
    with pytest.raises(Spent, match="takes more than 100,000 steps"):
        limited(lines, LINES // 2 + 10)


def test_what_traced_before_traces_again() -> None:
    def tracing(*_: object) -> None: ...

    before = sys.gettrace()
    sys.settrace(tracing)
    try:
        with pytest.raises(Spent):
            limited(defined("def forever():\n    while True:\n        pass")["forever"])  # type: ignore[arg-type]
        assert sys.gettrace() is tracing
    finally:
        sys.settrace(before)


def test_a_line_is_shown_with_the_values_in_it_and_without_asking_them() -> None:
    names = defined(
        "class Loud:\n    def __repr__(self):\n        raise RuntimeError\n"
        "def where(tell, place):\n    n, far, loud = 3, list(range(20)), Loud()\n"
        "    return tell(place(), n, far, loud)"
    )
    where = names["where"]
    assert callable(where)
    shown = [where(lambda told, *_: told, lambda: place(sys._getframe(1)))]
    (line,) = shown
    assert line.startswith(", at your line `return tell(place(), n, far, loud)`, where n = 3, far = [0, 1, 2, 3")
    assert line.endswith(", 19]")


def test_without_source_a_line_is_named_by_its_number() -> None:
    names: dict[str, object] = {}
    exec("def double(n):\n    while True:\n        n += 1", names)
    words = check("0.99", names["double"]).words
    assert "at line 2 of your `double`" in words or "at line 3 of your `double`" in words


def test_a_check_says_once_that_it_goes_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def spent(number: int) -> int:
        now[0] += 0.4
        return 2 * number

    assert check("0.99", spent).right  # four calls, of 0.4 s each
    assert capsys.readouterr().out == "… Exercise 0.99: still checking\n"
    now[0] = 0
    assert check("0.99", lambda number: 2 * number).right
    assert capsys.readouterr().out == ""
    underway.pulse()
    assert capsys.readouterr().out == ""


def test_a_long_call_gives_a_sign_of_life(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.5, *[2.0] * 100])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    verdict_on("def double(n):\n    while True:\n        n += 1")
    assert capsys.readouterr().out == "… Exercise 0.99: still checking\n"
