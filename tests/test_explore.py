"""What the explorer proves and finds: queue, stack, small scenarios; and how it goes through executions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from itertools import pairwise

import pytest

from pysnmalloc.allocator import Parts
from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Result, Scenario, Wrong, explore, replay, tell
from pysnmalloc.explore.findings.result import Outcome
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.queue import QueueScenario
from pysnmalloc.explore.scenarios.stack import PublishedStack, StackScenario, UntaggedStack
from pysnmalloc.explore.schedules.schedule import Schedule, ScheduleError
from pysnmalloc.explore.threads.scenario import ThreadCode
from pysnmalloc.explore.weaken import weaken_each

pytestmark = pytest.mark.same_everywhere

MODELS = ("sc", "tso", "cpp20", "rc11")
EVER = 1 << 60


def kinds(result: Result) -> set[str]:
    return {finding.kind for finding in result.findings}


# Counts that a plain enumerator of somebody else had.


@pytest.mark.parametrize(
    ("name", "interleavings", "classes", "bad_classes"),
    [
        ("lost-update", 6, 4, 2),
        ("queue", 4_200, 22, 0),
        ("queue-split", 34_650, 58, 36),
        ("stack-untagged", 9_355, 33, 1),
    ],
)
def test_interleavings_and_classes(name: str, interleavings: int, classes: int, bad_classes: int) -> None:
    plain = explore(SCENARIOS[name], "sc", plain=True, patience=EVER)
    reduced = explore(SCENARIOS[name], "sc", patience=EVER)
    assert plain.exhausted
    assert reduced.exhausted
    assert (plain.executions, plain.classes) == (interleavings, classes)
    assert (reduced.executions, reduced.classes) == (classes, classes)
    assert set(plain.outcomes) == set(reduced.outcomes)
    assert reduced.executions - sum(reduced.outcomes.values()) == bad_classes
    assert kinds(plain) == kinds(reduced)
    assert [len(f.steps) for f in plain.findings] == [len(f.steps) for f in reduced.findings]


# The queue.


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["queue", "queue-2x2"])
def test_the_queue_is_proved(name: str, model: str) -> None:
    result = explore(SCENARIOS[name], model)
    assert result.ok
    assert result.exhausted
    assert result.verdict == "proved for all executions"


def test_the_published_orders_lose_a_message_in_cpp_only() -> None:
    published = SCENARIOS["queue-published"]
    assert explore(published, "sc").ok
    assert explore(published, "tso").ok
    result = explore(published, "cpp20")
    assert kinds(result) == {"lost message"}
    # The execution: a producer's link goes before the null of the message that it links to.
    (finding,) = result.findings
    links = [step for step in finding.steps if step.after is not None]
    assert [step.operation.split("(")[0] for step in links] == ["store"]
    assert "enqueue store 2" in links[0].site


def test_every_order_of_the_queue_is_needed_and_tso_hides_each() -> None:
    told: list[tuple[str, float]] = []
    weakened = weaken_each(SCENARIOS["queue"], progress=lambda title, share: told.append((title, share)))
    assert told == [(f"{w.site} {w.weaker.value}", place / len(weakened)) for place, w in enumerate(weakened)]
    assert {(w.site, w.weaker.value) for w in weakened} == {
        ("MessageQueue.dequeue fence", "relaxed"),
        ("MessageQueue.enqueue exchange", "acquire"),
        ("MessageQueue.enqueue exchange", "release"),
        ("MessageQueue.enqueue exchange", "relaxed"),
        ("MessageQueue.enqueue store 2", "relaxed"),
    }
    assert all(w.needed for w in weakened)
    assert all(w.result.findings[0].steps for w in weakened)
    assert not any(w.needed for w in weaken_each(SCENARIOS["queue"], "tso"))


def test_a_relaxed_link_brings_a_stale_payload() -> None:
    """Where payloads are plain, the same is a data race."""
    relaxed = {"MessageQueue.enqueue store 2": Order.RELAXED}
    assert explore(SCENARIOS["queue-payload"], "cpp20").exhausted
    assert kinds(explore(SCENARIOS["queue-payload"], "cpp20")) == set()
    assert kinds(explore(SCENARIOS["queue-payload"], "cpp20", weaken=relaxed)) == {"stale payload"}
    assert kinds(explore(SCENARIOS["queue"], "cpp20", weaken=relaxed)) == {"data race"}


def test_figure_3d_is_reached_in_eight_steps() -> None:
    (finding,) = explore(SCENARIOS["figure-3d"], "sc").findings
    assert finding.kind == "Figure 3(d)"
    assert len(finding.steps) == 8
    assert "not reachable" in finding.steps[-1].drawing[0]


# The stack.


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["stack", "stack-3"])
def test_the_stack_is_proved(name: str, model: str) -> None:
    result = explore(SCENARIOS[name], model)
    assert result.ok
    assert result.exhausted


@pytest.mark.parametrize("model", MODELS)
def test_aba_is_found_without_incarnation_number(model: str) -> None:
    assert "ABA" in kinds(explore(SCENARIOS["stack-untagged"], model))


def test_the_published_orders_of_the_stack_deceive_it_in_cpp_only() -> None:
    published = SCENARIOS["stack-published"]
    assert explore(published, "sc").verdict == "proved for all executions"
    assert explore(published, "tso").verdict == "proved for all executions"
    assert kinds(explore(published, "rc11")) == {"ABA"}
    result = explore(published, "cpp20")
    assert kinds(result) == {"ABA"}
    # The execution: a pop finds the newest head, and acquires from a link that is older than it.
    (finding,) = result.findings
    *_, link, last = finding.steps
    assert (link.site, link.read, link.source) == ("PublishedStack.pop load 3", "c2", "the start")
    assert ("c3", "step 11") in link.alternatives
    assert last.site == "PublishedStack.pop compare_exchange"
    assert "releases in the compare-exchange" in finding.note
    assert "does not help" in str(finding)


def test_the_shipped_stack_is_proved_where_the_published_one_fails() -> None:
    """The same threads, which use no chunk, so that they differ by the class alone."""
    plans = {"A": "pop", "B": "pop pop push"}
    assert explore(StackScenario("s", "", plans, use=False)).verdict == "proved for all executions"
    assert not explore(StackScenario("s", "", plans, Parts(stack=PublishedStack), use=False)).ok


def test_aba_is_found_at_every_preemption_bound_that_contains_it() -> None:
    """One preemption is enough: A is stopped between its reads and its compare, B runs through, A goes on."""
    untagged = SCENARIOS["stack-untagged"]
    assert "ABA" not in kinds(explore(untagged, "sc", preemptions=0))
    for bound in (1, 2, 3):
        assert "ABA" in kinds(explore(untagged, "sc", preemptions=bound, patience=EVER)), bound


def test_orders_of_the_stack_that_are_needed() -> None:
    needed = {(w.site, w.weaker.value): w.needed for w in weaken_each(SCENARIOS["stack"])}
    assert needed == {
        ("ChunkStack.pop compare_exchange", "relaxed"): True,
        ("ChunkStack.pop load 2", "relaxed"): True,  # the incarnation number
        ("ChunkStack.push compare_exchange", "relaxed"): True,
    }


# Other kinds of findings.


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lost-update", "lost update"),
        ("deadlock", "deadlock"),
        ("queue-eager", "duplicated message"),
        ("double-free", "double free"),
        ("too-early", "uninitialised read"),
        ("livelock", "livelock within 8 steps"),
    ],
)
@pytest.mark.parametrize("model", MODELS)
def test_findings_have_their_names(name: str, kind: str, model: str) -> None:
    assert kinds(explore(SCENARIOS[name], model, steps=8, patience=50)) == {kind}


def test_both_orders_of_appending_under_a_lock_are_seen() -> None:
    for model in MODELS:
        result = explore(SCENARIOS["append"], model)
        assert result.exhausted
        assert {outcome.judged for outcome in result.outcomes} == {"AB", "BA"}


class Racing(Scenario):
    """A flag says that a plain word was written; its order is the question."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"W": self.write, "R": self.read}

    def write(self, place: Place) -> Hashable:
        place.memory.u32[5] = 7
        place.atomics.store(64, 1, self.order)
        return None

    def read(self, place: Place) -> Hashable:
        place.wait(64, 0, Order.ACQUIRE)
        return place.memory.u8[20]  # a byte of it


def test_a_race_of_plain_accesses_of_different_width() -> None:
    assert explore(Racing(Order.RELEASE)).ok
    result = explore(Racing(Order.RELAXED))
    assert kinds(result) == {"data race"}
    assert "place.memory.u8[20]" in result.findings[0].detail
    assert "place.memory.u32[5] = 7" in result.findings[0].detail
    assert explore(Racing(Order.RELAXED), "tso").ok  # x86 does not reorder stores


class Clash(Scenario):
    """Two threads at one word: by plain writes, or one plainly and one atomically."""

    def __init__(self, *, atomic: bool) -> None:
        self.atomic = atomic

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.write, "B": self.load if self.atomic else self.write}

    def write(self, place: Place) -> Hashable:
        place.memory.u64[8] = 1
        return place.atomics.load(128, Order.RELAXED)

    def load(self, place: Place) -> Hashable:
        return place.atomics.load(64, Order.ACQUIRE)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("atomic", [False, True], ids=["two plain writes", "a plain write and an atomic load"])
def test_a_race_needs_no_plain_read(model: str, atomic: bool) -> None:
    assert kinds(explore(Clash(atomic=atomic), model)) == {"data race"}


class Crash(Scenario):
    """Threads may end by any error."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": lambda place: place.memory.u8[1 << 40], "B": lambda place: place.atomics.load(64, Order.ACQUIRE)}


def test_errors_of_threads_are_findings() -> None:
    assert kinds(explore(Crash())) == {"error: IndexError"}


# Ways through.


def test_bounds_and_lots_are_no_proofs_but_a_bound_gone_through_is_named() -> None:
    queue = SCENARIOS["queue"]
    bounded = explore(queue, "cpp20", preemptions=1)
    assert not bounded.exhausted
    assert bounded.verdict == "proved for all executions with at most 1 preemptions"
    for drawn in (explore(queue, "cpp20", random=50), explore(queue, "cpp20", random=50, pct=3, seed=5)):
        assert not drawn.exhausted
        assert drawn.executions == 50
        assert "no proof" in drawn.verdict
    cut = explore(queue, "sc", executions=5)
    assert not cut.exhausted
    assert cut.executions == 5


def preemptions_of(order: tuple[str, ...]) -> int:
    """How often an order of steps leaves a thread that could go on, counted from the order alone."""
    left = Counter(order)
    count = 0
    for before, after in pairwise(order):
        left[before] -= 1
        count += before != after and left[before] > 0
    return count


def test_a_bound_is_a_number_of_preemptions() -> None:
    """The queue's threads have 3, 3 and 4 steps in every execution, so their orders can be counted by themselves."""
    preemptions = Counter(map(preemptions_of, orders_of("AAABBBCCCC")))
    assert preemptions.total() == 4_200
    for bound in range(4):
        expected = sum(count for number, count in preemptions.items() if number <= bound)
        assert explore(SCENARIOS["queue"], "sc", preemptions=bound).executions == expected


def orders_of(steps: str) -> Iterator[tuple[str, ...]]:
    """All orders of steps, those of one thread being alike."""
    if not steps:
        yield ()
    for first in sorted(set(steps)):
        for rest in orders_of(steps.replace(first, "", 1)):
            yield (first, *rest)


def test_enough_preemptions_reach_all_classes() -> None:
    everything = explore(SCENARIOS["queue"], "cpp20")
    assert explore(SCENARIOS["queue"], "cpp20", preemptions=8).classes == everything.classes


def test_the_same_seed_draws_the_same_executions() -> None:
    first, again = (explore(SCENARIOS["queue"], "cpp20", random=40, seed=3) for _ in range(2))
    other = explore(SCENARIOS["queue"], "cpp20", random=40, seed=4)
    assert first.outcomes == again.outcomes
    assert first.classes == again.classes
    assert (first.outcomes, first.classes) != (other.outcomes, other.classes)


def test_bad_use_is_refused_with_what_to_do() -> None:
    queue = SCENARIOS["queue"]
    with pytest.raises(ValueError, match="choose one of sc, tso, cpp20, rc11"):
        explore(queue, "arm")
    with pytest.raises(ValueError, match="choose one of plain, preemptions and random"):
        explore(queue, "sc", plain=True, random=3)
    with pytest.raises(ValueError, match="use the model sc"):
        explore(queue, "tso", plain=True)
    with pytest.raises(
        ValueError, match=r"no thread reaches Queue\.enqueue; sites are .*MessageQueue\.enqueue exchange"
    ):
        explore(queue, "sc", weaken={"Queue.enqueue": Order.RELAXED})


# Schedules.


@pytest.mark.parametrize(
    ("name", "model"),
    [("queue-published", "cpp20"), ("queue-split", "sc"), ("stack-untagged", "tso"), ("deadlock", "cpp20")],
)
def test_a_finding_replays_by_its_schedule(name: str, model: str) -> None:
    (finding, *_) = explore(SCENARIOS[name], model).findings
    again = replay(SCENARIOS[name], finding.schedule, model)
    assert again is not None
    assert (again.kind, again.detail, again.steps) == (finding.kind, finding.detail, finding.steps)


def test_a_schedule_is_text_and_back() -> None:
    text = "A*2 B C=A2 C=0 B^A1 A=B1^0"
    assert str(Schedule.parse(text)) == text
    assert str(Schedule.parse("A A A B B A")) == "A*3 B*2 A"
    with pytest.raises(ScheduleError, match=r"“A\*\*3” is not a turn"):
        Schedule.parse("A B A**3")


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ("A X", "there is no thread “X”; the threads are A, B, C"),
        ("A*4", "A cannot take a step"),
        ("A*3 C=B2", "“B2” does not name an earlier write to the same cell"),
        ("A*3", "the schedule ends, and B, C could continue"),
    ],
)
def test_schedules_that_do_not_fit_are_refused(schedule: str, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        replay(SCENARIOS["queue"], schedule)


def test_a_stronger_model_refuses_what_a_weaker_one_allows() -> None:
    (finding,) = explore(SCENARIOS["queue-published"], "cpp20").findings
    with pytest.raises(ScheduleError, match="knows of a newer write"):
        replay(SCENARIOS["queue-published"], finding.schedule, "sc")


def test_an_execution_without_fault_is_told() -> None:
    told = tell(SCENARIOS["queue"], "A*3 B*3 C*4")
    assert told.broken is None
    assert told.switches == 2
    assert [step.thread for step in told.steps] == [*"AAABBBCCCC"]
    assert told.before == ("front → stub    back = stub",)
    assert told.steps[5].drawing == ("front → stub → m1 → m2    back = m2",)
    third = told.steps[6]  # the consumer's first load
    assert third.read == "m1"
    assert third.source == "step 3"
    assert third.alternatives == (("0", "the start"),)
    assert third.site == "MessageQueue.dequeue load"
    assert "atomics.load" in third.line


def test_a_row_says_what_else_could_have_been_read_under_its_model_only() -> None:
    assert not any(
        step.alternatives for step in tell(SCENARIOS["queue"], "A*3 B*3 C*4", "sc").steps if step.thread != "C"
    )
    assert tell(SCENARIOS["queue"], "A*3 B*3 C*4", "tso").steps[6].alternatives


# What threads may be.


class Pairs(Scenario):
    """Two words changed as one, and read by halves."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.change, "B": self.look}

    def change(self, place: Place) -> Hashable:
        return place.atomics.compare_exchange_2(64, (0, 0), (1, 2), Order.ACQ_REL)

    def look(self, place: Place) -> Hashable:
        return place.atomics.load(64, Order.RELAXED), place.atomics.load(72, Order.RELAXED)


def test_halves_of_a_pair_are_coherent_each_by_itself() -> None:
    """Relaxed loads of two words may see one new and one old, in both ways; under sc only the old one first."""
    seen = {model: {o.results[1] for o in explore(Pairs(), model).outcomes} for model in MODELS}
    assert seen["cpp20"] == seen["rc11"] == {(0, 0), (0, 2), (1, 0), (1, 2)}
    assert seen["sc"] == {(0, 0), (0, 2), (1, 2)}
    assert seen["tso"] == seen["sc"]


class First(Scenario):
    """Whoever is first leaves its number, and says only that there is one."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": lambda place: self.leave(place, 1), "B": lambda place: self.leave(place, 2), "R": self.read}

    def leave(self, place: Place, number: int) -> Hashable:
        if place.atomics.exchange(64, 1, Order.RELAXED) == 0:
            place.memory.u32[5] = number
            place.atomics.store(128, 1, Order.RELEASE)
        return None

    def read(self, place: Place) -> Hashable:
        place.wait(128, 0, Order.ACQUIRE)
        return place.memory.u32[5]


@pytest.mark.parametrize("model", MODELS)
def test_a_thread_goes_by_plain_memory_too(model: str) -> None:
    """The reader's only atomic operation returns 1 in all executions; what it reads plainly differs."""
    result = explore(First(), model)
    assert result.ok
    assert {outcome.results[2] for outcome in result.outcomes} == {1, 2}


class Impossible(Scenario):
    """A judge that finds everything wrong."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": lambda place: place.atomics.fetch_add(64, 1, Order.RELAXED)}

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        raise Wrong("everything", f"{results} {place.memory.u64[8]}")


def test_the_judge_sees_results_and_memory() -> None:
    (finding,) = explore(Impossible()).findings
    assert (finding.kind, finding.detail, finding.schedule) == ("everything", "(0,) 1", "A")


def test_classes_have_the_same_hash_in_every_process() -> None:
    """Parts of a search that come from several processes are counted by it; the hash of a text differs there."""
    code = (
        "from pysnmalloc.explore.search.exploration import Exploration\n"
        "from pysnmalloc.explore.scenarios import SCENARIOS\n"
        "exploration = Exploration(SCENARIOS['litmus:SB'], 'cpp20', {}, 9)\n"
        "exploration.cells.words.update((8, 16))\n"
        "exploration.prepare()\n"
        "graph = exploration.empty()\n"
        "graph.add_write(0, 1)\n"
        "graph.add_read(0, graph.sources(0)[0])\n"
        "print(hash(graph.canonical()))"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(hashes) == 1


def test_outcomes_are_counted() -> None:
    result = explore(SCENARIOS["figure-3d"], "sc", plain=True, patience=EVER)
    assert sum(result.outcomes.values()) < result.executions
    assert all(isinstance(outcome, Outcome) for outcome in result.outcomes)


def test_scenarios_are_explored_as_copies() -> None:
    """Exploring twice, also the whole heap, gives the same: nothing is left behind in the scenario."""
    first, again = (explore(SCENARIOS["home"], "cpp20") for _ in range(2))
    assert first == again


def test_nothing_of_the_system_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exploring starts no thread and no process, so it runs in a browser."""

    def refuse(*_: object) -> None:
        raise AssertionError("a thread or a process was started")

    monkeypatch.setattr("threading.Thread.start", refuse)
    monkeypatch.setattr("os.fork", refuse)
    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    assert explore(SCENARIOS["queue"], "cpp20").exhausted
    assert explore(SCENARIOS["home"], "cpp20").exhausted


def test_the_published_orders_come_with_why_hardware_hides_what_is_found() -> None:
    finding = explore(SCENARIOS["queue-published"], "cpp20").findings[0]
    assert "No processor shows this" in finding.note
    assert "No processor" in str(finding)
    assert "No processor" in finding._repr_html_()


def test_an_untagged_and_a_tagged_stack_differ_by_the_number_alone() -> None:
    plans = {"A": "pop", "B": "pop pop push"}
    assert not explore(StackScenario("s", "", plans, Parts(stack=UntaggedStack)), "sc").ok
    assert explore(StackScenario("s", "", plans), "sc").ok


def test_longer_scenarios_have_longer_findings_and_the_shortest_is_shown() -> None:
    one = explore(QueueScenario("q", "", messages=1), "cpp20", weaken={"MessageQueue.enqueue exchange": Order.RELAXED})
    two = explore(QueueScenario("q", "", messages=2), "cpp20", weaken={"MessageQueue.enqueue exchange": Order.RELAXED})
    assert len(one.findings[0].steps) == 10
    assert len(two.findings[0].steps) == 16
    assert one.findings[0].switches <= 3
