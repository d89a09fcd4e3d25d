"""The explorer proves nothing that it did not see: threads that are not repeatable, wrong uses, and spin loops.

Spin loops are held against a machine that knows nothing of the explorer. It steps through all states of a small
program, in which a turn of a loop that changes nothing leads back to the same state.
"""

from __future__ import annotations

import itertools
import random
import re
import signal
import sys
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import cast

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Result, Scenario, ThreadCode, Wrong, explore, replay, tell
from pysnmalloc.explore.scenarios.litmus import CompareExchange, Exchange, Fence, Instruction, Litmus, Load, Store
from pysnmalloc.explore.threads.misuse import NotRepeatable, ScenarioError
from pysnmalloc.memory import Memory
from tests import naive_models

MODELS = ("sc", "tso", "cpp20", "rc11")
RELAXED, ACQUIRE, RELEASE, SEQ_CST = Order.RELAXED, Order.ACQUIRE, Order.RELEASE, Order.SEQ_CST
EVER = 1 << 60
X, Y, Z = 64, 128, 192


class Threads(Scenario):
    """The threads that are given."""

    def __init__(self, judge: Callable[[tuple[Hashable, ...]], Hashable] | None = None, **codes: object) -> None:
        self.codes = codes
        self.verdict = judge

    def threads(self) -> Mapping[str, ThreadCode]:
        return self.codes  # type: ignore[return-value]  # some tests give what is no thread

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        return self.verdict(results) if self.verdict is not None else None


def kinds(result: Result) -> list[str]:
    return [finding.kind for finding in result.findings]


def release(place: Place) -> None:
    place.atomics.store(X, 1, RELEASE)


# Threads that are not repeatable.


def by_luck() -> Scenario:
    luck = random.Random(7)

    def run(place: Place) -> None:
        if luck.random() < 0.5:
            place.atomics.store(Y, 1, RELAXED)
        else:
            place.atomics.store(Y, 2, RELAXED)

    return Threads(A=run, B=release)


def by_the_clock() -> Scenario:
    clock = itertools.count()

    def run(place: Place) -> None:
        place.atomics.store(Y, next(clock), RELAXED)

    return Threads(A=run, B=release)


def by_a_result() -> Scenario:
    clock = itertools.count()
    return Threads(A=lambda place: (place.atomics.load(X, RELAXED), next(clock)), B=release)


def by_a_list() -> Scenario:
    seen: list[int] = []

    def run(place: Place) -> None:
        seen.append(place.atomics.load(X, RELAXED))
        if len(seen) > 3:
            place.atomics.store(Y, 1, RELAXED)

    return Threads(A=run, B=release)


def by_a_plain_write() -> Scenario:
    clock = itertools.count()

    def run(place: Place) -> None:
        place.memory.u64[40] = next(clock)
        place.atomics.load(X, RELAXED)

    return Threads(A=run, B=release)


class Telling(Scenario):
    """One thread sets a flag that is no memory, and the other returns it."""

    flag = 0

    def __init__(self, names: str) -> None:
        self.names = names

    def threads(self) -> Mapping[str, ThreadCode]:
        return {name: self.tell if name == "T" else self.listen for name in self.names}

    def tell(self, place: Place) -> Hashable:
        self.flag = 1
        return place.atomics.load(X, RELAXED)

    def listen(self, place: Place) -> Hashable:  # noqa: ARG002
        return self.flag


@pytest.mark.parametrize(
    "make",
    [by_luck, by_the_clock, by_a_result, by_a_list, by_a_plain_write, partial(Telling, "TL"), partial(Telling, "LT")],
)
@pytest.mark.parametrize("how", [{}, {"plain": True}, {"preemptions": 1}, {"random": 3}], ids=str)
def test_a_thread_that_does_not_do_the_same_is_found(make: Callable[[], Scenario], how: dict[str, int]) -> None:
    result = explore(make(), "sc", **how)  # type: ignore[arg-type]
    assert kinds(result) == ["not repeatable"]
    assert not result.exhausted
    assert not result.outcomes


def test_both_behaviours_and_the_line_are_named() -> None:
    (finding,) = explore(by_the_clock()).findings
    behaviours = re.findall(r"store\(0x80, (\d+), relaxed\) the (first|second) time", finding.detail)
    assert [time for _, time in behaviours] == ["first", "second"]
    assert behaviours[0] != behaviours[1]
    assert "at `place.atomics.store(Y, next(clock), RELAXED)`" in finding.detail
    (finding,) = explore(by_a_list()).findings
    assert "it ended the first time, store(0x80, 1, relaxed) the second time" in finding.detail
    assert "at `place.atomics.store(Y, 1, RELAXED)`" in finding.detail


def test_a_replay_compares_as_well() -> None:
    found = replay(by_the_clock(), "A B")
    assert found is not None
    assert found.kind == "not repeatable"
    with pytest.raises(NotRepeatable, match="A read the same values twice"):
        tell(by_the_clock(), "A B")


# Wrong uses.


def writing_two_words_plainly(place: Place) -> None:
    place.memory.u64[Y >> 3] = 1
    place.memory.u64[Z >> 3] = 1
    place.memory.u64[Z >> 3] = 2
    release(place)


def speculating_on_one_of_them(place: Place) -> Hashable:
    return place.atomics.speculate(Z if place.atomics.load(X, RELAXED) else Y)


def test_a_finding_replays_where_fewer_words_are_atomic_than_in_all_executions() -> None:
    def judge(results: tuple[Hashable, ...]) -> None:
        if results[1] == 1:
            raise Wrong("old", "the first of two writes to Z")

    scenario = Threads(judge, A=writing_two_words_plainly, B=speculating_on_one_of_them)
    findings = explore(scenario, "cpp20").findings
    (finding,) = [each for each in findings if "A0+1" in each.schedule]
    again = replay(scenario, finding.schedule, "cpp20")
    assert again is not None
    assert (again.kind, again.steps) == (finding.kind, finding.steps)


def yielding(place: Place) -> Iterator[int]:
    yield place.atomics.load(X, RELAXED)


async def awaiting(place: Place) -> int:
    return place.atomics.load(X, RELAXED)


def catching(place: Place) -> Hashable:
    try:
        return place.atomics.load(X, RELAXED)
    except:  # noqa: E722  # the test's subject
        return 7


def hiding(place: Place) -> Hashable:
    try:
        return place.atomics.load(X + 1, RELAXED)
    except BaseException:
        return 7


def reading_plainly_for_ever(place: Place) -> None:
    while place.memory.u64[40] == 0:
        pass


@pytest.mark.parametrize(
    ("run", "kind", "words"),
    [
        (lambda p: p.atomics.load(X + 1, RELAXED), "wrong use", "0x41, which is not a multiple of 8"),
        (lambda p: p.atomics.compare_exchange_2(X + 8, (0, 0), (1, 1), RELAXED), "wrong use", "not a multiple of 16"),
        (lambda p: p.atomics.load(0, RELAXED), "wrong use", "address 0, which is null"),
        (
            lambda p: p.atomics.exchange(1024, 1, RELAXED),
            "wrong use",
            "an exchange at 0x400, outside of the memory, which has 1,024",
        ),
        (lambda p: p.atomics.store(-8, 1, RELAXED), "wrong use", "-0x8, outside of the memory"),
        (lambda p: p.atomics.store(64.0, 1, RELAXED), "wrong use", "64.0, not a whole number"),
        (lambda p: p.atomics.store(X, 1 << 64, RELAXED), "wrong use", "18446744073709551616, which is not a word"),
        (lambda p: p.atomics.store(X, [1], RELAXED), "wrong use", r"\[1\], which is not a word"),
        (lambda p: p.atomics.compare_exchange(X, None, 1, RELAXED), "wrong use", "None, which is not a word"),
        (lambda p: p.atomics.load(X, RELEASE), "wrong use", "a load cannot release.*may be RELAXED, ACQUIRE, SEQ_CST"),
        (lambda p: p.wait(X, 1, RELEASE), "wrong use", "a wait cannot release"),
        (lambda p: p.atomics.store(X, 1, ACQUIRE), "wrong use", "a store cannot acquire"),
        (lambda p: p.atomics.store(X, 1, "release"), "wrong use", "'release'; give a member of Order"),
        (lambda p: p.atomics.fence("acquire"), "wrong use", "'acquire'; give a member of Order"),
        (hiding, "wrong use", "0x41, which is not a multiple of 8.*return place.atomics.load"),
        (yielding, "wrong use", "a generator, so nothing of `yielding` ran"),
        (awaiting, "wrong use", "a coroutine, so nothing of `awaiting` ran"),
        (catching, "wrong use", "caught the exception by which the explorer stops it.*place.atomics.load"),
        (reading_plainly_for_ever, "endless loop", r"100,000 plain accesses.*while place.memory.u64\[40\] == 0:"),
        (lambda p: p.memory.u64[128], "error: IndexError", "0x400, outside of the memory.*p.memory.u64"),
        (lambda p: p.memory.u64[-1], "error: IndexError", "-0x8, outside of the memory"),
        (lambda p: p.memory.u64[0:2], "error: TypeError", "slice.* is not the index of a word"),
        (lambda p: p.memory.u64.__setitem__(20, "x"), "error: TypeError", "'x' is not"),
        (lambda p: p.nothing, "error: AttributeError", "nothing.*at `.*p.nothing"),
        (lambda p: sys.exit(3), "error: SystemExit", "A: 3, at `.*sys.exit"),  # noqa: ARG005
    ],
)
@pytest.mark.parametrize("plain", [False, True], ids=["reduced", "plain"])
def test_a_wrong_use_is_a_finding_in_words_at_the_line(run: ThreadCode, kind: str, words: str, plain: bool) -> None:
    result = explore(Threads(A=run, B=release), "sc", plain=plain)
    assert kinds(result) == [kind]
    assert re.search(words, result.findings[0].detail), result.findings[0].detail


def test_a_thread_that_catches_every_stop_is_thrown_out_of_its_loop() -> None:
    def run(place: Place) -> None:
        while True:
            try:
                try:  # noqa: SIM105  # a `with` would be another way out
                    place.atomics.store(X, 1, RELAXED)
                except:  # noqa: E722
                    pass
            except:  # noqa: E722
                pass

    traced = sys.gettrace()
    assert kinds(explore(Threads(A=run), steps=9)) == ["livelock within 9 steps"]
    assert sys.gettrace() is traced
    assert sys.exception() is None


def test_a_stop_is_never_raised_in_a_callback() -> None:
    """Python calls it between two steps of the thread, when an object goes, and would lose the stop there."""
    lost: list[object] = []

    class Thing:
        pass

    def gone(_: object) -> None:
        lines = [1]
        lines.append(2)
        lines.clear()

    def drop() -> None:
        thing = Thing()
        reference = weakref.ref(thing, gone)
        del thing
        assert reference() is None

    def run(place: Place) -> None:
        while True:
            try:
                try:  # a `with` would be another way out
                    place.atomics.store(X, 1, RELAXED)
                except:  # noqa: E722
                    drop()
            except:  # noqa: E722
                drop()

    before, sys.unraisablehook = sys.unraisablehook, lost.append
    try:
        assert kinds(explore(Threads(A=run), steps=9)) == ["livelock within 9 steps"]
    finally:
        sys.unraisablehook = before
    assert lost == []


def test_an_error_that_generators_use_themselves_is_an_error_too() -> None:
    assert kinds(explore(Threads(A=lambda _: next(iter(())), B=release))) == ["error: StopIteration"]


class Held:
    """A lock that is released on the way out, which a stop is not."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def __enter__(self) -> None:
        self.place.atomics.store(X, 1, RELAXED)

    def __exit__(self, *_: object) -> None:
        self.place.atomics.store(X, 0, RELAXED)
        self.place.memory.u64[50] = 1


def test_what_a_stopped_thread_does_on_its_way_out_is_no_step() -> None:
    def guarded(place: Place) -> None:
        with Held(place):
            place.atomics.store(Y, 1, RELAXED)

    def tidying(place: Place) -> None:
        place.atomics.store(X, 1, RELAXED)
        try:
            place.atomics.store(Y, 1, RELAXED)
        finally:
            place.atomics.store(X, 0, RELAXED)
            place.memory.u64[50] = 1

    def looking(place: Place) -> Hashable:
        return place.atomics.load(X, ACQUIRE), place.atomics.load(Y, ACQUIRE), place.atomics.load(X, ACQUIRE)

    def straight(place: Place) -> None:
        place.atomics.store(X, 1, RELAXED)
        place.atomics.store(Y, 1, RELAXED)
        place.atomics.store(X, 0, RELAXED)
        place.memory.u64[50] = 1

    for model in MODELS:
        expected = explore(Threads(A=straight, B=looking), model)
        for run in (guarded, tidying):
            result = explore(Threads(A=run, B=looking), model)
            assert result.exhausted
            assert (result.outcomes, result.classes) == (expected.outcomes, expected.classes)


def test_results_may_be_lists_and_no_judge_changes_them() -> None:
    def spoil(results: tuple[Hashable, ...]) -> Hashable:
        first = cast("list[object]", results[0])
        first.append(5)
        return cast(Hashable, first)  # which it is not

    scenario = Threads(spoil, A=lambda place: [place.atomics.load(X, RELAXED), {1: [2]}], B=release)
    result = explore(scenario)
    assert result.exhausted
    assert {(outcome.results, outcome.judged) for outcome in result.outcomes} == {
        (((seen, ((1, (2,)),)), None), (seen, ((1, (2,)),), 5)) for seen in (0, 1)
    }


def test_a_judge_that_exits_ends_no_search() -> None:
    assert kinds(explore(Threads(lambda _: sys.exit(3), A=release))) == ["error: SystemExit"]


def test_what_is_no_thread_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Threads\.threads: thread A is None, not a function"):
        explore(Threads(A=None))
    with pytest.raises(ValueError, match="release store is to be weakened: a store cannot acquire"):
        explore(Threads(A=release), weaken={"release store": ACQUIRE})


# Errors outside of the threads.


class Failing(Threads):
    """A scenario with a method or an attribute that raises."""

    def __init__(self, where: str) -> None:
        super().__init__(A=release)
        self.where = where

    def fail(self, where: str) -> None:
        if where == self.where:
            raise KeyError("nothing")

    @property
    def fresh(self) -> frozenset[int]:  # type: ignore[override]
        self.fail("fresh")
        return frozenset()

    def memory(self) -> Memory:
        self.fail("memory")
        return super().memory()

    def setup(self, place: Place) -> None:
        self.fail("setup")
        if self.where == "exit":
            sys.exit(3)
        if self.where == "index":
            place.memory.u64[1 << 20] = 1

    def threads(self) -> Mapping[str, ThreadCode]:
        self.fail("threads")
        return {"A": release, "B": release if self.where != "field" else reading_plainly}

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        self.fail("judge")
        return super().judge(place, results)

    def field(self, address: int) -> str:
        self.fail("field")
        return super().field(address)


def reading_plainly(place: Place) -> Hashable:
    return place.memory.u64[X >> 3]


AT_FAIL = r"KeyError: 'nothing', at `raise KeyError\(\"nothing\"\)` \(test_explore_proves.py:\d+\)$"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("memory", rf"^Failing\.memory raises {AT_FAIL}"),
        ("setup", rf"^Failing\.setup raises {AT_FAIL}"),
        ("threads", rf"^Failing\.threads raises {AT_FAIL}"),
        ("fresh", rf"^Failing\.fresh raises {AT_FAIL}"),
        ("field", rf"^Failing\.field raises {AT_FAIL}"),
        ("exit", r"^Failing\.setup raises SystemExit: 3, at `sys.exit\(3\)` \(test_explore_proves.py:\d+\)$"),
        ("index", r"^Failing\.setup raises IndexError: .*, at `place.memory.u64\[1 << 20\] = 1` \(test_explore_proves"),
    ],
)
@pytest.mark.parametrize(
    "how", [explore, lambda scenario: replay(scenario, "A B"), lambda scenario: tell(scenario, "A B")]
)
def test_an_error_outside_of_the_threads_is_one_sentence(
    where: str, words: str, how: Callable[[Scenario], object]
) -> None:
    with pytest.raises(ScenarioError, match=words) as error:
        how(Failing(where))
    assert "\n" not in str(error.value)
    assert isinstance(error.value.__cause__, KeyError | SystemExit | IndexError)


def test_an_error_of_the_judge_is_a_finding() -> None:
    (finding,) = explore(Failing("judge")).findings
    assert (finding.kind, finding.detail) == ("error: KeyError", "'nothing', at `raise KeyError(\"nothing\")`")


# Loops without an access.


def looping_at_once(place: Place) -> None:  # noqa: ARG001
    while True: pass  # fmt: skip  # noqa: E701  # one line, which one instruction repeats


def looping_on_a_variable(place: Place) -> None:
    seen = place.atomics.load(X, RELAXED)
    while seen == 0:
        pass


def looping_in_a_function(place: Place) -> None:
    place.atomics.load(X, RELAXED)
    place.memory.u64[40] = 1
    any(number < 0 for number in itertools.count())


def looping_after_giving_up(place: Place) -> None:
    for _ in itertools.repeat(None, 5):
        if place.atomics.load(X, RELAXED):
            return
    while True:
        place = place  # noqa: PLW0127


def looping_whatever_is_raised(place: Place) -> None:
    place.atomics.load(X, RELAXED)
    while True:
        try:  # noqa: SIM105  # a `with` would be another way out
            place = place  # noqa: PLW0127
        except:  # noqa: E722
            pass


LOOPS = {
    looping_at_once: "while True: pass",
    looping_on_a_variable: "while seen == 0:|pass",
    looping_in_a_function: r"any\(number < 0",
    looping_after_giving_up: "while True:|place = place",
    looping_whatever_is_raised: "while True:|try:|place = place",
}


@pytest.mark.parametrize(("run", "line"), LOOPS.items())
def test_a_loop_without_an_access_is_a_finding_at_its_line(run: ThreadCode, line: str) -> None:
    traced, handler = sys.gettrace(), signal.getsignal(signal.SIGVTALRM)
    (finding,) = explore(Threads(A=run, B=release), "sc", patience=3).findings
    assert finding.kind == "endless loop"
    assert re.search(rf"1,000,000 lines without an access, so it does not end: `({line})", finding.detail), (
        finding.detail
    )
    again = replay(Threads(A=run, B=release), finding.schedule, "sc")
    assert again is not None
    assert again.kind == "endless loop"
    assert sys.gettrace() is traced
    assert signal.getsignal(signal.SIGVTALRM) is handler
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def test_a_loop_without_an_access_is_found_where_no_timer_ticks() -> None:
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(explore, Threads(A=looping_on_a_variable, B=release), "sc").result()
    assert kinds(result) == ["endless loop"]


def test_a_timer_that_is_in_use_is_left_alone() -> None:
    handler = signal.signal(signal.SIGVTALRM, lambda *_: None)
    try:
        mine = signal.getsignal(signal.SIGVTALRM)
        assert kinds(explore(Threads(A=looping_on_a_variable, B=release), "sc")) == ["endless loop"]
        assert signal.getsignal(signal.SIGVTALRM) is mine
    finally:
        signal.signal(signal.SIGVTALRM, handler)


class Awaited(Telling):
    """One thread waits for a flag that is no memory."""

    def tell(self, place: Place) -> Hashable:
        self.flag = 1
        place.atomics.store(Y, 1, RELAXED)
        return None

    def listen(self, place: Place) -> Hashable:
        place.atomics.load(X, RELAXED)
        while not self.flag:
            pass
        return place.atomics.load(X, RELAXED)


@pytest.mark.parametrize("names", ["TL", "LT"])
def test_a_wait_for_a_flag_outside_of_the_memory_ends(names: str) -> None:
    (finding,) = explore(Awaited(names), "sc").findings
    assert finding.kind == "not repeatable"
    assert "no access in 1,000,000 lines the second time" in finding.detail
    assert re.search("at `(while not self.flag:|pass)`", finding.detail)


def test_lines_between_accesses_are_no_loop_however_many_there_are() -> None:
    def run(place: Place) -> Hashable:
        seen = 0
        for at in range(40):
            for _ in range(100):
                seen += 1
            place.memory.u64[40 + at] = seen
        return place.atomics.load(X, ACQUIRE)

    with ThreadPoolExecutor(1) as pool:  # where lines are always counted
        result = pool.submit(explore, Threads(A=run, B=release), "sc", lines=1000).result()
    assert result.verdict == "proved for all executions"


def test_fewer_lines_may_be_allowed() -> None:
    def run(place: Place) -> Hashable:
        seen = place.atomics.load(X, RELAXED)
        for _ in range(2000):
            seen += 1
        return place.atomics.load(X, RELAXED)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(explore, Threads(A=run, B=release), "sc").result().verdict == "proved for all executions"
        (finding,) = pool.submit(explore, Threads(A=run, B=release), "sc", lines=1000).result().findings
    assert "the thread runs more than 1,000 lines without an access" in finding.detail


# Spin loops.


def take_by_exchange(place: Place) -> None:
    while place.atomics.exchange(X, 1, ACQUIRE):
        pass


def take_by_test_and_exchange(place: Place) -> None:
    while True:
        while place.atomics.load(X, RELAXED):
            pass
        if not place.atomics.exchange(X, 1, ACQUIRE):
            return


def take_by_compare_exchange(place: Place) -> None:
    while not place.atomics.compare_exchange(X, 0, 1, ACQUIRE)[0]:
        pass


LOCKS = (take_by_exchange, take_by_test_and_exchange, take_by_compare_exchange)


def counting(take: Callable[[Place], None]) -> ThreadCode:
    """Return a thread that adds 1 to a plain word under a lock."""

    def run(place: Place) -> Hashable:
        take(place)
        before = place.memory.u64[40]
        place.memory.u64[40] = before + 1
        place.atomics.store(X, 0, RELEASE)
        return before

    return run


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("take", LOCKS)
def test_a_spin_lock_is_proved(take: Callable[[Place], None], model: str) -> None:
    result = explore(Threads(A=counting(take), B=counting(take)), model)
    assert result.verdict == "proved for all executions"
    assert {outcome.results for outcome in result.outcomes} == {(0, 1), (1, 0)}
    three = explore(Threads(A=counting(take), B=counting(take), C=counting(take)), model)
    assert three.exhausted
    assert len(three.outcomes) == 6


def popping_until_there_is_a_chunk(place: Place) -> Hashable:
    stack = place.parts.stack(place.memory, place.atomics, X)
    while not (chunk := stack.pop()):
        pass
    return chunk


@pytest.mark.parametrize("model", MODELS)
def test_a_spin_that_holds_an_object_of_the_library_is_proved(model: str) -> None:
    def push(place: Place) -> None:
        place.parts.stack(place.memory, place.atomics, X).push(256)

    result = explore(Threads(A=popping_until_there_is_a_chunk, B=push), model)
    assert result.verdict == "proved for all executions"
    assert [outcome.results for outcome in result.outcomes] == [(256, None)]


@pytest.mark.parametrize("take", LOCKS)
def test_interleavings_of_a_spin_lock_end(take: Callable[[Place], None]) -> None:
    scenario = Threads(A=counting(take), B=counting(take))
    plain, reduced = explore(scenario, "sc", plain=True), explore(scenario, "sc")
    assert plain.exhausted
    assert (plain.classes, set(plain.outcomes)) == (reduced.classes, set(reduced.outcomes))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("take", LOCKS)
def test_a_lock_that_is_never_released_is_a_deadlock(take: Callable[[Place], None], model: str) -> None:
    (finding,) = explore(Threads(A=take, B=take), model).findings
    assert finding.kind == "deadlock"
    again = replay(Threads(A=take, B=take), finding.schedule, model)
    assert again is not None
    assert (again.kind, again.steps) == (finding.kind, finding.steps)


def either(place: Place) -> None:
    while place.atomics.load(X, ACQUIRE) == 0 and place.atomics.load(Y, ACQUIRE) == 0:
        pass


@pytest.mark.parametrize("model", MODELS)
def test_a_loop_over_two_words_waits_for_either(model: str) -> None:
    for word, expected in ((X, []), (Y, []), (Z, ["deadlock"])):
        store = lambda place, word=word: place.atomics.store(word, 1, RELEASE)  # noqa: E731
        result = explore(Threads(A=either, B=store), model)
        assert kinds(result) == expected
        assert result.exhausted


def giving_up(turns: Callable[[], Iterator[object]], place: Place) -> Hashable:
    for _ in turns():
        if place.atomics.load(X, ACQUIRE):
            return 1
    return 0


@pytest.mark.parametrize(
    ("turns", "verdict"),
    [
        (lambda: range(3), "proved for all executions"),
        (lambda: itertools.repeat(None, 3), "proved for all executions"),  # a count that no variable shows
        (lambda: itertools.repeat(None, 60), "wrong: livelock within 50 steps"),
        (lambda: range(100_000), "wrong: livelock within 50 steps"),  # more than a rehearsal makes
    ],
)
def test_a_loop_that_gives_up_does_not_wait(turns: Callable[[], Iterator[object]], verdict: str) -> None:
    result = explore(Threads(A=partial(giving_up, turns), B=release), "sc", steps=50, patience=3)
    assert result.verdict == verdict
    if result.ok:
        assert {outcome.results[0] for outcome in result.outcomes} == {0, 1}


def making_a_list(place: Place) -> None:
    seen = [0]
    while not seen[0]:
        seen = [place.atomics.load(X, ACQUIRE)]


def making_a_method(place: Place) -> None:
    while True:
        load = place.atomics.load
        if load(X, ACQUIRE):
            return


def making_a_function(place: Place) -> None:
    while True:

        def is_set() -> bool:
            return place.atomics.load(X, ACQUIRE) != 0

        if is_set():
            return


class Last:
    def __init__(self, seen: int) -> None:
        self.seen = seen


def making_an_object(place: Place) -> None:
    last = Last(0)
    while not last.seen:
        last = Last(place.atomics.load(X, ACQUIRE))


@pytest.mark.parametrize("run", [making_a_list, making_a_method, making_a_function, making_an_object])
def test_a_loop_that_makes_its_objects_anew_waits(run: ThreadCode) -> None:
    assert explore(Threads(A=run, B=release), steps=50).verdict == "proved for all executions"
    assert kinds(explore(Threads(A=run), steps=50)) == ["deadlock"]


def counted(most: int) -> Callable[[], bool]:
    turns = 0

    def more() -> bool:
        nonlocal turns
        turns += 1
        return turns <= most

    return more


class Turns:
    def __init__(self, most: int) -> None:
        self.left = [most]

    def more(self) -> bool:
        self.left[0] -= 1
        return self.left[0] >= 0


@pytest.mark.parametrize(
    "make", [counted, lambda most: Turns(most).more, lambda most: partial(next, iter(range(1, most)))]
)
def test_a_count_that_objects_hold_is_seen(make: Callable[[int], Callable[[], bool]]) -> None:
    def giving_up_late(place: Place) -> None:
        more = make(100_000)  # more than a rehearsal makes
        while more():
            if place.atomics.load(X, ACQUIRE):
                return

    assert kinds(explore(Threads(A=giving_up_late, B=release), "sc", steps=50, patience=3)) == [
        "livelock within 50 steps"
    ]


def test_equal_objects_are_not_one() -> None:
    def run(place: Place) -> None:
        turns: list[list[int]] = [[] for _ in range(3000)]
        for each in turns:  # noqa: B007  # only this variable shows where the loop is
            if place.atomics.load(X, ACQUIRE):
                return

    assert kinds(explore(Threads(A=run, B=release), "sc", steps=50, patience=3)) == ["livelock within 50 steps"]


# The machine that judges spin loops.

Program = tuple[tuple[tuple[str, str, int, Order], ...], ...]  # per thread: what, location, value, order
KINDS = ("load", "store", "store", "swap", "until set", "until free by exchange", "until free by compare")
ORDERS = {"load": (RELAXED, ACQUIRE), "store": (RELAXED, RELEASE), "until set": (RELAXED, ACQUIRE)}
RMW = (RELAXED, ACQUIRE, RELEASE, Order.ACQ_REL)
PLACES = {"x": X, "y": Y}


def drawn(seed: int) -> Program:
    """Draw two threads of one to three instructions."""
    lots = random.Random(seed)

    def thread() -> tuple[tuple[str, str, int, Order], ...]:
        found = []
        for _ in range(lots.randint(1, 3)):
            kind = lots.choice(KINDS)
            orders = ORDERS.get(kind, RMW)
            found.append((kind, lots.choice("xy"), lots.randint(0, 1), lots.choice(orders)))
        return tuple(found)

    return thread(), thread()


class Spinning(Scenario):
    """A program as a scenario: threads return what they read, the last read of each loop only."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def threads(self) -> Mapping[str, ThreadCode]:
        return {f"P{number}": partial(self.follow, thread) for number, thread in enumerate(self.program)}

    def follow(self, thread: tuple[tuple[str, str, int, Order], ...], place: Place) -> Hashable:
        read, atomics = [], place.atomics
        for kind, where, value, order in thread:
            at = PLACES[where]
            if kind == "store":
                atomics.store(at, value, order)
                continue
            if kind == "load":
                seen = atomics.load(at, order)
            elif kind == "swap":
                seen = atomics.exchange(at, value, order)
            elif kind == "until set":
                while not (seen := atomics.load(at, order)):
                    pass
            elif kind == "until free by exchange":
                while seen := atomics.exchange(at, 1, order):
                    pass
            else:
                while (seen := atomics.compare_exchange(at, 0, 1, order)[1]) != 0:
                    pass
            read.append(seen)
        return tuple(read)

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        return tuple(place.memory.u64[at >> 3] for at in PLACES.values())


State = tuple[tuple[int, ...], tuple[tuple[int, ...], ...], tuple[int, ...], tuple[tuple[tuple[int, int], ...], ...]]


def machine(program: Program, *, buffered: bool) -> tuple[set[Hashable], bool]:
    """Step through all states; return the outcomes, and whether a state that is no end leads nowhere but to itself."""
    start: State = ((0,) * len(program), ((),) * len(program), (0, 0), ((),) * len(program))
    seen, stack, outcomes, dead = {start}, [start], set[Hashable](), False
    while stack:
        state = stack.pop()
        after = set(steps(program, state, buffered=buffered)) - {state}
        if not after:
            places, read, memory, _ = state
            if all(place == len(thread) for place, thread in zip(places, program, strict=True)):
                outcomes.add((*read, memory))
            else:
                dead = True
        stack.extend(after - seen)
        seen |= after
    return outcomes, dead


def steps(program: Program, state: State, *, buffered: bool) -> Iterator[State]:
    """Yield the states after one step."""
    places, read, memory, buffers = state
    for number, thread in enumerate(program):
        buffer = buffers[number]
        if buffer:
            (where, value), rest = buffer[0], buffer[1:]
            yield places, read, put(memory, where, value), put(buffers, number, rest)
        if places[number] == len(thread):
            continue
        kind, location, value, _ = thread[places[number]]
        where, on = "xy".index(location), put(places, number, places[number] + 1)
        if kind == "store":
            if buffered:
                yield on, read, memory, put(buffers, number, (*buffer, (where, value)))
            else:
                yield on, read, put(memory, where, value), buffers
            continue
        own = [v for w, v in buffer if w == where]
        old = own[-1] if own else memory[where]
        if kind in ("load", "until set"):
            if kind == "load" or old:
                yield on, put(read, number, (*read[number], old)), memory, buffers
        elif not buffer:
            if kind == "swap" or not old:
                new = value if kind == "swap" else 1
                yield on, put(read, number, (*read[number], old)), put(memory, where, new), buffers
            elif kind == "until free by exchange":
                yield places, read, put(memory, where, 1), buffers


def put(items: tuple, at: int, item: object) -> tuple:  # type: ignore[type-arg]
    return (*items[:at], item, *items[at + 1 :])


def found(program: Program, model: str) -> tuple[set[Hashable], bool]:
    """Return what the explorer finds."""
    result = explore(Spinning(program), model, patience=EVER)
    assert result.exhausted
    assert set(kinds(result)) <= {"deadlock"}
    return {(*outcome.results, outcome.judged) for outcome in result.outcomes}, bool(result.findings)


@pytest.mark.parametrize("model", ["sc", "tso"])
def test_the_explorer_agrees_with_the_machine_on_spin_loops(model: str) -> None:
    dead = 0
    for seed in range(300):
        program = drawn(seed)
        expected = machine(program, buffered=model == "tso")
        assert found(program, model) == expected, (seed, program)
        dead += expected[1]
    assert 30 < dead < 270  # both are drawn


Turn = tuple[Instruction, bool | None, bool]
"""An instruction, whether it has to read something else than 0 (None: anything), and whether its result counts."""


def unrolled(thread: tuple[tuple[str, str, int, Order], ...]) -> Iterator[list[Turn]]:
    """Yield a thread with each loop as up to two turns that fail and one that does not."""
    parts: list[list[list[Turn]]] = []
    for kind, where, value, order in thread:
        if kind == "store":
            parts.append([[(Store(where, value, order), None, False)]])
        elif kind == "load":
            parts.append([[(Load(where, order), None, True)]])
        elif kind == "swap":
            parts.append([[(Exchange(where, value, order), None, True)]])
        else:
            turn: Instruction
            if kind == "until set":
                turn = Load(where, order)
            elif kind == "until free by exchange":
                turn = Exchange(where, 1, order)
            else:
                turn = CompareExchange(where, 0, 1, order)
            ends = kind == "until set"
            fails: Turn = turn, not ends, False
            parts.append([[*(fails,) * failing, (turn, ends, True)] for failing in range(3)])
    for choice in product(*parts):
        yield [each for part in choice for each in part]


def by_axioms(program: Program, model: str) -> set[Hashable]:
    """Return the outcomes under a model of C++, of loops with up to two turns that fail."""
    outcomes: set[Hashable] = set()
    for threads in product(*map(unrolled, program)):
        if sum(map(len, threads)) > max(5, sum(map(len, program))):
            continue  # the axioms take long; fewer turns have the same outcomes
        code = tuple(tuple(instruction for instruction, _, _ in thread) for thread in threads)
        reading = [[turn for turn in thread if not isinstance(turn[0], Store)] for thread in threads]
        used = {each.location for thread in code for each in thread if not isinstance(each, Fence)}
        anything = (*((None,) * len(turns) for turns in reading), (None,) * len(used))
        litmus = Litmus("spin", "", code, anything, frozenset(MODELS))
        for *seen, final in naive_models.outcomes(litmus, model):
            pairs = [list(zip(turns, values, strict=True)) for turns, values in zip(reading, seen, strict=True)]
            if all(must is None or bool(value) == must for each in pairs for (_, must, _), value in each):
                read = (tuple(value for (_, _, counts), value in each if counts) for each in pairs)
                memory = dict(zip(litmus.locations, final, strict=True))
                outcomes.add((*read, (memory.get("x", 0), memory.get("y", 0))))
    return outcomes


@pytest.mark.parametrize("model", ["cpp20", "rc11"])
def test_the_explorer_agrees_with_the_axioms_on_spin_loops(model: str) -> None:
    for seed in range(30):
        program = drawn(seed)
        assert found(program, model)[0] == by_axioms(program, model), (seed, program)
