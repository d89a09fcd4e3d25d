"""The explorer's helpers for pytest, judged by pytest itself."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import textwrap

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import explore, testing
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.basics import LostUpdate
from pysnmalloc.explore.schedules.schedule import ScheduleError
from pysnmalloc.explore.testing import assert_found, assert_proved, assert_replays, explored
from pysnmalloc.explore.threads.scenario import Scenario

pytest_plugins = ["pytester"]


def documented() -> str:
    """The example in the module's essay."""
    assert testing.__doc__ is not None
    lines = testing.__doc__.splitlines()[2:]
    return textwrap.dedent("\n".join(line for line in lines if not line or line.startswith("    ")))


def test_the_documented_example_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_counter=documented())
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_the_documented_example_can_fail(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_counter=documented().replace("return Counter()", "return Careless()"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["*test_no_update_is_lost?tso?*", "*“scenario”, model tso: wrong: lost update"])
    result.stdout.no_fnmatch_line("*explore/testing.py*")  # failures show the test, not the helper


def message(*arguments: object, **options: object) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_proved(*arguments, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_what_is_proved_passes_and_returns_the_result() -> None:
    result = assert_proved(SCENARIOS["queue"], "sc")
    assert (result.classes, result.exhausted) == (22, True)
    assert assert_proved(SCENARIOS["queue"], "sc", preemptions=1).within == "at most 1 preemptions"


def test_what_is_cut_short_is_not_proved() -> None:
    assert "nothing wrong in 3 executions" in message(SCENARIOS["queue"], "sc", executions=3)
    assert "no proof" in message(SCENARIOS["queue"], "sc", random=3)


def test_a_failure_tells_the_finding() -> None:
    text = message(LostUpdate(), "sc")
    (finding,) = explore(LostUpdate(), "sc").findings
    assert f"“lost-update”, model sc: wrong: {finding.kind}" in text
    assert finding.detail in text
    assert finding.schedule in text
    assert all(step.operation in text for step in finding.steps)


@pytest.mark.parametrize("weaken", [None, {"MessageQueue.enqueue exchange": Order.RELAXED}])
def test_the_test_in_a_failure_can_be_pasted(weaken: dict[str, Order] | None) -> None:
    scenario = SCENARIOS["queue"] if weaken else SCENARIOS["queue-published"]
    text = message(scenario, "cpp20", weaken=weaken)
    (pasted, *_) = re.findall(r"^def test_replay_\w+\(\):\n(?:    .*\n?)+", text, flags=re.MULTILINE)
    assert "QueueScenario(...)  # the scenario that was explored" in pasted
    names: dict[str, object] = {"assert_replays": assert_replays, "Order": Order, "QueueScenario": lambda _: scenario}
    exec(pasted, names)
    name = next(name for name in names if name.startswith("test_replay"))
    names[name]()  # type: ignore[operator]  # the pasted function
    names["QueueScenario"] = lambda _: SCENARIOS["queue"]
    exec(pasted.replace('weaken={"MessageQueue.enqueue exchange": Order.RELAXED}', ""), names)
    with pytest.raises((AssertionError, ScheduleError)):
        names[name]()  # type: ignore[operator]


def test_assert_found_returns_the_finding_or_says_what_was_found() -> None:
    assert assert_found(LostUpdate(), "lost update", "tso").model == "tso"
    with pytest.raises(AssertionError, match="no “ABA”; wrong: lost update"):
        assert_found(LostUpdate(), "ABA")
    with pytest.raises(AssertionError, match="no “lost message”; proved for all executions"):
        assert_found(SCENARIOS["queue"], "lost message")


def test_assert_replays_goes_by_kind() -> None:
    finding = assert_found(LostUpdate(), "lost update", "sc")
    assert assert_replays(LostUpdate(), finding.schedule, "lost update", "sc") == finding
    assert assert_replays(LostUpdate(), "A A B B", None) is None
    with pytest.raises(AssertionError, match=r"(?s)“ABA” was expected\n\n.*two threads added 1, and x is 1"):
        assert_replays(LostUpdate(), finding.schedule, "ABA")
    with pytest.raises(AssertionError, match="no failure was expected"):
        assert_replays(LostUpdate(), finding.schedule, None)
    with pytest.raises(AssertionError, match="“lost update” was expected\n\nthere was no failure"):
        assert_replays(LostUpdate(), "A A B B", "lost update")


@explored("sc", "tso", "cpp20")
def test_the_queue() -> Scenario:
    """A decorated test of our own."""
    return SCENARIOS["queue"]


@explored(finds="lost message")
def test_the_published_queue() -> Scenario:
    return SCENARIOS["queue-published"]


def test_a_decorated_function_is_a_test_of_its_own_name() -> None:
    assert test_the_queue.__name__ == "test_the_queue"
    assert test_the_queue.__doc__ == "A decorated test of our own."
    assert list(inspect.signature(test_the_queue).parameters) == ["model"]
    with pytest.raises(AssertionError, match="no “lost message”; proved"):
        test_the_published_queue("tso")


def test_the_explorer_and_its_helpers_are_imported_without_pytest() -> None:
    code = "import sys, pysnmalloc.explore.testing; print('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
