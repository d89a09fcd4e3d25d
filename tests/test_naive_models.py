"""The judge judged: by the literature's litmus tests, by a second way of its own, and by theorems.

What an axiom forbids and allows is held against tests whose answers others have
published; machine and axioms, which share no model, must find the same executions;
and on random programs the models must stand to each other as has been proved.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore.scenarios.litmus import LITMUS, MODELS, Fence, Litmus, Load, Store, Thread
from tests import naive_models
from tests.naive_models import Event, Execution, consistent_cpp20, executions, machine_executions, outcome, outcomes
from tests.random_litmus import other_orders, random_litmus, seq_cst_litmus

pytestmark = pytest.mark.same_everywhere

RLX, REL, ACQ_REL, SC = Order.RELAXED, Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST
TESTS = {litmus.name: litmus for litmus in LITMUS}
SEEDS = range(200)


@cache
def found(seed: int, model: str) -> frozenset[Execution]:
    """The executions of a random program."""
    return executions(random_litmus(seed), model)


def changed(litmus: Litmus, change: Callable[[Thread], Thread]) -> Litmus:
    """The program with each thread changed."""
    return replace(litmus, threads=tuple(map(change, litmus.threads)))


def all_of(order: Order) -> Callable[[Thread], Thread]:
    return lambda thread: tuple(replace(each, order=order) for each in thread)


# The literature.


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", TESTS)
def test_the_outcome_in_question_is_seen_where_it_is_allowed(name: str, model: str) -> None:
    litmus = TESTS[name]
    seen = any(map(litmus.matches, outcomes(litmus, model)))
    assert seen == (model in litmus.allowed), litmus.about


def anything(*_: object) -> bool:
    return True


@pytest.mark.parametrize("name", [name for name in TESTS if not name.startswith("LB")])
def test_without_axioms_the_outcome_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is the axioms that forbid it, and no slip of the pen. (LB has no order in which to play it at all.)"""
    monkeypatch.setattr(naive_models, "coherent", anything)
    monkeypatch.setattr(naive_models, "CONSISTENT", {"none": anything})
    litmus = TESTS[name]
    seen = {outcome(each) for each in executions(litmus, "none")}
    assert any(map(litmus.matches, seen))
    assert not all(map(litmus.matches, seen))


def test_dropping_what_is_not_coherent_early_drops_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [litmus for litmus in LITMUS if len(litmus.threads) < 4 and litmus.name != "RELSEQ+between"]
    early = [executions(litmus, model) for litmus in programs for model in MODELS]
    monkeypatch.setattr(naive_models, "coherent", anything)
    assert early == [executions(litmus, model) for litmus in programs for model in MODELS]


# The second way.


@pytest.mark.parametrize("model", ["sc", "tso"])
def test_machine_and_axioms_find_the_same_executions(model: str) -> None:
    for litmus in LITMUS:
        assert machine_executions(litmus, model) == executions(litmus, model), litmus.name
    for seed in SEEDS:
        assert machine_executions(random_litmus(seed), model) == found(seed, model), seed


def test_executions_in_full() -> None:
    """Store buffering, written down by hand; its fourth execution needs the buffers."""
    wx, wy = Event("store", "x", 1, None), Event("store", "y", 1, None)

    def sb(y_from: naive_models.Write, x_from: naive_models.Write) -> Execution:
        threads = (wx, Event("load", "y", None, y_from)), (wy, Event("load", "x", None, x_from))
        return Execution(threads, (((0, 0),), ((1, 0),)))

    strong = {sb((1, 0), (0, 0)), sb((1, 0), "init"), sb("init", (0, 0))}
    assert executions(TESTS["SB"], "sc") == strong
    assert executions(TESTS["SB"], "tso") == executions(TESTS["SB"], "cpp20") == strong | {sb("init", "init")}
    assert {outcome(each) for each in strong} == {((1,), (1,), (1, 1)), ((1,), (0,), (1, 1)), ((0,), (1,), (1, 1))}


def test_updates_and_failures_in_full() -> None:
    """Two compare-exchanges: the one that fails is a load, and final values follow the modification order."""
    update, load = Event("update", "x", 1, "init"), Event("load", "x", None, (0, 0))
    first = Execution(((update,), (load,)), (((0, 0),),))
    second = Execution(((load._replace(source=(1, 0)),), (update,)), (((1, 0),),))
    for model in MODELS:
        assert executions(TESTS["CAS+CAS"], model) == {first, second}
        assert outcomes(TESTS["CAS+CAS"], model) == {((0,), (1,), (1,)), ((1,), (0,), (1,))}
        assert outcomes(TESTS["RMW+RMW"], model) == {((0,), (1,), (2,)), ((1,), (0,), (2,))}


# What has been proved of the models, on random programs.


def test_each_model_allows_what_the_stronger_one_does() -> None:
    """That "tso" is within the models of C++ says that the usual compilation to x86 is correct."""
    for seed in SEEDS:
        assert found(seed, "sc") <= found(seed, "tso") <= found(seed, "cpp20") & found(seed, "rc11"), seed
    for seed in range(740, 750):
        litmus = seq_cst_litmus(seed)
        assert executions(litmus, "tso") <= executions(litmus, "cpp20"), seed


def test_as_written_the_standard_forbids_what_x86_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hence the one rule that differs from the text: it differs in what only rf orders, and in few programs."""
    monkeypatch.setitem(naive_models.CONSISTENT, "text", partial(consistent_cpp20, as_written=True))
    rfis, found_on_x86 = TESTS["SB+rfis"], seq_cst_litmus(746)
    assert any(map(rfis.matches, outcomes(rfis, "tso")))
    assert executions(rfis, "text") == {each for each in executions(rfis, "cpp20") if not rfis.matches(outcome(each))}
    assert len(executions(found_on_x86, "tso") - executions(found_on_x86, "text")) == 5
    assert all(executions(random_litmus(seed), "text") == found(seed, "cpp20") for seed in SEEDS[:60])
    others = [litmus for litmus in LITMUS if litmus.name != "SB+rfis"]
    assert all(executions(litmus, "text") == executions(litmus, "cpp20") for litmus in others)


def test_cpp20_differs_from_rc11_by_two_rules() -> None:
    """If no thread writes a location twice, it allows no more; if nothing is seq_cst, no less."""
    more, fewer = set(), set()
    near = [other_orders(TESTS[name], seed) for name in ("RELSEQ+store", "W+RWC+sc+loc") for seed in range(40)]
    for litmus in (*LITMUS, *near, *map(random_litmus, SEEDS), *map(seq_cst_litmus, SEEDS)):
        new, old = executions(litmus, "cpp20"), executions(litmus, "rc11")
        if new - old:
            more.add(litmus)
            writes = [[each.location for each in t if not isinstance(each, Load | Fence)] for t in litmus.threads]
            assert any(len(set(each)) < len(each) for each in writes), litmus.name
        if old - new:
            fewer.add(litmus)
            assert [each.order for thread in litmus.threads for each in thread].count(SC) > 1, litmus.name
    assert len(more) > 10
    assert len(fewer) > 1


def test_random_programs_tell_the_models_apart() -> None:
    """Else the comparisons would compare nothing."""
    assert sum(found(seed, "sc") < found(seed, "tso") for seed in SEEDS) > 10
    assert sum(found(seed, "tso") < found(seed, "cpp20") for seed in SEEDS) > 30
    kinds = {type(each) for seed in SEEDS for thread in random_litmus(seed).threads for each in thread}
    assert len(kinds) == 6


def test_seq_cst_everywhere_is_sequential_consistency() -> None:
    for seed in SEEDS[:60]:
        litmus = changed(random_litmus(seed), all_of(SC))
        assert len({executions(litmus, model) for model in MODELS}) == 1, seed


def test_seq_cst_fences_everywhere_restore_sequential_consistency() -> None:
    """A theorem of RC11 and C++20, which C++11 lacks: here all accesses are relaxed."""
    for seed in SEEDS[:40]:
        relaxed = changed(random_litmus(seed), all_of(RLX))
        litmus = changed(relaxed, lambda thread: tuple(each for one in thread for each in (one, Fence(SC))))
        assert len({executions(litmus, model) for model in MODELS}) == 1, seed


@pytest.mark.parametrize("model", MODELS)
def test_weaker_orders_allow_more(model: str) -> None:
    for seed in SEEDS[:60]:
        weaker = executions(changed(random_litmus(seed), all_of(RLX)), model)
        assert weaker == found(seed, model) if model == "sc" else weaker >= found(seed, model), seed


# The data.


def test_names_are_unique_and_expectations_grow_with_the_models() -> None:
    assert len(TESTS) == len(LITMUS) >= 35
    cpp = frozenset({"cpp20", "rc11"})
    grown = {frozenset(), cpp, cpp | {"tso"}, cpp | {"sc", "tso"}}
    assert {litmus.allowed for litmus in LITMUS} == grown | {frozenset({"cpp20"}), frozenset({"rc11"})}


def test_an_outcome_is_matched_where_it_is_asked_about() -> None:
    litmus = TESTS["R+rel+acq"]
    assert litmus.locations == ("x", "y")
    assert litmus.matches(((), (0,), (1, 2)))
    assert litmus.matches(((), (0,), (7, 2)))
    assert not litmus.matches(((), (1,), (1, 2)))
    assert not litmus.matches(((), (0,), (1, 1)))


def test_bad_data_is_refused_with_the_reason() -> None:
    litmus = TESTS["MP"]
    with pytest.raises(ValueError, match="a load cannot be release"):
        Load("x", REL)
    with pytest.raises(ValueError, match="a store cannot be acq_rel"):
        Store("x", 1, ACQ_REL)
    with pytest.raises(ValueError, match=r"MP: .* are \[0, 2, 2\], not \[0, 1, 2\]"):
        litmus.matches(((), (1,), (1, 1)))
    with pytest.raises(ValueError, match="not an outcome of this program"):
        replace(litmus, weak=((), (1, 0)))
    with pytest.raises(ValueError, match="unknown model: power; the models are sc, tso, cpp20, rc11"):
        replace(litmus, allowed=frozenset({"sc", "power"}))


def test_the_judge_knows_the_data_only() -> None:
    tree = ast.parse(Path(naive_models.__file__).read_text(encoding="utf-8"))
    ours = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in ours if name and name.startswith("pysnmalloc")} == {
        "pysnmalloc.atomics",
        "pysnmalloc.explore.scenarios.litmus",
    }
