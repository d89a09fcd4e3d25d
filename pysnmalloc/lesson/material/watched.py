"""Atomic operations that a judge watches, on memory full of old values (§2.2, §2.5).

    Watched({144: c1, 152: 41, c1: c2, ...}, acts=[{144: c2, 152: 42}])

          the answer's compare-exchange ──► first another thread's stores, one act each time
                     │                      then the operation, which fails if the word has changed
                     ▼
          done: (kind, address, values, order, result)        and the words afterwards

Each word that the judge does not set holds an old value, which is no address. An operation that no
hardware has is refused in words, as the explorer refuses it.

The judge gives a ``Watched`` to ``call``, which gives a copy to the answer. The copy is ``ran``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import NamedTuple, Self, TypeVar, cast

from ...atomics import Atomics, Order
from ...explore.threads.misuse import demand_operation
from ...explore.threads.ops import ADD, BOTH, CAS, EXCHANGE, FENCE, LOAD, LOW, SPECULATE, STORE
from ...memory import Memory
from ...platform import AddressSpace

__all__ = ["Done", "Watched", "old"]

T = TypeVar("T")

SIZE = 1024
OLD = 0xBAD_0000


def old(address: int) -> int:
    """Return the old value that a word holds which nobody has set: it ends in the word's address."""
    return OLD + address


class Done(NamedTuple):
    """An operation that an answer performed.

    Attributes:
        kind: as the explorer names it.
        address: where.
        order: the order that the answer gave.
        values: what is stored, or expected and stored.
        result: what it returned.
    """

    kind: str
    address: int
    values: tuple[object, ...]
    order: Order
    result: object

    @property
    def changes(self) -> bool:
        """Whether it stored something."""
        if isinstance(self.result, Reply):
            return self.result[0] is True
        return self.kind in (STORE, EXCHANGE, ADD)


class Reply(tuple[bool, object]):
    """What a compare-exchange returns. It notes whether anybody asks for its truth, as ``if reply:`` does.

    Attributes:
        asked: whether somebody did.
    """

    asked = False

    def __bool__(self) -> bool:
        self.asked = True
        return True


class Watched(Atomics):
    """The atomic operations of one case.

    Attributes:
        done: the operations so far, in order.
        acted: how many acts have happened.
        ran: the newest copy.

    Args:
        words: the values of words, by their addresses.
        acts: what another thread stores right before each compare-exchange, in turn.
    """

    __slots__ = ("_acts", "_words", "acted", "done", "ran")

    def __init__(self, words: Mapping[int, int], acts: Sequence[Mapping[int, int]] = ()) -> None:
        memory = Memory(AddressSpace(SIZE))
        super().__init__(memory, Lock())
        self._words = words
        self._acts = acts
        self.done: list[Done] = []
        self.acted = 0
        self.ran = self
        for address in range(0, SIZE, 8):
            self._u64[address >> 3] = words.get(address, old(address))

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the same case anew."""
        self.ran = type(self)(self._words, self._acts)
        return self.ran

    def __repr__(self) -> str:
        return "atomics"

    def word(self, address: int) -> int:
        """Return a word, for the judge."""
        return self._u64[address >> 3]

    def changed(self, wanted: Mapping[int, int]) -> list[int]:
        """Return the addresses of all words that differ from the case, with its acts and the wanted words."""
        words = dict(self._words)
        for act in (*self._acts[: self.acted], wanted):
            words.update(act)
        return [address for address in range(0, SIZE, 8) if self.word(address) != words.get(address, old(address))]

    def fence(self, order: Order) -> None:
        """Order the accesses before it and those after it."""
        self._demand(FENCE, 0, (), order)
        super().fence(order)

    def load(self, address: int, order: Order) -> int:
        """Return the word."""
        self._demand(LOAD, address, (), order)
        return self._note(LOAD, address, (), order, super().load(address, order))

    def poll(self, address: int) -> int:
        """Return the word."""
        return self.load(address, Order.RELAXED)

    def speculate(self, address: int) -> int:
        """Return the word, which may be in use."""
        self._demand(SPECULATE, address, (), Order.RELAXED)
        return self._note(SPECULATE, address, (), Order.RELAXED, super().speculate(address))

    def load_links(self, first: int, offset: int, most: int) -> list[int]:
        """Follow links."""
        passed = [first]
        while len(passed) <= most and (after := self.load(passed[-1] + offset, Order.ACQUIRE)):
            passed.append(after)
        return passed

    def store(self, address: int, value: int, order: Order) -> None:
        """Store the word."""
        self._demand(STORE, address, (value,), order)
        super().store(address, value, order)
        self._note(STORE, address, (value,), order, None)

    def exchange(self, address: int, value: int, order: Order) -> int:
        """Store the word and return its former value."""
        self._demand(EXCHANGE, address, (value,), order)
        return self._note(EXCHANGE, address, (value,), order, super().exchange(address, value, order))

    def fetch_add(self, address: int, amount: int, order: Order) -> int:
        """Add to the word and return its former value."""
        self._demand(ADD, address, (amount,), order)
        return self._note(ADD, address, (amount,), order, super().fetch_add(address, amount, order))

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:
        """Store ``desired`` if the word is ``expected``, after another thread's act."""
        self._demand(CAS, address, (expected, desired), order)
        self._act()
        reply = Reply(super().compare_exchange(address, expected, desired, order))
        return cast("tuple[bool, int]", self._note(CAS, address, (expected, desired), order, reply))

    def compare_exchange_2(
        self, address: int, expected: tuple[int, int], desired: tuple[int, int], order: Order
    ) -> tuple[bool, tuple[int, int]]:
        """Do the same with two adjacent words."""
        self._demand(CAS, address, (expected, desired), order, BOTH)
        self._act()
        reply = Reply(super().compare_exchange_2(address, expected, desired, order))
        return cast("tuple[bool, tuple[int, int]]", self._note(CAS, address, (expected, desired), order, reply))

    def _act(self) -> None:
        """Let another thread act, if it still has something to do."""
        if self.acted < len(self._acts):
            for address, value in self._acts[self.acted].items():
                self._u64[address >> 3] = value
            self.acted += 1

    def _demand(self, kind: str, address: int, values: tuple[object, ...], order: Order, part: int = LOW) -> None:
        """Raise ``WrongUse`` if hardware has no such operation."""
        demand_operation(kind, address, values, order, part, SIZE)

    def _note(self, kind: str, address: int, values: tuple[object, ...], order: Order, result: T) -> T:
        """Note an operation, and return its result."""
        self.done.append(Done(kind, address, values, order, result))
        return result
