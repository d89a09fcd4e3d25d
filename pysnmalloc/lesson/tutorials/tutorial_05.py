"""Judges of tutorial 5, atomics and memory order (§2.2, §2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from types import FunctionType, MappingProxyType

from ...atomics import Order
from ...explore import explore
from ...explore.scenarios.litmus import LITMUS, Litmus, Load, Store
from ...explore.scenarios.programs import LitmusScenario, outcomes_of
from ..judging import Fitting, Open, Trouble, attempt, call, exercise, shown
from ..values import nearest, plainly, same

__all__: list[str] = []

PROGRAMS: tuple[tuple[list[str], list[str]], ...] = (
    (["a1"], ["b1"]),
    (["a1", "a2"], []),
    ([], ["b1", "b2", "b3"]),
    ([], []),
    (["a1", "a2"], ["b1"]),
    (["a1", "a2"], ["b1", "b2"]),
    (["load", "store"], ["add"]),
    (["load", "add", "store"], []),
    (["x = 1", "r = y", "print"], ["y = 1", "r = x", "exit"]),
)
"""The steps of two threads: more in one than in the other, none, and names that tell neither thread nor order."""

ORDERS = ("store data", "store flag", "load flag", "load data")
MODELS = ("sc", "tso", "cpp20", "none")
TESTS = {test.name: test for test in LITMUS}
ASKED = ("R+W", "SB+rel+acq", "MP+rel+rlx", "MP+rel+acq", "IRIW+rel+acq")
WEAKER = {
    "store": (Order.RELAXED, Order.RELEASE, Order.SEQ_CST),
    "load": (Order.RELAXED, Order.ACQUIRE, Order.SEQ_CST),
}
"""The orders that each operation may have, from weak to strong."""

ALSO_CALLED = {
    "sequential consistency": "sc",
    "x86": "tso",
    "c": "cpp20",
    "c 20": "cpp20",
    "never": "none",
    "nowhere": "none",
}
"""Other names of models, in lower case and without signs."""


@exercise("5.1")
def _interleavings(answer: object) -> Iterator[Trouble]:
    """Try small programs; the right orders are found by choosing positions for the first thread's steps."""
    for a, b in PROGRAMS:
        right = list(_all_orders(a, b))
        words = f"{right}" if len(right) == 1 else f"a list of lists, one for each of the {len(right)} orders"
        wrong = partial(_not_all, a=a, b=b, right=right)
        yield from call(answer, "interleavings", a, b, wanted=Fitting(words, wrong))


def _all_orders(a: Sequence[str], b: Sequence[str]) -> Iterator[list[str]]:
    """Yield every order of the steps of two threads."""
    length = len(a) + len(b)
    for places in combinations(range(length), len(a)):
        left, right = iter(a), iter(b)
        yield [next(left) if at in places else next(right) for at in range(length)]


def _not_all(got: object, a: Sequence[str], b: Sequence[str], right: Sequence[list[str]]) -> str:
    """Return what distinguishes a result from all the right orders, or nothing."""
    if got is None:
        return "returns None; it should return a list of lists, one for each order. Is there a `return`?"
    if not isinstance(got, list | tuple | set | frozenset | Iterator):
        return f"returns {shown(got)}; it should return a list of lists, one for each order."
    orders, failed = attempt(list, got)
    if failed:
        return f"returns a {type(got).__name__} that {failed}."
    assert isinstance(orders, list)
    if strange := [each for each in orders if not isinstance(each, list | tuple)]:
        kind = type(strange[0]).__name__
        return f"returns the order {shown(strange[0])}, which is a {kind}; each order must be a list of steps."
    found = [list(each) for each in orders]
    return (
        next(filter(None, (_no_order(each, a, b, orders) for each in found)), "")
        or _not_once(found, right)
        or _of_another_type(got, orders)
    )


def _no_order(order: list[object], a: Sequence[str], b: Sequence[str], orders: Sequence[object]) -> str:
    """Return why a list is no order of the steps, or nothing."""
    steps = [*a, *b]
    words = ""
    for step in order:
        if not any(same(step, each) for each in steps):
            return f"returns {shown(order)}, but {shown(step)} is a step of neither thread."
    named = [str(plainly(step)) for step in order]
    for step in steps:
        if named.count(step) != 1:
            words = words or (f"in which {step} comes twice" if step in named else f"which lacks {step}")
    for thread in (a, b):
        for before, after in pairwise(thread):
            if not words and named.index(after) < named.index(before):
                return (
                    f"returns {shown(order)}, in which {after} comes before {before}. The steps of each thread stay in "
                    "their order."
                )
    if words and len(orders) > 1 and all(each is orders[0] for each in orders):
        return f"returns {shown(orders)}: all its orders are one list, {words}. Append a copy to the result."
    return words and f"returns {shown(order)}, {words}."


def _not_once(found: Sequence[list[object]], right: Sequence[list[str]]) -> str:
    """Return words about an order that is missing, or that is there twice, or nothing."""
    named = [[str(plainly(step)) for step in order] for order in found]
    for order in named:
        if named.count(order) > 1:
            return f"returns {shown(order)} {_times(named.count(order))}; once is enough."
    missing = [order for order in right if order not in named]
    if not missing:
        return ""
    count = f"{len(named)} of the {len(right)} orders" if named else "no order"
    why = "" if missing[0] else " Two threads without steps have one order, which is empty."
    return f"returns {count}; {shown(missing[0])} is missing.{why}"


def _times(count: int) -> str:
    """Return a number of times as words."""
    return "twice" if count == 2 else f"{count} times"


def _of_another_type(got: object, orders: Sequence[object]) -> str:
    """Return words about right orders that are not in a list of lists, or nothing."""
    said = "returns the right orders, but the type is not right:"
    if not isinstance(got, list):
        return f"{said} this is a {type(got).__name__}, and it should be a list. `list(...)` makes one."
    if tuples := [each for each in orders if isinstance(each, tuple)]:
        return f"{said} the order {shown(tuples[0])} is a tuple, and it should be a list. `list(...)` makes one."
    return ""


@dataclass(frozen=True)
class _Table:
    """A dict that an exercise asks for.

    Attributes:
        key: what its keys name.
        value: what its values are.
        keys: its keys.
        meant: returns the value that was meant, None if it cannot be told, and why it is not what was asked for.
    """

    key: str
    value: str
    keys: tuple[str, ...]
    meant: Callable[[str, object], tuple[object, str]]

    def judge(self, answer: object, errors: Callable[[dict[str, object]], Iterable[str]]) -> Iterator[str]:
        """Yield the first error: in the spelling, or in what is meant.

        Args:
            answer: the answer.
            errors: yields the errors in what is meant.

        Raises:
            Open: if every value is still to be written.
        """
        meant, misspelled = self.read(answer)
        if not misspelled:
            yield from errors(meant)
        elif len(meant) < len(self.keys):
            yield misspelled
        elif any(errors(meant)):
            yield f"{misspelled} The {self.value}s are not all right yet, either."
        else:
            yield f"the {self.value}s are right, but {misspelled}"

    def read(self, answer: object) -> tuple[dict[str, object], str]:
        """Return what is meant, as far as it can be told, and the first thing that is not as asked."""
        pairs, words = self._pairs(answer)
        if pairs and all(value is ... for value in pairs.values()):
            raise Open
        meant: dict[str, object] = {}
        absent = [key for key in self.keys if key not in pairs]
        for name, value in pairs.items():
            key = name if isinstance(name, str) and name in self.keys else nearest(name, absent)
            if key is not name:
                words = words or self._unknown(name, key)
            if not key:
                continue
            absent = [each for each in absent if each != key]
            value, why = (None, f"{name!r} is still to be written.") if value is ... else self.meant(key, value)
            words = words or why
            if value is not None:
                meant[key] = value
        if absent:
            words = words or f"the answer lacks {_listed(absent)}."
        return meant, words

    def _pairs(self, answer: object) -> tuple[dict[object, object], str]:
        """Return the keys and values of an answer, and the reason if it is no dict."""
        answer = plainly(dict(answer) if isinstance(answer, MappingProxyType) else answer)
        if isinstance(answer, dict):
            return answer, ""
        demand = f"the answer must be a dict from each {self.key} to its {self.value};"
        kind = type(answer).__name__
        if isinstance(answer, FunctionType):
            return {}, f"{demand} this is a function. Pass what it returns."
        if not isinstance(answer, list | tuple | set):
            return {}, f"{demand} this is {shown(answer)}."
        if answer and all(isinstance(each, tuple | list) and len(each) == 2 for each in answer):
            return {str(key): value for key, value in answer}, f"this is a {kind} of pairs, and it must be a dict."
        return {}, f"{demand} this is a {kind}. Without names, which {self.value} belongs to which {self.key}?"

    def _unknown(self, name: object, key: str) -> str:
        """Return words about a key that no operation or test has."""
        if key:
            return f"{shown(name)} is not the name of {_a(self.key)}. Did you mean {key!r}?"
        return f"{shown(name)} is not the name of {_a(self.key)}. The names are {_listed(self.keys)}."


def _a(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _listed(names: Sequence[str]) -> str:
    """Return names as text."""
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last


def _order_meant(name: str, value: object) -> tuple[object, str]:
    """Return the memory order that a value means, and why it is not spelled as asked."""
    if isinstance(value, Order):
        return value, ""
    named = {order.value: order for order in Order}
    text = str(value).lower().replace("memory_order_", "").replace("order.", "") if isinstance(value, str) else ""
    if meant := named.get(nearest(text, named)):
        return meant, f"{name!r} is the string {shown(value)}. Write `Order.{meant.name}`."
    return None, f"{name!r} is {shown(value)}; it must be an `Order`, such as `Order.RELAXED`."


@exercise("5.2")
def _weakest(answer: object) -> Iterator[str]:
    """Explore the program with the given orders, and then with each of them weakened."""
    yield from _Table("operation", "order", ORDERS, _order_meant).judge(answer, _not_weakest)


def _not_weakest(given: Mapping[str, object]) -> Iterator[str]:
    """Yield the errors in the orders of the four operations."""
    orders = {name: order for name, order in given.items() if isinstance(order, Order)}
    for name, order in orders.items():
        kind = name.split()[0]
        if order not in WEAKER[kind]:
            some = ", ".join(each.value for each in WEAKER[kind])
            yield f"{name!r} cannot be {order.value}: in C++, the order of a {kind} is one of {some}."
            return
    if _stale(orders):
        yield f"with these orders, B can read flag = 1 and then data = 0. {_too_weak(orders)}"
        return
    for name, order in orders.items():
        can = WEAKER[name.split()[0]]
        for weaker in can[: can.index(order)]:
            if not _stale({**orders, name: weaker}):
                yield f"the property holds, but {name!r} need not be {order.value}: it still holds with {weaker.value}."


def _too_weak(orders: Mapping[str, Order]) -> str:
    """Ask for what the orders lack: it is found by repairing one thread and exploring again."""
    if not _stale({**orders, "load flag": Order.ACQUIRE}):
        return "The store of the flag orders A's stores. What puts the data's load after the flag's?"
    if not _stale({**orders, "store flag": Order.RELEASE}):
        return "The load of the flag orders B's loads. What puts the data's store before the flag's?"
    return "What puts the data's store before the flag's, and the data's load after the flag's?"


def _stale(orders: Mapping[str, Order]) -> bool:
    """Return whether B sees the flag but not the data in some execution."""
    first = Store("data", 1, orders["store data"]), Store("flag", 1, orders["store flag"])
    second = Load("flag", orders["load flag"]), Load("data", orders["load data"])
    test = Litmus("yours", "", (first, second), ((), (1, 0), (None, None)), frozenset())
    return any(map(test.matches, outcomes_of(explore(LitmusScenario(test), "cpp20"))))


def _model_meant(name: str, value: object) -> tuple[object, str]:
    """Return the model that a value means, and why it is not spelled as asked."""
    if isinstance(value, str) and value in MODELS:
        return value, ""
    known = {**dict(zip(MODELS, MODELS, strict=True)), **ALSO_CALLED}
    meant = "none" if value is None else known.get(nearest(value, known), "")
    if meant:
        return meant, f"{name!r} is {shown(value)}. Write {meant!r}."
    if isinstance(value, list | tuple | set | dict):
        return None, f"{name!r} is {shown(value)}; name a single model, the strongest."
    return None, f"{name!r} is {shown(value)}; it must be one of {_listed(MODELS)}."


@exercise("5.3")
def _strongest(answer: object) -> Iterator[str]:
    """Compare with the table of litmus tests, which follows the literature; nothing is explored."""
    yield from _Table("test", "model", ASKED, _model_meant).judge(answer, _not_strongest)


def _not_strongest(given: Mapping[str, object]) -> Iterator[str]:
    """Yield the errors in the models of the five tests."""
    for name in ASKED:
        test, model = TESTS[name], given.get(name)
        right = next((each for each in MODELS if each in test.allowed), "none")
        if model == right:
            continue
        stronger = MODELS.index(right) < MODELS.index(str(model)) < MODELS.index("none")
        why = "a stronger model allows its result, too" if stronger else "its result is never observed there"
        told = f"{name!r} is not {model!r}" + ("" if model == "none" else f": {why}")
        yield f"{told}. {test.about} Run `ask({name!r})` to see this."
