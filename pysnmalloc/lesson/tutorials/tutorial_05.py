"""Judges of tutorial 5, atomics and memory order (§2.2, §2.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from ...atomics import Order
from ...explore import explore
from ...explore.scenarios.litmus import LITMUS, Litmus, Load, Store
from ...explore.scenarios.programs import LitmusScenario, outcomes_of
from ..judging import Trouble, call, exercise, shown

__all__: list[str] = []

ORDERS = ("store data", "store flag", "load flag", "load data")
MODELS = ("sc", "tso", "cpp20")
TESTS = {test.name: test for test in LITMUS}
ASKED = ("R+W", "SB+rel+acq", "MP+rel+rlx", "MP+rel+acq", "IRIW+rel+acq")
WEAKER = {
    "store": (Order.RELAXED, Order.RELEASE, Order.SEQ_CST),
    "load": (Order.RELAXED, Order.ACQUIRE, Order.SEQ_CST),
}
"""The orders that each operation may have, from weak to strong."""


@exercise("5.1")
def _interleavings(answer: object) -> Iterator[Trouble | str]:
    """Try a few small programs; the right answer is found by choosing positions for the first thread's steps."""

    def in_order(a: list[str], b: list[str]) -> object:
        """Call the answer and sort its list, since any order is right."""
        got = answer(a, b) if callable(answer) else answer
        return sorted(got) if isinstance(got, list) and all(isinstance(each, list) for each in got) else got

    for a, b in ((["a1"], ["b1"]), (["a1", "a2"], []), (["a1", "a2"], ["b1"]), (["a1", "a2", "a3"], ["b1", "b2"])):
        wanted = []
        for places in combinations(range(len(a) + len(b)), len(a)):
            left, right = iter(a), iter(b)
            wanted.append([next(left) if at in places else next(right) for at in range(len(a) + len(b))])
        yield from call(in_order if callable(answer) else answer, "interleavings", a, b, wanted=sorted(wanted))


@exercise("5.2")
def _weakest(answer: object) -> Iterator[Trouble | str]:
    """Explore the program with the given orders, and then with each of them weakened."""
    if not isinstance(answer, dict) or set(answer) != set(ORDERS):
        yield f"the answer must be a dict with the keys {', '.join(map(repr, ORDERS))}; this is {shown(answer)}."
        return
    for name, order in answer.items():
        if not isinstance(order, Order):
            yield f"{name!r} is {shown(order)}; it must be an `Order`, such as `Order.RELAXED`."
            return
        can = WEAKER[name.split()[0]]
        if order not in can:
            some = ", ".join(each.value for each in can)
            yield f"{name!r} cannot be {order.value}: in C++, the order of a {name.split()[0]} is one of {some}."
            return
    if _stale(answer):
        yield (
            "with these orders, B can read flag = 1 and then data = 0. What puts the data's store before the flag's, "
            "and the data's load after the flag's?"
        )
        return
    for name, order in answer.items():
        can = WEAKER[name.split()[0]]
        for weaker in can[: can.index(order)]:
            if not _stale({**answer, name: weaker}):
                yield f"the property holds, but {name!r} need not be {order.value}: it still holds with {weaker.value}."


def _stale(orders: Mapping[str, Order]) -> bool:
    """Return whether B sees the flag but not the data in some execution."""
    first = Store("data", 1, orders["store data"]), Store("flag", 1, orders["store flag"])
    second = Load("flag", orders["load flag"]), Load("data", orders["load data"])
    test = Litmus("yours", "", (first, second), ((), (1, 0), (None, None)), frozenset())
    return any(map(test.matches, outcomes_of(explore(LitmusScenario(test), "cpp20"))))


@exercise("5.3")
def _strongest(answer: object) -> Iterator[Trouble | str]:
    """Compare with the table of litmus tests, which follows the literature; nothing is explored."""
    if not isinstance(answer, dict) or set(answer) != set(ASKED):
        yield f"the answer must be a dict with the keys {', '.join(map(repr, ASKED))}; this is {shown(answer)}."
        return
    for name in ASKED:
        test = TESTS[name]
        wanted = next((model for model in MODELS if model in test.allowed), "none")
        if answer[name] not in (*MODELS, "none"):
            yield f"{name!r} is {shown(answer[name])}; it must be one of {', '.join(map(repr, MODELS))} or 'none'."
        elif answer[name] != wanted:
            yield f"{name!r} is not {answer[name]!r}. {test.about} Run `ask({name!r})` to see this."
