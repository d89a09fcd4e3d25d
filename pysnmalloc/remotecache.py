"""The remote cache: other allocators' freed objects, on their way home in a temporal radix tree (§2.2, Figures 1, 2).

    round 0: bits 0-5 of the target's number select the bucket     37-bit numbers,
    round 1: bits 6-11                                             64 buckets (k = 6)
    ...
    bucket 0   bucket 1   ...   home bucket   ...   bucket 63
     objs       objs              objs               objs
      │          │                 │                  │
      ▼          ▼                 ▼                  ▼
     sent as one list to       spread by the         sent
     the owner of its first    next k bits, and again

Freeing another allocator's object turns it into a message {next, target} in a
bucket. When the cached bytes reach a limit, everything is posted, one list per
bucket, so one exchange sends many objects. A list goes to the owner of its first
object, which frees its own objects and puts the others into its own buckets by
round 0. The bits of a round cannot route the home bucket, which the allocator's
own number selects; the next bits spread it. Each hop matches k more bits of the
target, so a message is sent at most ceil(37 / 6) = 7 times, and nearly always once.

The buckets {first, last} are in the allocator's block. An empty bucket is its own
``last``, so appending needs no test. The buckets belong to one allocator, and only
its thread uses them; other threads see only the lists that were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .config import Config
from .memory import NULL, Memory
from .messagequeue import NEXT, TARGET

__all__ = ["BUCKETS", "CACHED", "RemoteCache"]

CACHED, BUCKETS = 136, 192  #: byte offsets in the allocator's block
FIRST, LAST = 0, 8  # byte offsets in a bucket; its first word acts as the `next` that leads to the first message


class RemoteCache:
    """The remote cache of one allocator.

    Args:
        block: address of the allocator's block.
    """

    __slots__ = ("_bits", "_block", "_buckets", "_cached", "_config", "_mask", "_shift", "_u64")

    def __init__(self, memory: Memory, config: Config, block: int) -> None:
        self._u64 = memory.u64
        self._config = config
        self._block = block
        self._buckets = block + BUCKETS
        self._cached = block + CACHED >> 3
        self._bits = config.bucket_bits
        self._mask = config.buckets - 1
        self._shift = config.allocator_bits

    def init(self) -> None:
        """Make every bucket empty, once, before the first use."""
        for index in range(self._config.buckets):
            self._clear(self._bucket(index))

    def index(self, target: int, round: int) -> int:
        """Return the index of a target allocator's bucket in a round, which is k bits of its number."""
        return (target >> self._shift + self._bits * round) & self._mask

    def last_of(self, target: int) -> int:
        """Return the address of the word that holds the last message of a target's bucket."""
        return self._bucket(self.index(target, 0)) + LAST

    def dealloc(self, target: int, freed: int, size: int) -> None:
        """Cache a freed object of ``size`` bytes as a message to ``target``. Cost: 5 stores, no atomic operation."""
        u64 = self._u64
        u64[freed + TARGET >> 3] = target
        self._append(self._bucket(self.index(target, 0)), freed)
        u64[self._cached] += size

    def cached(self) -> int:
        """Return the bytes cached since the last post."""
        return self._u64[self._cached]

    def post(self, send: Callable[[int, int], None]) -> int:
        """Send everything, calling ``send(first, last)`` once per list; return the number of rounds."""
        u64 = self._u64
        u64[self._cached] = 0
        round = 0
        while True:
            home = self._bucket(self.index(self._block, round))
            for index in range(self._config.buckets):
                bucket = self._bucket(index)
                if bucket != home and u64[bucket + LAST >> 3] != bucket:
                    send(u64[bucket + FIRST >> 3], u64[bucket + LAST >> 3])
                    self._clear(bucket)
            round += 1
            if u64[home + LAST >> 3] == home:
                return round
            self._redistribute(home, round)

    def _redistribute(self, home: int, round: int) -> None:
        """Spread the home bucket by the bits of a round. Some messages may return to it, so it is emptied first."""
        u64 = self._u64
        message, last = u64[home + FIRST >> 3], u64[home + LAST >> 3]
        self._clear(home)
        while True:
            after = u64[message + NEXT >> 3]
            self._append(self._bucket(self.index(u64[message + TARGET >> 3], round)), message)
            if message == last:
                return
            message = after

    def walk(self, index: int) -> Iterator[int]:
        """Yield the messages in a bucket, first to last, for observers."""
        bucket = self._bucket(index)
        last = self._u64[bucket + LAST >> 3]
        message = bucket
        while message != last:
            message = self._u64[message + NEXT >> 3]
            yield message

    def _bucket(self, index: int) -> int:
        """Return the address of a bucket."""
        return self._buckets + 16 * index

    def _append(self, bucket: int, message: int) -> None:
        """Append a message to a bucket."""
        u64 = self._u64
        u64[u64[bucket + LAST >> 3] + NEXT >> 3] = message
        u64[bucket + LAST >> 3] = message

    def _clear(self, bucket: int) -> None:
        """Make a bucket empty, that is, its own last message."""
        self._u64[bucket + FIRST >> 3] = NULL
        self._u64[bucket + LAST >> 3] = bucket
