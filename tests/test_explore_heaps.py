"""The whole allocator explored: proved as it is, and every seeded bug found."""

from __future__ import annotations

import pytest

from pysnmalloc.explore import explore, replay
from pysnmalloc.explore.executions.models import MODELS
from pysnmalloc.explore.scenarios import ALLOCATORS, SCENARIOS
from pysnmalloc.explore.scenarios.seeded import SEEDED, SeededBug
from pysnmalloc.messagequeue import MessageQueue

pytestmark = pytest.mark.same_everywhere

BUGS = {bug.name: bug for bug in SEEDED}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ALLOCATORS)
def test_allocators_are_proved(name: str, model: str) -> None:
    result = explore(SCENARIOS[name], model)
    assert result.verdict == "proved for all executions"
    assert result.executions >= 3


def test_two_and_three_allocators_with_forwarding_are_among_them() -> None:
    threads = {len(SCENARIOS[name].threads()) for name in ALLOCATORS}
    assert threads == {2, 3}


@pytest.mark.parametrize("name", BUGS)
def test_seeded_bugs_are_found(name: str) -> None:
    bug = BUGS[name]
    result = explore(bug.seeded(), bug.model, patience=300)
    assert not result.ok
    finding = result.findings[0]
    again = replay(bug.seeded(), finding.schedule, bug.model)
    assert again is not None
    assert again.kind == finding.kind


@pytest.mark.parametrize("name", [bug.name for bug in SEEDED if bug.model == "cpp20"])
def test_bugs_of_order_are_hidden_by_x86(name: str) -> None:
    assert explore(BUGS[name].seeded(), "tso").verdict == "proved for all executions"


def test_there_are_enough_of_them_each_its_own() -> None:
    assert len(SEEDED) >= 12
    assert len({(bug.owner, bug.method, bug.new) for bug in SEEDED}) == len(SEEDED)


def test_a_change_shows_in_the_finding() -> None:
    bug = BUGS["link-relaxed"]
    finding = explore(bug.seeded(), bug.model).findings[0]
    assert any("first, Order.RELAXED" in step.line for step in finding.steps)
    assert MessageQueue.enqueue.__code__.co_filename.endswith("messagequeue.py")  # the class itself is as it was


def test_text_that_is_not_there_is_refused() -> None:
    bug = SeededBug("nothing", "", MessageQueue, "enqueue", "no such text", "", "home")
    with pytest.raises(ValueError, match=r"occurs 0 times in MessageQueue\.enqueue, not once"):
        bug.seeded().threads()
