"""Recording messages: the remote cache and the receiving end of the queue (§2.2, Figures 1 to 3).

``RecordingAtomics`` reports the sending end: the exchange and the link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...config import Config
from ...memory import NULL, Memory
from ...messagequeue import FRONT, TARGET
from ...remotecache import BUCKETS, FIRST, LAST
from ..events import BucketAppended, BucketEmptied, Change, Dequeued, PostBegan, Posted, Redistributed, RemoteFreed
from .shared import RecordingAtomics
from .teller import Teller

if TYPE_CHECKING:  # a recording class is put on top of any class that serves its concept
    from ...messagequeue import MessageQueue
    from ...remotecache import RemoteCache
else:
    MessageQueue = RemoteCache = object

__all__ = ["RecordingQueue", "RecordingRemoteCache"]


class RecordingRemoteCache(RemoteCache):
    """Reports messages that enter the cache, and posts with their rounds."""

    def __init__(self, teller: Teller, memory: Memory, config: Config, block: int) -> None:
        self._teller = teller
        self._told_round = self._told_lists = 0
        super().__init__(memory, config, block)

    def dealloc(self, target: int, freed: int, size: int) -> None:
        """Cache a message, and report it."""
        before = self.cached()
        super().dealloc(target, freed, size)
        self._teller.tell(
            RemoteFreed,
            message=freed,
            target=self._teller.number(target),
            size=size,
            cached=Change(before, self.cached()),
        )

    def post(self, send: Callable[[int, int], None]) -> int:
        """Send everything, and report the beginning and the end."""

        def counted(first: int, last: int) -> None:
            self._told_lists += 1
            send(first, last)

        self._teller.tell(PostBegan, cached=Change(self.cached(), 0))
        self._told_round = self._told_lists = 0
        rounds = super().post(counted)
        self._told_round = 0
        self._teller.tell(Posted, rounds=rounds, lists=self._told_lists)
        return rounds

    def _redistribute(self, home: int, round: int) -> None:
        """Report that the home bucket is about to be spread, and spread it."""
        index = self._index_of(home)
        self._told_round = round
        self._teller.tell(Redistributed, round=round, home=index, messages=sum(1 for _ in self.walk(index)))
        super()._redistribute(home, round)

    def _append(self, bucket: int, message: int) -> None:
        """Append a message to a bucket, and report it."""
        before = self._teller.word(bucket + LAST)
        super()._append(bucket, message)
        self._teller.tell(
            BucketAppended,
            message=message,
            target=self._teller.number(self._teller.word(message + TARGET)),
            bucket=self._index_of(bucket),
            round=self._told_round,
            last=Change(before, message),
        )

    def _clear(self, bucket: int) -> None:
        """Empty a bucket, and report it if the bucket held messages."""
        held = self._teller.word(bucket + FIRST) != NULL
        super()._clear(bucket)
        if held:
            self._teller.tell(BucketEmptied, bucket=self._index_of(bucket))

    def _index_of(self, bucket: int) -> int:
        """Return a bucket's index, from its address."""
        return (bucket - self._teller.block - BUCKETS) // 16


class RecordingQueue(MessageQueue):
    """Reports messages received."""

    def __init__(self, teller: Teller, memory: Memory, atomics: RecordingAtomics, block: int) -> None:
        self._teller = teller
        self._told_front = block + FRONT
        super().__init__(memory, atomics, block)

    def dequeue(self) -> int:
        """Receive one message, and report it."""
        front = self._teller.word(self._told_front)
        first = super().dequeue()
        if first != NULL:
            self._tell([first], front)
        return first

    def dequeue_batch(self, most: int) -> list[int]:
        """Receive up to ``most`` messages, and report them."""
        front = self._teller.word(self._told_front)
        batch = super().dequeue_batch(most)
        if batch:
            self._tell(batch, front)
        return batch

    def _tell(self, batch: list[int], front: int) -> None:
        """Report what was received. The stub is not a message."""
        self._teller.tell(
            Dequeued,
            messages=tuple(message for message in batch if message != self.stub),
            stub=self.stub in batch,
            front=Change(front, self._teller.word(self._told_front)),
        )
