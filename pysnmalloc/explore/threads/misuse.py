"""What a thread of a scenario must not do, in words: a wrong operation, a stop swallowed, a change of mind (§2.2).

    atomics.load(60, ...)                a word has an address that is a multiple of 8
    atomics.load(64, Order.RELEASE)      a load does not release
    try: ... except: ...                 catches the exception by which the explorer stops a thread
    if random() < 0.5: ...               does something else after the same reads

The first three are wrong uses (``WrongUse``), and end the thread that makes them: catching the error does not help.
The last (``NotRepeatable``) ends the exploration, because nothing that it shows about such a thread can be believed.
So does an error outside of the threads, as in ``setup`` (``ScenarioError``): there is nothing to explore.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from ...atomics import Order
from ...errors import SnmallocError
from .ops import ADD, BOTH, EXCHANGE, FENCE, LOAD, STORE, WAIT, WORD

__all__ = [
    "NotRepeatable",
    "ScenarioError",
    "WrongUse",
    "asked",
    "demand_attributes",
    "demand_operation",
    "demand_order",
    "demand_plain",
    "failed_at",
]

P = ParamSpec("P")
T = TypeVar("T")
_PACKAGE = Path(__file__).parents[2]

_LOADS = (Order.RELAXED, Order.ACQUIRE, Order.SEQ_CST)
_STORES = (Order.RELAXED, Order.RELEASE, Order.SEQ_CST)
_ORDERS = {LOAD: _LOADS, WAIT: _LOADS, STORE: _STORES}  # all other kinds may have every order


class WrongUse(Exception):
    """A thread of a scenario does what no thread may do; the message gives the reason and the source line."""


class NotRepeatable(SnmallocError):
    """A thread behaves differently although it read the same values.

    What to do: take clocks, random numbers and state outside of the threads out of the scenario. Threads communicate
    through ``place`` only.

    Attributes:
        thread: the name of the thread.
        line: the source line at which it differs.
        now, before: what it did this time, and what it did after the same reads before.
    """

    def __init__(self, thread: str, line: str, now: str, before: str) -> None:
        super().__init__(thread, line, now, before)
        self.thread, self.line, self.now, self.before = thread, line, now, before

    def __str__(self) -> str:
        at = f", at `{self.line}`" if self.line else ""
        return (
            f"{self.thread} read the same values twice, and then did not do the same: {self.before} the first time, "
            f"{self.now} the second time{at}. A thread may depend on what it reads through its place "
            "only, not on random numbers, a clock, or anything that is kept outside the thread"
        )


class ScenarioError(SnmallocError, ValueError):
    """A scenario raised an error outside of its threads and its judge; the message names the method and the line.

    What to do: mend the method that the message names. The error that it raised is the cause of this one.
    """


def asked(method: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what a method of a scenario returns.

    Raises:
        ScenarioError: if it raises anything, ``SystemExit`` included.
    """
    with _in_words(method):
        return method(*arguments, **named)


def demand_attributes(scenario: object) -> None:
    """Raise ``ScenarioError`` if an attribute that the explorer reads is a property that raises anything."""
    for name in ("name", "note", "fresh", "command"):
        with _in_words(scenario, name):
            getattr(scenario, name)


@contextmanager
def _in_words(asked: object, attribute: str = "") -> Iterator[None]:
    """Raise ``ScenarioError`` for any error but the user's interrupt."""
    try:
        yield
    except (KeyboardInterrupt, ScenarioError):
        raise
    except BaseException as error:
        owner = type(getattr(asked, "__self__", asked)).__name__
        name = attribute or getattr(asked, "__name__", "")
        raise ScenarioError(f"{owner}.{name} raises {failed_at(error)}") from error


def failed_at(error: BaseException) -> str:
    """Return an error in words, with the place at which it was raised: the last one outside of this package, if any."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append((Path(trace.tb_frame.f_code.co_filename), trace.tb_lineno))
        trace = trace.tb_next
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    places = [place for place in places[1:] if not str(place[0]).startswith("<frozen")]
    outside = [place for place in places if _PACKAGE not in place[0].parents] or places
    if not outside or isinstance(error, SyntaxError):  # which names the place itself
        return what
    file, number = outside[-1]
    line = linecache.getline(str(file), number).strip()
    return f"{what}, at `{line}` ({file.name}:{number})" if line else f"{what}, at {file.name}:{number}"


def demand_order(kind: str, order: Order) -> None:
    """Raise unless an operation of this kind can have the order.

    Raises:
        WrongUse: if it cannot; the message names the orders that it can have.
    """
    one = _one(kind)
    if not isinstance(order, Order):
        raise WrongUse(f"the order of {one} is {order!r}; give a member of Order, such as Order.RELAXED")
    allowed = _ORDERS.get(kind, tuple(Order))
    if order not in allowed:
        can = ", ".join(each.name for each in allowed)
        does = "release" if order is Order.RELEASE else "acquire" if order is Order.ACQUIRE else "do both"
        raise WrongUse(f"{one} cannot {does}: its order is {order.name}, and may be {can}")


def demand_operation(kind: str, address: int, values: tuple[Hashable, ...], order: Order, part: int, size: int) -> None:
    """Raise unless an atomic operation is one that hardware can perform.

    ``size`` is the number of bytes of the memory; the other arguments are those of ``Op``.

    Raises:
        WrongUse: if it is not; the message gives the reason.
    """
    demand_order(kind, order)
    if kind == FENCE:
        return
    width, one = 16 if part == BOTH else 8, _one(kind)
    if not _is_word(address, signed=True):
        raise WrongUse(f"the address of {one} is {address!r}, not a whole number")
    if address == 0:
        raise WrongUse(f"{one} at address 0, which is null and never an object's")
    if not 0 < address <= size - width:
        raise WrongUse(f"{one} at {address:#x}, outside of the memory, which has {size:,} bytes")
    if address % width:
        raise WrongUse(f"{one} at {address:#x}, which is not a multiple of {width}: such words are not atomic")
    for value in values:
        words = value if part == BOTH and isinstance(value, tuple) and len(value) == 2 else (value,)
        if (part == BOTH and len(words) != 2) or not all(_is_word(word, signed=kind == ADD) for word in words):
            wanted = "a pair of words" if part == BOTH else "a word"
            raise WrongUse(f"{one} with the value {value!r}, which is not {wanted} of 8 bytes, 0 to 2^64 - 1")


def demand_plain(shift: int, index: int, size: int) -> None:
    """Raise unless a plain access is to a word of the memory.

    Raises:
        TypeError, IndexError: if it is not, as on a heap; the message gives the address.
    """
    if not isinstance(index, int):
        raise TypeError(f"a thread accesses memory word by word; {index!r} is not the index of a word")
    if not 0 <= index << shift < size:
        raise IndexError(f"a plain access at {index << shift:#x}, outside of the memory, which has {size:,} bytes")


def _one(kind: str) -> str:
    """Return the name of a kind of operation with its article."""
    return f"an {kind}" if kind == EXCHANGE else f"a {kind}"


def _is_word(value: Hashable, *, signed: bool) -> bool:
    """Return whether a value fits into a word, or is any whole number if it may be signed."""
    return isinstance(value, int) and (signed or 0 <= value <= WORD)
