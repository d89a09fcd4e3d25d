"""A delivery: objects that a slow producer sends through a channel, and an allocator that notes what is freed (§2.2).

    producer's objects ─► channel ─► answer ─► allocator ─► notes: got, freed, posted, in this order
                          looks empty after every two

The law: the real allocator frees each object at most once, and only objects of the delivery. Whatever
else an answer frees is noted and goes no further, so that it breaks nothing.
"""

from __future__ import annotations

from collections import deque
from queue import Empty
from typing import Final, Literal, NamedTuple

from ...allocator import Allocator, Parts, Shared
from ...config import Config
from ...heap import Heap
from ..running.budget import Spent

__all__ = ["Channel", "Delivery", "Note"]

BURST: Final = 2
"""How many items arrive together. Then the producer is slow."""


class Note(NamedTuple):
    """Something that an answer did: it got an item or asked in vain, freed an address, posted, or put an item back."""

    what: Literal["got", "asked", "freed", "posted", "put"]
    """What it did."""
    value: object = None
    """The item or the address; None if there is none."""


class Delivery:
    """One call's allocator and channel.

    Attributes:
        config: the configuration of the heap.
        size: bytes in each object.
        sent: the objects' addresses, in order.
        live: those that were not freed.
        heap: the heap of producer and consumer.
        allocator: the consumer's.
        channel: carries the addresses, and then None.
        notes: what the answer did.
    """

    def __init__(self, config: Config, size: int, count: int) -> None:
        self.config, self.size = config, size
        self.notes: list[Note] = []
        delivery = self

        class Consumer(_Consumer):
            """The consumer's allocator, which notes in this delivery."""

            def __init__(self, number: int, shared: Shared) -> None:
                self.delivery = delivery
                super().__init__(number, shared)

        self.heap = Heap(config, parts=Parts(allocator=Consumer))
        producer = self.heap.acquire(1)
        self.sent = [producer.malloc(size) for _ in range(count)]
        self.live = set(self.sent)
        self.allocator = self.heap.acquire(2)
        self.channel = Channel([*self.sent, None], self)

    def all(self, what: str) -> list[object]:
        """Return the values of all notes of a kind, in order."""
        return [note.value for note in self.notes if note.what == what]


class _Consumer(Allocator):
    """An allocator that notes what is freed and posted.

    Attributes:
        delivery: where it notes.
    """

    delivery: Delivery

    def _install(self) -> None:
        """Install ``malloc`` and ``free``; this one notes."""
        super()._install()
        self.free = self.noted_free

    def noted_free(self, address: int) -> None:
        """Note, and free if it is an object of the delivery that was not freed before."""
        delivery = self.delivery
        delivery.notes.append(Note("freed", address))
        if type(address) is not int or address in delivery.live:
            delivery.live.discard(address)
            self.plain_free(address)

    def post(self) -> None:
        """Note, and post."""
        self.delivery.notes.append(Note("posted"))
        super().post()

    def __deepcopy__(self, memo: dict[int, object]) -> Allocator:
        return _copied(self.delivery, memo).allocator

    def __repr__(self) -> str:
        return "allocator"


class Channel:
    """A channel with the methods of a queue. Its producer is slow: it looks empty after every two items.

    Attributes:
        delivery: where it notes.
    """

    def __init__(self, items: list[int | None], delivery: Delivery) -> None:
        self._items = deque(items)
        self._here = min(BURST, len(items))
        self.delivery = delivery

    def get(self, block: bool = True, timeout: float | None = None) -> int | None:
        """Return the next item.

        Raises:
            Empty: if none is there and the caller does not wait for ever.
            Spent: if the caller waits for ever.
        """
        if (timeout is not None or not block) and self.empty():
            raise Empty
        if not self._items:
            raise Spent("waits for ever: it calls `get` after None has come, and nothing more comes", lambda: None)
        self._here = max(self._here, 1) - 1
        item = self._items.popleft()
        self._note("got", item)
        return item

    def get_nowait(self) -> int | None:
        """Return the next item, or raise ``Empty`` if none is there."""
        return self.get(block=False)

    def empty(self) -> bool:
        """Return whether no item is there now. If none is, the next ones arrive after this call."""
        if self._here:
            return False
        self._note("asked")
        self._here = min(BURST, len(self._items))
        return True

    def qsize(self) -> int:
        """Return how many items are there now."""
        self._note("asked")
        return self._here

    def full(self) -> bool:
        """Return whether no more items fit, which never happens."""
        return False

    def put(self, item: int | None, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        """Send an item."""
        self._items.append(item)
        self._note("put", item)

    def put_nowait(self, item: int | None) -> None:
        """Send an item."""
        self.put(item)

    def join(self) -> None:
        """Wait for ever: the producer waits for this consumer as well.

        Raises:
            Spent: always.
        """
        raise Spent("waits for ever: it calls `join`, which waits until the producer ends", lambda: None)

    def task_done(self) -> None:
        """Do nothing: nobody waits for it."""

    def _note(self, what: Literal["got", "asked", "put"], value: object = None) -> None:
        self.delivery.notes.append(Note(what, value))

    def __deepcopy__(self, memo: dict[int, object]) -> Channel:
        return _copied(self.delivery, memo).channel

    def __repr__(self) -> str:
        return "channel"


def _copied(delivery: Delivery, memo: dict[int, object]) -> Delivery:
    """Return the copy of a delivery. Its allocator and its channel, which are copied together, share it."""
    key = id(delivery)
    if key not in memo:
        memo[key] = Delivery(delivery.config, delivery.size, len(delivery.sent))
    copied = memo[key]
    assert isinstance(copied, Delivery)
    return copied
