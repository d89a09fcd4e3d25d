"""Schedules on real threads: the explorer and the operating system's threads agree."""

from __future__ import annotations

import random
import threading
from collections.abc import Hashable, Mapping

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, explore, replay, tell
from pysnmalloc.explore.executions.graph import Graph
from pysnmalloc.explore.findings.result import Outcome
from pysnmalloc.explore.realthreads import Ran, run_on_threads
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.schedules.playing import play
from pysnmalloc.explore.schedules.schedule import Schedule, ScheduleError
from pysnmalloc.explore.search.exploration import Exploration
from pysnmalloc.explore.search.interleave import Interleavings
from pysnmalloc.explore.threads.scenario import ThreadCode
from pysnmalloc.explore.threads.segment import NewCell


def some_interleavings(scenario: Scenario, count: int) -> dict[str, Outcome | tuple[str, str]]:
    """Some of all interleavings, drawn by lot, with what the explorer says of each."""
    exploration = Exploration(scenario, "sc", {}, 500)
    while True:
        exploration.prepare()
        seen: list[str] = []

        def note(_: Hashable) -> bool:
            seen.append(" ".join(exploration.names[thread] for thread in walk.path))  # noqa: B023  # this round's
            return True

        walk = Interleavings(exploration.start, note)
        try:
            assert walk.run()
            break
        except NewCell:
            continue
    drawn = random.Random(1).sample(seen, min(count, len(seen)))
    return {schedule: verdict(scenario, schedule) for schedule in drawn}


def verdict(scenario: Scenario, schedule: str) -> Outcome | tuple[str, str]:
    """What the explorer says of a schedule: the finding, or else the outcome, which ``tell`` lets the judge see."""
    finding = replay(scenario, schedule, "sc")
    if finding is not None:
        return finding.kind, finding.detail
    exploration = Exploration(scenario, "sc", {}, 500)
    exploration.prepare()
    graph = tell(scenario, schedule, "sc").graph
    assert isinstance(graph, Graph)
    told = exploration.verdict(graph)
    assert isinstance(told, Outcome)
    return told


def came_of(ran: Ran) -> Outcome | tuple[str, str]:
    return ran.outcome if ran.outcome is not None else (ran.kind, ran.detail)


@pytest.mark.parametrize("name", ["queue", "queue-split", "stack-untagged", "lost-update"])
def test_explorer_and_real_threads_agree_about_interleavings(name: str) -> None:
    expected = some_interleavings(SCENARIOS[name], 50)
    assert len(expected) > 5
    assert {schedule: came_of(run_on_threads(SCENARIOS[name], schedule)) for schedule in expected} == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("stack-untagged", "ABA"),
        ("queue-split", "lost message"),
        ("lost-update", "lost update"),
        ("figure-3d", "Figure 3(d)"),
        ("deadlock", "deadlock"),
    ],
)
def test_findings_go_wrong_in_the_same_way_on_real_threads(name: str, kind: str) -> None:
    findings = {finding.kind: finding for finding in explore(SCENARIOS[name], "sc").findings}
    ran = run_on_threads(SCENARIOS[name], findings[kind].schedule)
    assert (ran.outcome, ran.kind, ran.detail) == (None, kind, findings[kind].detail)


@pytest.mark.parametrize("name", ["home", "crossing"])
def test_whole_allocators_run_as_told(name: str) -> None:
    """Each thread alone, in turn: as many steps as the explorer says."""
    exploration = Exploration(SCENARIOS[name], "sc", {}, 500)
    schedule = one_after_the_other(exploration)
    ran = run_on_threads(SCENARIOS[name], schedule)
    assert ran.outcome is not None
    assert ran.outcome == verdict(SCENARIOS[name], schedule)


def one_after_the_other(exploration: Exploration) -> str:
    """The interleaving in which each thread runs to its end before the next."""
    while True:
        exploration.prepare()
        turns: list[str] = []
        try:
            graph = exploration.empty()
            while graph.enabled():
                thread = graph.enabled()[0]
                turns.append(exploration.names[thread])
                for _ in play(Schedule.parse(turns[-1]), graph, exploration.names):
                    pass
            return " ".join(turns)
        except NewCell:
            continue


class Names(Scenario):
    """Each thread says who runs it."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.name_of, "B": self.name_of}

    def name_of(self, place: Place) -> Hashable:
        before = threading.get_ident()
        place.atomics.store(64, 1, Order.RELAXED)
        return before, threading.get_ident(), threading.current_thread().name


def test_every_thread_is_an_os_thread_of_its_own() -> None:
    ran = run_on_threads(Names(), "B A")
    assert ran.outcome is not None
    a, b = ran.outcome.results
    assert isinstance(a, tuple)
    assert isinstance(b, tuple)
    assert (a[2], b[2]) == ("A", "B")
    assert a[0] == a[1] != b[0] == b[1]
    assert threading.get_ident() not in (a[0], b[0])


class Steps(Scenario):
    """What is a step, and in which order what is none is done."""

    fields = {64: "x"}  # noqa: RUF012

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": lambda place: self.write(place, 1), "B": lambda place: self.write(place, 2)}

    def write(self, place: Place, mark: int) -> Hashable:
        u64 = place.memory.u64
        u64[16] = u64[16] * 10 + mark  # before the first step: in the order of the lanes
        place.atomics.store(64, mark, Order.SEQ_CST)
        u64[17] = u64[17] * 10 + mark  # at once after the step
        place.atomics.fence(Order.SEQ_CST)
        u64[18] = u64[18] * 10 + mark
        place.atomics.fetch_add(72, 1, Order.RELAXED)
        return None

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        return tuple(place.memory.u64[16 + at] for at in range(3))


def test_plain_accesses_and_fences_belong_to_the_step_before() -> None:
    for schedule, order in (("A B A B", 12), ("B A A B", 21), ("B B A A", 21)):
        ran = run_on_threads(Steps(), schedule)
        assert ran.outcome is not None
        assert ran.outcome.judged == (12, order, order)


class Failing(Scenario):
    """B fails while A has not ended."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.three, "B": self.fail, "C": self.three}

    def three(self, place: Place) -> Hashable:
        return tuple(place.atomics.fetch_add(64, 1, Order.RELAXED) for _ in range(3))

    def fail(self, place: Place) -> Hashable:
        place.atomics.load(64, Order.RELAXED)
        raise RuntimeError("on purpose")


def test_an_error_in_a_thread_is_named_as_in_the_explorer_and_ends_all() -> None:
    before = threading.active_count()
    finding = replay(Failing(), "A B", "sc")
    assert finding is not None
    ran = run_on_threads(Failing(), "A B A A C")
    assert (
        (ran.kind, ran.detail)
        == (finding.kind, finding.detail)
        == (
            "error: RuntimeError",
            'B: on purpose, at `raise RuntimeError("on purpose")`',
        )
    )
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ("A*3 B*3 C=0", "Real threads in Python are"),
        ("A*2 X", "turn 3: there is no thread “X”; the threads are A, B, C"),
        ("A*4", "turn 4: A cannot take a step: it has ended"),
        ("A*3", "the schedule ends, and B, C could continue"),
        ("", "the schedule ends, and A, B, C could continue"),
    ],
)
def test_schedules_that_do_not_fit_are_refused_and_leave_no_thread(schedule: str, reason: str) -> None:
    before = threading.active_count()
    with pytest.raises(ScheduleError, match=reason):
        run_on_threads(SCENARIOS["queue"], schedule)
    assert threading.active_count() == before


class Waiting(Scenario):
    """A waits for what B stores."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": lambda place: place.wait(64, 0, Order.ACQUIRE), "B": self.store}

    def store(self, place: Place) -> Hashable:
        place.atomics.store(64, 5, Order.RELEASE)
        return None


def test_a_thread_waits_in_one_step() -> None:
    assert run_on_threads(Waiting(), "B A").outcome == Outcome((5, None))
    assert replay(Waiting(), "A B", "sc") is None
    assert run_on_threads(Waiting(), "A B") == Ran(None)  # too early: it never gets another turn
