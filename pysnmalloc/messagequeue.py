"""The queue of messages to an allocator: many producers, one consumer, no locks (§2.2, Figure 3).

    front ──► newest ──► ... ──► ...          a linked list through the freed objects themselves:
              received                        {next, target allocator}, 16 bytes
    back ──────────────────────► newest       never empty: a stub starts it

    enqueue(first, last)                      dequeue()
        last.next = null                          first = front, next = first.next
        prev = exchange(back, last)               null: nothing now
        prev.next = first                         front = next, return first

A single exchange sends a whole list of messages. Receiving needs no exchange.
The newest message stays in the queue as its new front until another arrives, so
the stub that starts the queue is dequeued at some point and must be skipped.

The queue is not linearizable. Between a producer's exchange and its link, the
list is cut: later messages stay invisible, even if their enqueue has returned,
until the link is stored. The consumer sees "nothing now", which an allocator can
tolerate.

Who may call what: any thread may call ``enqueue``. Only the thread that holds the
allocator may call the other methods. ``back`` lies alone on a cache line, which
only producers touch.
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
        block: address of the receiving allocator's block.
    """

    __slots__ = ("_atomics", "_back", "_front", "_u64", "stub")

    def __init__(self, memory: Memory, atomics: Atomics, block: int) -> None:
        self._u64 = memory.u64
        self._atomics = atomics
        self._back = block + BACK
        self._front = block + FRONT >> 3
        self.stub = block + STUB

    def init(self) -> None:
        """Make the queue, once, before any other thread can reach it. It consists of the stub."""
        self._atomics.store(self.stub + NEXT, NULL, Order.RELAXED)
        self._atomics.store(self._back, self.stub, Order.RELAXED)
        self._u64[self._front] = self.stub

    def is_empty(self) -> bool:
        """Return whether nothing can be received now. Cost: 1 load, relaxed and uncounted."""
        return self._atomics.poll(self._u64[self._front] + NEXT) == NULL

    def enqueue(self, first: int, last: int) -> None:
        """Send a list of messages, linked from ``first`` to ``last``. Cost: 1 exchange, 2 stores."""
        atomics = self._atomics
        atomics.store(last + NEXT, NULL, Order.RELAXED)
        # Release: the producer that links after `last` must do so after the null was stored, or the null
        # would overwrite that link for good. Acquire: the same, from the side of the producer that links.
        before = atomics.exchange(self._back, last, Order.ACQ_REL)
        # Release: a consumer that sees the link also sees the messages and what their last users did.
        atomics.store(before + NEXT, first, Order.RELEASE)

    def dequeue(self) -> int:
        """Receive one message, or return 0. Cost: 1 load, and a fence if there is a message."""
        first = self._u64[self._front]
        after = self._atomics.load(first + NEXT, Order.RELAXED)
        if after == NULL:
            return NULL
        self._u64[self._front] = after
        self._atomics.fence(Order.ACQUIRE)  # pairs with the release of the link
        return first

    def dequeue_batch(self, most: int) -> list[int]:
        """Receive up to ``most`` messages, including the stub if it comes out.

        This is equivalent to as many calls of ``dequeue``. All links are read before any message is handled,
        because handling a message overwrites its link. Cost: 1 load per message, and 1 more.
        """
        # Acquire each link: only a thread that acquired the link to a message sees that message's own
        # link as its sender left it.
        batch = self._atomics.load_links(self._u64[self._front], NEXT, most)
        self._u64[self._front] = batch.pop()
        return batch

    def truncate(self, newest: int) -> None:
        """Make ``newest``, which is reachable from the front, the last message, while no other thread exists."""
        self._atomics.store(self._back, newest, Order.RELAXED)

    def walk(self) -> Iterator[int]:
        """Yield the messages reachable from the front, beginning with the front itself, for observers."""
        message = self._u64[self._front]
        while message != NULL:
            yield message
            message = self._u64[message + NEXT >> 3]

    def back(self) -> int:
        """Return the newest message, for observers."""
        return self._u64[self._back >> 3]
