"""The queue of messages to an allocator: many producers, one consumer, no locks (§2.2, Figure 3).

    front ──► newest ──► ... ──► ...          a linked list through the freed objects themselves:
              received                        {next, target allocator}, 16 bytes
    back ──────────────────────► newest       never empty: a stub starts it

    enqueue(first, last)                      dequeue()
        last.next = null                          first = front, next = first.next
        prev = exchange(back, last)               null: nothing now
        prev.next = first                         front = next, return first

One exchange sends a whole list of messages. Receiving needs no exchange at all.
The newest message stays behind as the new front until another arrives; so the
stub that starts the queue comes out one day, and must be skipped.

Not linearizable: between a producer's exchange and its link, the list is cut.
Later messages, whose enqueue has returned, are not visible until it is mended.
The consumer then sees "nothing now", which for an allocator is just as good.

Who may call what: ``enqueue`` any thread; the rest the one thread that holds the
allocator. ``back`` lies alone on a cache line, and only producers touch it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .atomics import Atomics, Order
from .memory import NULL, Memory

__all__ = ["BACK", "FRONT", "STUB", "TARGET", "MessageQueue"]

BACK, STUB, FRONT = 0, 64, 128  #: byte offsets in the allocator's block
NEXT, TARGET = 0, 8  #: byte offsets in a message


class MessageQueue:
    """The queue of one allocator, as one thread sees it.

    Args:
        block: address of the allocator that receives.
    """

    __slots__ = ("_atomics", "_back", "_front", "_u64", "stub")

    def __init__(self, memory: Memory, atomics: Atomics, block: int) -> None:
        self._u64 = memory.u64
        self._atomics = atomics
        self._back = block + BACK
        self._front = block + FRONT >> 3
        self.stub = block + STUB

    def init(self) -> None:
        """Make the queue, once, before anybody knows of it: the stub alone."""
        self._atomics.store(self.stub + NEXT, NULL, Order.RELAXED)
        self._atomics.store(self._back, self.stub, Order.RELAXED)
        self._u64[self._front] = self.stub

    def is_empty(self) -> bool:
        """Tell whether nothing can be received now. Cost: 1 load, relaxed, not counted."""
        return self._atomics.poll(self._u64[self._front] + NEXT) == NULL

    def enqueue(self, first: int, last: int) -> None:
        """Send a list of messages, linked from ``first`` to ``last``. Cost: 1 exchange, 2 stores."""
        atomics = self._atomics
        atomics.store(last + NEXT, NULL, Order.RELAXED)
        # Release: whoever links behind `last` must do so after its next was set to null, or the null
        # would cut off that link for ever. Acquire: the same, seen from the one who links.
        before = atomics.exchange(self._back, last, Order.ACQ_REL)
        # Release: the consumer that sees the link sees the messages and what the object's last user did.
        atomics.store(before + NEXT, first, Order.RELEASE)

    def dequeue(self) -> int:
        """Receive one message, or return 0. Cost: 1 load; a fence when there is one."""
        first = self._u64[self._front]
        after = self._atomics.load(first + NEXT, Order.RELAXED)
        if after == NULL:
            return NULL
        self._u64[self._front] = after
        self._atomics.fence(Order.ACQUIRE)  # pairs with the release of the link
        return first

    def dequeue_batch(self, most: int) -> list[int]:
        """Receive up to ``most`` messages, the stub among them if it is there.

        The same as so many ``dequeue``. The links are read before any message is handled, since handling
        one overwrites it. Cost: 1 load for each, and one more.
        """
        # Acquire, each of them: a message's own link is as its sender left it only for those who have
        # acquired the link to the message.
        batch = self._atomics.load_links(self._u64[self._front], NEXT, most)
        self._u64[self._front] = batch.pop()
        return batch

    def truncate(self, newest: int) -> None:
        """Make ``newest``, which the front reaches, the last message; while there is no other thread."""
        self._atomics.store(self._back, newest, Order.RELAXED)

    def walk(self) -> Iterator[int]:
        """Yield what can be reached from the front, the front itself first, for those who look on."""
        message = self._u64[self._front]
        while message != NULL:
            yield message
            message = self._u64[message + NEXT >> 3]

    def back(self) -> int:
        """Return the newest message, for those who look on."""
        return self._u64[self._back >> 3]
