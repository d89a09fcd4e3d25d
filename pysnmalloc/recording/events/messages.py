"""Messages: objects freed by others, on their way home (§2.2, Figures 1 to 3).

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
    """A message came to the end of a bucket, chosen by a round's bits of its target's number.

    Attributes:
        message: address of the object that is the message.
        target: number of the allocator that owns the object.
        bucket: index of the bucket in the remote cache.
        round: which k bits of the target's number chose it: 0 for what is freed or forwarded, 1 and more when the home
            bucket is spread during a post.
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
        """Say what happened."""
        return (
            f"Message {self.message:#x} for allocator {self.target} goes to the end of bucket {self.bucket}, by the "
            f"bits of round {self.round}."
        )


@dataclass(frozen=True, slots=True)
class RemoteFreed(Event):
    """The remote cache took a message in; ``cached`` counts bytes since the last post.

    Attributes:
        message: address of the object, freed here or received and forwarded.
        target: number of the allocator that owns it.
        size: bytes of the object, those of its size class.
        cached: bytes taken in since the last post; it grows by ``size``.
    """

    message: Address
    target: int
    size: int
    cached: Change

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache.dealloc", "u64[self._cached] += size")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"The object at {self.message:#x} is a message to allocator {self.target} now: {{next, target}} in its "
            f"first 16 bytes. Cached bytes go {self.cached}."
        )


@dataclass(frozen=True, slots=True)
class PostBegan(Event):
    """An allocator begins to send all that it cached.

    Attributes:
        cached: bytes taken in since the last post, and 0: the count starts again before anything is sent.
    """

    cached: Change

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("allocator", "Allocator.post", "self.cache.post(self._send)")

    def in_words(self) -> str:
        """Say what happened."""
        return f"Allocator {self.at.allocator} posts the {self.cached.before} bytes in its remote cache."


@dataclass(frozen=True, slots=True)
class ListSent(Event):
    """A bucket is about to be sent as one list, to the owner of its first message.

    Attributes:
        to: number of the allocator that gets the list.
        messages: addresses of the objects in it, first to last; it owns the first, the others may be another's.
    """

    to: int
    messages: tuple[int, ...]

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code(
        "remotecache", "RemoteCache.post", "send(u64[bucket + FIRST >> 3], u64[bucket + LAST >> 3])"
    )

    def in_words(self) -> str:
        """Say what happened."""
        count = len(self.messages)
        return (
            f"A list of {count} message{'s' * (count > 1)}, from {self.messages[0]:#x} to {self.messages[-1]:#x}, is "
            f"to go to allocator {self.to}, which owns the first."
        )


@dataclass(frozen=True, slots=True)
class Exchanged(Event):
    """A queue's back was exchanged: the one atomic exchange of a list. Until the link, the list is cut off.

    Attributes:
        queue: number of the allocator that receives.
        back: address of the newest message before, which may be the stub, and of the sent list's last one after.
    """

    queue: int
    back: Change

    section: ClassVar[str] = "§2.2, Figure 3"
    code: ClassVar[Code] = Code(
        "messagequeue", "MessageQueue.enqueue", "before = atomics.exchange(self._back, last, Order.ACQ_REL)"
    )

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"The back of allocator {self.queue}'s queue is exchanged: {self.back.hex}. The new list is not linked "
            f"yet, so the receiver cannot see it."
        )


@dataclass(frozen=True, slots=True)
class Linked(Event):
    """The ``next`` of the message that was the back before now leads to the new list.

    Attributes:
        message: address of the one that was the newest before; it may be the queue's stub.
        next: its link: 0 before, address of the sent list's first message after.
    """

    message: Address
    next: Change

    section: ClassVar[str] = "§2.2, Figure 3"
    code: ClassVar[Code] = Code(
        "messagequeue", "MessageQueue.enqueue", "atomics.store(before + NEXT, first, Order.RELEASE)"
    )

    def in_words(self) -> str:
        """Say what happened."""
        return f"The next of {self.message:#x}, which was the back before, is set to {self.next.after:#x}: linked."


@dataclass(frozen=True, slots=True)
class BucketEmptied(Event):
    """A bucket is empty again: it is its own last message.

    Attributes:
        bucket: index of the bucket in the remote cache.
    """

    bucket: int

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache._clear", "self._u64[bucket + LAST >> 3] = bucket")

    def in_words(self) -> str:
        """Say what happened."""
        return f"Bucket {self.bucket} is empty again."


@dataclass(frozen=True, slots=True)
class Redistributed(Event):
    """The home bucket was spread over all buckets by the next k bits.

    Attributes:
        round: which k bits of the targets' numbers spread them, from 1.
        home: index of the bucket where the allocator's own number falls by the bits of the round before.
        messages: how many are spread.
    """

    round: int
    home: int
    messages: int

    section: ClassVar[str] = "§2.2, Figure 2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache.post", "self._redistribute(home, round)")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"The {self.messages} message{'s' * (self.messages > 1)} of the home bucket {self.home} are spread by the "
            f"bits of round {self.round}."
        )


@dataclass(frozen=True, slots=True)
class Posted(Event):
    """Everything in the remote cache is on its way.

    Attributes:
        rounds: how many times buckets were sent: 1, and 1 more each time that the home bucket had to be spread.
        lists: how many were sent in all rounds.
    """

    rounds: int
    lists: int

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("remotecache", "RemoteCache.post", "return round")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"All is posted, in {self.rounds} round{'s' * (self.rounds != 1)} and {self.lists} "
            f"list{'s' * (self.lists != 1)}, one atomic exchange each."
        )


@dataclass(frozen=True, slots=True)
class Dequeued(Event):
    """Messages were received: the front moved over them, and over the ``stub`` that started the queue.

    Attributes:
        messages: addresses of the objects received, oldest first, without the stub.
        stub: whether the stub was among what the front passed.
        front: address of what the queue begins with: before, the first that was received, or the stub; after,
            what stays behind.
    """

    messages: tuple[int, ...]
    stub: bool
    front: Change

    section: ClassVar[str] = "§2.2, Figure 3"
    code: ClassVar[Code] = Code("messagequeue", "MessageQueue.dequeue_batch", "self._u64[self._front] = batch.pop()")

    def in_words(self) -> str:
        """Say what happened."""
        count = len(self.messages)
        stub = ", and passes the stub that started the queue" if self.stub else ""
        return (
            f"Allocator {self.at.allocator} receives {count} message{'s' * (count != 1)}{stub}: its front goes "
            f"{self.front.hex}. The newest message stays behind."
        )


@dataclass(frozen=True, slots=True)
class CameHome(Event):
    """A message reached the owner of its object, who is about to free it.

    Attributes:
        message: address of the object.
    """

    message: Address

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("allocator", "Allocator._handle", "self.messages.arrived[sizeclass] += 1")

    def in_words(self) -> str:
        """Say what happened."""
        return f"Message {self.message:#x} is allocator {self.at.allocator}'s own object: it is home, and is freed."


@dataclass(frozen=True, slots=True)
class Forwarded(Event):
    """A message is another's, so it is about to be cached again.

    Attributes:
        message: address of the object.
        target: number of the allocator that owns it.
    """

    message: Address
    target: int

    section: ClassVar[str] = "§2.2"
    code: ClassVar[Code] = Code("allocator", "Allocator._handle", "self.messages.forwarded += 1")

    def in_words(self) -> str:
        """Say what happened."""
        return f"Message {self.message:#x} is allocator {self.target}'s, so it is forwarded by the remote cache."
