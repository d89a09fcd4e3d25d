"""Judges that explore, and the watched operations that they give to answers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Protocol

import pytest

from pysnmalloc.atomics import Atomics, Order
from pysnmalloc.explore import explore
from pysnmalloc.explore.threads.misuse import WrongUse
from pysnmalloc.lesson import check, exploring
from pysnmalloc.lesson.material.queues import ListScenario
from pysnmalloc.lesson.material.stacks import PopScenario
from pysnmalloc.lesson.material.watched import Watched, old
from pysnmalloc.lesson.tutorials.tutorial_04 import PLANS

from .answers import FOLDER, exercises_of

SEQ_CST, RELAXED = Order.SEQ_CST, Order.RELAXED
X, Y = 64, 72


class Function(Protocol):
    """An answer."""

    def __call__(self, *arguments: object) -> int:
        """Answer."""


def answered(number: str, title: str) -> Function:
    """The answer of a title."""
    exercises = {each.number: each for each in exercises_of(FOLDER / f"0{number[0]}.md")}
    (answer,) = [each for each in exercises[number].answers if each.title == title]
    return answer.run()  # type: ignore[return-value]  # a function


def test_the_execution_that_shows_an_error_is_shown_with_it() -> None:
    verdict = check("4.2", answered("4.2", "only the pointer is compared"))
    assert verdict.finding is not None
    assert verdict.finding.kind == "ABA"
    first, *rest = repr(verdict).splitlines()
    assert first.endswith(verdict.words)
    assert "\n".join(rest).strip() == str(verdict.finding)
    assert verdict._repr_html_().endswith(verdict.finding._repr_html_())
    assert verdict.case is None


def test_a_call_that_shows_an_error_can_be_made_again() -> None:
    verdict = check("4.2", answered("4.2", "no second attempt"))
    assert verdict.finding is None
    assert verdict.case is not None
    assert repr(verdict.case) == "pop(atomics, 144)"
    assert [verdict.case.again() for _ in range(3)] == [0, 0, 0]
    right = answered("4.2", "the strongest orders")
    assert right(*verdict.case.arguments) == 0x180


@pytest.mark.parametrize(
    "title", ["recursion in place of the loop", "the strongest orders", "fences in place of orders"]
)
def test_few_executions_decide_about_a_pop(title: str) -> None:
    pop = answered("4.2", title)
    results = [explore(PopScenario(plans, pop), "cpp20") for plans in PLANS]
    assert all(result.verdict == "proved for all executions" for result in results)
    assert sum(result.executions for result in results) < 150


def test_few_executions_decide_about_a_send() -> None:
    result = explore(ListScenario(answered("6.2", "the strongest orders")), "cpp20")
    assert result.verdict == "proved for all executions"
    assert result.executions < 50


@pytest.mark.parametrize("whole", [False, True], ids=["of a list", "of one message"])
def test_an_old_link_that_a_receiver_follows_is_found_in_executions_as_well(*, whole: bool) -> None:
    def enqueue(atomics: Atomics, back: int, first: int, last: int) -> None:
        if (first == last) is not whole:
            atomics.store(last, 0, SEQ_CST)
        atomics.store(atomics.exchange(back, last, SEQ_CST), first, SEQ_CST)

    found = explore(ListScenario(enqueue), "sc", patience=50).findings
    assert "old link" in [finding.kind for finding in found]


def test_a_remark_is_made_only_where_it_helps() -> None:
    orders = check("6.2", answered("6.2", "the order is a text"))
    assert "Null is" not in orders.words
    stopped = check("4.2", answered("4.2", "the chunk below"))
    assert "performs no operation" not in stopped.words
    assert "a tuple is true" not in check("4.2", answered("4.2", "three attempts")).words
    for title in ("the number is loaded relaxed", "the empty stack if a chunk is in use"):
        assert "?" not in check("4.2", answered("4.2", title)).words


def test_an_order_is_blamed_only_if_a_stronger_one_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    pop = answered("4.2", "the number is loaded relaxed")
    assert "too weak at your line `number = " in check("4.2", pop).words
    monkeypatch.setattr(exploring, "_is_forbidden", lambda *_: False)
    assert "too weak" not in check("4.2", pop).words


def test_another_thread_acts_right_before_a_compare_exchange() -> None:
    atomics = Watched({X: 1}, [{X: 2}, {X: 1, Y: 5}])
    assert atomics.compare_exchange(X, 1, 9, SEQ_CST) == (False, 2)
    assert atomics.changed({}) == []
    assert atomics.compare_exchange(X, 1, 9, SEQ_CST) == (True, 1)
    assert (atomics.word(X), atomics.word(Y), atomics.acted) == (9, 5, 2)
    assert atomics.changed({X: 9}) == []
    assert atomics.changed({}) == [X]
    assert [done.changes for done in atomics.done] == [False, True]


def test_the_truth_of_a_reply_is_noted() -> None:
    atomics = Watched({X: 1})
    first, second = (atomics.compare_exchange(X, 7, 9, SEQ_CST) for _ in range(2))
    assert not first[0]
    assert second, "a tuple is true"
    assert [done.result.asked for done in atomics.done] == [False, True]  # type: ignore[attr-defined]  # a reply


def test_a_copy_begins_anew_and_what_nobody_set_is_old() -> None:
    atomics = Watched({X: 1})
    twin = copy.deepcopy(atomics)
    assert atomics.ran is twin
    twin.store(X, 5, RELAXED)
    assert (atomics.word(X), twin.word(X), copy.deepcopy(atomics).word(X)) == (1, 5, 1)
    assert twin.load(Y, RELAXED) == old(Y)
    assert twin.speculate(Y) == old(Y)


WRONG: list[tuple[Callable[[Atomics], object], str]] = [
    (lambda a: a.load(X + 1, RELAXED), "a load at 0x41, which is not a multiple of 8"),
    (lambda a: a.poll(0), "a load at address 0, which is null"),
    (lambda a: a.speculate(old(X)), "a speculate at 0xbad0040, outside of the memory"),
    (lambda a: a.store(X, -1, RELAXED), "a store with the value -1"),
    (lambda a: a.exchange(X, 1 << 64, RELAXED), "an exchange with the value 18446744073709551616"),
    (lambda a: a.fetch_add(X, 1, "relaxed"), "the order of a fetch_add is 'relaxed'"),  # type: ignore[arg-type]
    (lambda a: a.compare_exchange(X, None, 1, RELAXED), "a compare_exchange with the value None"),  # type: ignore[arg-type]
    (lambda a: a.compare_exchange_2(X + 8, (0, 0), (0, 0), RELAXED), "which is not a multiple of 16"),
    (lambda a: a.fence("acquire"), "the order of a fence is 'acquire'"),  # type: ignore[arg-type]
    (lambda a: a.load_links(X, 1, 3), "a load at 0x41, which is not a multiple of 8"),
]


@pytest.mark.parametrize(("use", "words"), WRONG)
def test_what_no_hardware_has_is_refused_in_words(use: Callable[[Atomics], object], words: str) -> None:
    atomics = Watched({})
    with pytest.raises(WrongUse, match=words):
        use(atomics)
    assert atomics.done == []


def test_each_operation_is_noted() -> None:
    atomics = Watched({X: 1, Y: 2})
    atomics.store(X, 3, RELAXED)
    assert atomics.fetch_add(X, 2, SEQ_CST) == 3
    assert atomics.exchange(X, 7, SEQ_CST) == 5
    assert atomics.compare_exchange_2(X, (7, 2), (8, 3), SEQ_CST) == (True, (7, 2))
    assert atomics.load_links(X, 0, 1) == [X, 8]
    atomics.fence(SEQ_CST)
    noted = [(done.kind, done.address, done.changes) for done in atomics.done]
    assert noted == [
        *(("store", X, True), ("fetch_add", X, True), ("exchange", X, True)),
        *(("compare_exchange", X, True), ("load", X, False)),
    ]
