"""The explorer on programs as learners write them, against a machine on bytes that shares no code with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, ThreadCode, explore
from pysnmalloc.explore.findings.result import Result
from pysnmalloc.explore.scenarios.litmus import MODELS, Litmus
from pysnmalloc.explore.scenarios.programs import LitmusScenario

from . import naive_models
from .naive_bytes import Machine, Racy
from .random_litmus import random_litmus
from .random_programs import FIRST, LAST, Access, Block, Guarded, Written, random_program

pytestmark = pytest.mark.same_everywhere

X, Y, Z = 64, 128, 136
RLX, ACQ, REL, SC = Order.RELAXED, Order.ACQUIRE, Order.RELEASE, Order.SEQ_CST


def found(result: Result) -> frozenset[tuple[object, object]] | str:
    """All outcomes, or the kind of what is wrong."""
    assert result.exhausted
    if result.findings:
        return ", ".join(finding.kind for finding in result.findings)
    return frozenset((outcome.results, outcome.judged) for outcome in result.outcomes)


def expected(seed: int, model: str) -> frozenset[tuple[object, object]] | str:
    """The same by the machine."""
    try:
        return frozenset(Machine(random_program(seed), model, FIRST, LAST).outcomes())
    except Racy:
        return "data race"


@pytest.mark.parametrize("model", ["sc", "tso"])
def test_random_programs_have_the_outcomes_of_the_machine(model: str) -> None:
    racy = 0
    for seed in range(300):
        result = found(explore(Written(random_program(seed), FIRST, LAST), model))
        assert result == expected(seed, model), seed
        racy += result == "data race"
    assert 50 < racy < 250


def test_weak_models_allow_no_less_and_find_the_same_races() -> None:
    """Under them, more may happen, and what is stored by release and loaded by acquire synchronizes as on hardware."""
    for seed in range(120):
        strong = expected(seed, "sc")
        for model in ("cpp20", "rc11"):
            weak = found(explore(Written(random_program(seed), FIRST, LAST), model))
            if isinstance(strong, str):
                assert weak == strong, seed
            elif not isinstance(weak, str):
                assert strong <= weak, seed


def test_random_programs_have_all_forms_and_parts_of_words() -> None:
    """Else the comparisons would compare nothing."""
    seen = set[object]()

    def look(parts: tuple[object, ...]) -> None:
        for part in parts:
            if isinstance(part, Access):
                seen.add((part.kind, part.size))
            elif isinstance(part, Guarded):
                seen.add("guarded")
                look(part.parts)
            elif isinstance(part, Block):
                seen.add(part.form)
                look((*part.parts, *part.after))

    for seed in range(300):
        look(random_program(seed).threads)
        for thread in random_program(seed).threads:
            look(thread)
    assert {"finally", "class", "generator", "re-raised", "swallowed", "guarded"} <= seen
    assert {(kind, size) for kind in ("read", "write") for size in (1, 2, 4, 8)} <= seen


# Words of which threads access parts, beside litmus tests.


class Parts(LitmusScenario):
    """A litmus test in which each thread also reads and writes a byte of its own of one word, all along.

    Another thread waits for all of them, and then loads the word.
    """

    def __init__(self, litmus: Litmus, word: int) -> None:
        super().__init__(litmus)
        self.shared = word

    def threads(self) -> Mapping[str, ThreadCode]:
        count = len(self.litmus.threads)
        own = {f"P{at}": self._beside(at, list(program)) for at, program in enumerate(self.litmus.threads)}
        return {**own, "last": lambda place: self._look(place, count)}

    def _beside(self, at: int, program: list[object]) -> ThreadCode:
        def run(place: Place) -> Hashable:
            read, bytes_ = [], place.memory.u8
            for number, instruction in enumerate(program, 1):
                bytes_[self.shared + at] = number
                read.append(self._make(instruction, place))  # type: ignore[arg-type]
                assert bytes_[self.shared + at] == number
            place.atomics.store(512 + 8 * at, 1, REL)
            return tuple(value for value in read if value is not None)

        return run

    def _look(self, place: Place, count: int) -> Hashable:
        for at in range(count):
            place.wait(512 + 8 * at, 0, ACQ)
        return place.atomics.load(self.shared, RLX)


@pytest.mark.parametrize("model", MODELS)
def test_accesses_of_other_bytes_of_a_word_order_nothing(model: str) -> None:
    for seed in range(25):
        litmus = random_litmus(seed)
        result = explore(Parts(litmus, 496), model)
        lengths = bytes(map(len, litmus.threads))
        assert not result.findings
        assert {(*outcome.results[:-1], outcome.judged) for outcome in result.outcomes} == naive_models.outcomes(
            litmus, model
        ), seed
        assert {outcome.results[-1] for outcome in result.outcomes} == {int.from_bytes(lengths, "little")}
        assert result.executions == result.classes, "an execution was visited twice"


# Small programs, of which some were wrong.


class Small(Scenario):
    """A program whose threads are given."""

    name = "small"
    concepts = ()

    def __init__(self, threads: Mapping[str, ThreadCode], fresh: frozenset[int] = frozenset()) -> None:
        self.fresh = fresh
        self.given = threads

    def threads(self) -> Mapping[str, ThreadCode]:
        return self.given


def writing(address: int, value: int, flag: int, size: int = 1) -> ThreadCode:
    """Write some bytes, and tell of it."""

    def run(place: Place) -> None:
        memory = place.memory
        (memory.u8 if size == 1 else memory.u64)[address // size] = value
        place.atomics.store(flag, 1, REL)

    return run


def told_of(*flags: int, then: Callable[[Place], Hashable]) -> ThreadCode:
    """Do something when all flags are set."""

    def run(place: Place) -> Hashable:
        return then(place) if all(place.atomics.load(flag, ACQ) for flag in flags) else None

    return run


def results(*threads: ThreadCode, model: str) -> set[Hashable]:
    """What the last thread returns. Nothing is wrong."""
    result = explore(Small({f"P{at}": run for at, run in enumerate(threads)}), model)
    assert result.exhausted
    assert result.findings == ()
    assert result.executions == result.classes
    return {outcome.results[-1] for outcome in result.outcomes}


@pytest.mark.parametrize("model", MODELS)
def test_threads_may_write_different_bytes_of_a_word_that_another_one_loads(model: str) -> None:
    def look(place: Place) -> Hashable:
        return place.atomics.load(X, RLX), place.memory.u8[X], place.memory.u16[X >> 1]

    threads = writing(X, 4, Y), writing(X + 1, 5, Z)
    assert results(*threads, told_of(Y, Z, then=look), model=model) == {None, (0x504, 4, 0x504)}
    assert kinds(*threads, told_of(Y, then=look), model=model) == {"data race"}
    assert kinds(*threads, lambda place: place.atomics.load(X, RLX), model=model) == {"data race"}


@pytest.mark.parametrize("model", MODELS)
def test_a_thread_may_write_one_word_of_two_while_another_thread_changes_the_other_one(model: str) -> None:
    def both(place: Place) -> Hashable:
        return place.atomics.compare_exchange_2(X, (9, 9), (1, 1), RLX)[1]

    def change(place: Place) -> None:
        place.atomics.fetch_add(X, 1, RLX)

    writes = writing(X + 8, 5, Y, 8)
    assert results(writes, change, told_of(Y, then=both), model=model) == {None, (0, 5), (1, 5)}
    assert kinds(writes, change, both, model=model) == {"data race"}


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("model", MODELS)
def test_a_read_of_a_part_orders_no_write_of_another(model: str, size: int) -> None:
    """B reads one part of what A writes another one of later: once, no write of B could come before A's load."""

    def view(place: Place) -> memoryview[int]:
        return place.memory.u8 if size == 1 else place.memory.u64

    def first(place: Place) -> Hashable:
        seen = place.atomics.load(Y, RLX)
        view(place)[X // size] = 1
        place.atomics.fetch_add(Z, 1, REL)
        return seen

    def second(place: Place) -> Hashable:
        seen = view(place)[X // size + 1]
        place.atomics.store(Y, 1, RLX)
        place.atomics.fetch_add(Z, 1, REL)
        return seen

    def last(place: Place) -> Hashable:
        if place.wait(Z, 0, ACQ) < 2:
            return None
        return place.atomics.load(X, RLX) if size == 1 else place.atomics.compare_exchange_2(X, (9, 9), (8, 8), RLX)

    result = explore(Small({"A": first, "B": second, "C": last}), model)
    assert {outcome.results[0] for outcome in result.outcomes} == {0, 1}
    assert not result.findings


@pytest.mark.parametrize("model", MODELS)
def test_a_word_is_read_unwritten_if_one_of_its_bytes_is(model: str) -> None:
    def both(place: Place) -> Hashable:
        return place.atomics.load(X, RLX)

    threads = {"A": writing(X, 4, Y), "C": told_of(Y, then=both)}
    (finding,) = explore(Small(threads, frozenset((X, X + 1))), model).findings
    assert (finding.kind, f"reads {X + 1:#x}" in finding.detail) == ("uninitialised read", True)
    assert not explore(Small(threads, frozenset((X,))), model).findings


@pytest.mark.parametrize("model", MODELS)
def test_a_speculative_load_may_race_with_writes_of_its_word_only(model: str) -> None:
    def guess(place: Place) -> Hashable:
        return place.atomics.speculate(X)

    assert results(writing(X, 4, Y, 8), guess, model=model) == {0, 4}
    assert kinds(writing(X, 4, Y), guess, model=model) == {"data race"}


@pytest.mark.parametrize("model", MODELS)
def test_a_thread_that_reads_a_byte_again_and_again_waits_for_ever(model: str) -> None:
    def spin(place: Place) -> None:
        place.atomics.load(X, RLX)
        while place.memory.u8[X] == 0:
            pass

    assert kinds(spin, model=model) == {"deadlock"}


def kinds(*threads: ThreadCode, model: str) -> set[str]:
    """What is wrong."""
    return {each.kind for each in explore(Small({f"P{at}": run for at, run in enumerate(threads)}), model).findings}
