"""Messages: objects that an allocator other than their owner freed, on their way home (§2.2, Figures 1 to 3).

remote cache ─► list sent: exchange, link ─► dequeued ─► home, or forwarded
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Address, Change, Code, Event

__all__ = [
    "BucketAppended",
    "BucketEmptied",
    "CameHome",
    "Dequeued",
    "Exchanged",
    "Forwarded",
    "Linked",
    "ListSent",
    "PostBegan",
    "Posted",
    "Redistributed",
    "RemoteFreed",
]


@dataclass(frozen=True, slots=True)
class BucketAppended(Event):
    """A message was appended to the bucket that its target's number selects by the bits of one round.

    Attributes:
        message: address of the object that is the message.
        target: number of the allocator that owns the object.
        bucket: index of the bucket in the remote cache.
        round: which k bits of the target's number select the bucket: 0 for objects freed or forwarded, 1 or more
            while a post spreads the home bucket.
        last: address of the bucket's last message; before, the bucket's own address if it was empty.
    """

    message: Address
    target: int
    bucket: int
    round: int
    last: Change

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache._append", "u64[bucket + LAST >> 3] = message")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"Message {self.message:#x} for allocator {self.target} is appended to bucket {self.bucket}, selected by "
            f"the bits of round {self.round}."
        )


@dataclass(frozen=True, slots=True)
class RemoteFreed(Event):
    """A message entered the remote cache.

    Attributes:
        message: address of the object, which this allocator frees or forwards.
        target: number of the allocator that owns the object.
        size: size of the object's class in bytes.
        cached: bytes cached since the last post, which grow by ``size``.
    """

    message: Address
    target: int
    size: int
    cached: Change

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache.dealloc", "u64[self._cached] += size")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"The object at {self.message:#x} is now a message to allocator {self.target}, with {{next, target}} in "
            f"its first 16 bytes. Cached bytes: {self.cached}."
        )


@dataclass(frozen=True, slots=True)
class PostBegan(Event):
    """An allocator begins to send everything in its remote cache.

    Attributes:
        cached: before, the bytes cached since the last post; after, 0. The post resets the count before it sends.
    """

    cached: Change

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("allocator", "Allocator._post", "self.cache.post(self._send)")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Allocator {self.at.allocator} posts the {self.cached.before} bytes in its remote cache."


@dataclass(frozen=True, slots=True)
class ListSent(Event):
    """A bucket is about to be sent as one list, to the owner of its first message.

    Attributes:
        to: number of the allocator that receives the list.
        messages: addresses of the objects, first to last. The receiver owns the first; others may own the rest.
    """

    to: int
    messages: tuple[int, ...]

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code(
        "remotecache", "RemoteCache.post", "send(u64[bucket + FIRST >> 3], u64[bucket + LAST >> 3])"
    )

    def in_words(self) -> str:
        """Describe what happened."""
        count = len(self.messages)
        return (
            f"A list of {count} message{'s' * (count > 1)}, from {self.messages[0]:#x} to {self.messages[-1]:#x}, is "
            f"about to be sent to allocator {self.to}, which owns the first object."
        )


@dataclass(frozen=True, slots=True)
class Exchanged(Event):
    """A queue's back was exchanged. A list needs only this exchange. It is cut off until it is linked.

    Attributes:
        queue: number of the receiving allocator.
        back: before, the address of the newest message, which may be the stub; after, of the sent list's last.
    """

    queue: int
    back: Change

    section: ClassVar[str] = "§2.2, Figure 3"
    code: ClassVar[Code] = Code(
        "messagequeue", "MessageQueue.enqueue", "before = atomics.exchange(self._back, last, Order.ACQ_REL)"
    )

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"The back of allocator {self.queue}'s queue is exchanged: {self.back.hex}. The new list is not linked "
            f"yet, so the receiver cannot reach it."
        )


@dataclass(frozen=True, slots=True)
class Linked(Event):
    """The ``next`` of the former back now points to the new list.

    Attributes:
        message: address of the former back, which may be the queue's stub.
        next: the link in it: before, 0; after, the address of the sent list's first message.
    """

    message: Address
    next: Change

    section: ClassVar[str] = "§2.2, Figure 3"
    code: ClassVar[Code] = Code(
        "messagequeue", "MessageQueue.enqueue", "atomics.store(before + NEXT, first, Order.RELEASE)"
    )

    def in_words(self) -> str:
        """Describe what happened."""
        return f"The next of {self.message:#x}, the former back, is set to {self.next.after:#x}; the list is linked."


@dataclass(frozen=True, slots=True)
class BucketEmptied(Event):
    """A bucket is empty again, so its ``last`` is its own address.

    Attributes:
        bucket: index of the bucket in the remote cache.
    """

    bucket: int

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache._clear", "self._u64[bucket + LAST >> 3] = bucket")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Bucket {self.bucket} is empty again."


@dataclass(frozen=True, slots=True)
class Redistributed(Event):
    """The home bucket is about to be spread over all buckets by the next k bits.

    Attributes:
        round: which k bits of the targets' numbers spread the messages, from 1.
        home: index of the bucket that the allocator's own number selects by the bits of the previous round.
        messages: number of messages to spread.
    """

    round: int
    home: int
    messages: int

    section: ClassVar[str] = "§2.2, Figure 2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache.post", "self._redistribute(home, round)")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"The {self.messages} message{'s' * (self.messages > 1)} of the home bucket {self.home} are spread by the "
            f"bits of round {self.round}."
        )


@dataclass(frozen=True, slots=True)
class Posted(Event):
    """Everything in the remote cache has been sent.

    Attributes:
        rounds: number of rounds: 1, plus 1 for each time that the home bucket was spread.
        lists: number of lists sent in all rounds.
    """

    rounds: int
    lists: int

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache.post", "return round")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"Everything is posted, in {self.rounds} round{'s' * (self.rounds != 1)} and {self.lists} "
            f"list{'s' * (self.lists != 1)}, one atomic exchange each."
        )


@dataclass(frozen=True, slots=True)
class Dequeued(Event):
    """Messages were received. The front moved past them, and past the stub if it was in the way.

    Attributes:
        messages: addresses of the objects received, oldest first, without the stub.
        stub: whether the front passed the stub.
        front: address of the queue's first element: before, the first message received, or the stub; after, the
            message that remains in the queue.
    """

    messages: tuple[int, ...]
    stub: bool
    front: Change

    section: ClassVar[str] = "§2.2, Figure 3"
    code: ClassVar[Code] = Code("messagequeue", "MessageQueue.dequeue_batch", "self._u64[self._front] = batch.pop()")

    def in_words(self) -> str:
        """Describe what happened."""
        count = len(self.messages)
        stub = " and passes the stub that started the queue" if self.stub else ""
        return (
            f"Allocator {self.at.allocator} receives {count} message{'s' * (count != 1)}{stub}. Its front moves: "
            f"{self.front.hex}. The newest message stays in the queue."
        )


@dataclass(frozen=True, slots=True)
class CameHome(Event):
    """A message reached the owner of its object, which is about to free it.

    Attributes:
        message: address of the object.
    """

    message: Address

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("allocator", "Allocator._handle", "self.messages.arrived[sizeclass] += 1")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Message {self.message:#x} is allocator {self.at.allocator}'s own object. It is home and is now freed."


@dataclass(frozen=True, slots=True)
class Forwarded(Event):
    """A message belongs to another allocator, so it is about to be cached again.

    Attributes:
        message: address of the object.
        target: number of the allocator that owns the object.
    """

    message: Address
    target: int

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("allocator", "Allocator._handle", "self.messages.forwarded += 1")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Message {self.message:#x} is for allocator {self.target}, so the remote cache forwards it."
