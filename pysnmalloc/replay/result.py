"""The result of a replay: typed records, and the same data for JSON.

The law: numbers, not sentences; every size is in bytes and every time in
seconds. A ratio with divisor 0 is None. Sums can be compared between runs and
machines, times only within one run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from ..atomics import AtomicCounts
from ..inspection.statistics import ChunkEntry, HeapStatistics
from .demand import ClassUse
from .traces.trace import Kind

__all__ = ["Home", "Json", "Messages", "Peaks", "ReplayResult"]

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""Data that the json module can write."""


@dataclass(frozen=True)
class Peaks:
    """Peaks of memory in bytes. Requested and rounded are exact; the others are sampled.

    Attributes:
        requested: live bytes as the program requested them.
        rounded: live bytes as size classes round them.
        committed: bytes of address space that the allocator uses.
        resident: bytes of these in physical memory; None where the system does not report them.
    """

    requested: int
    rounded: int
    committed: int
    resident: int | None


@dataclass(frozen=True)
class Messages:
    """The cost of bringing freed objects home (§2.2).

    Attributes:
        remote_frees: frees by a thread that did not allocate the object, including large objects.
        sent: objects that became messages.
        received: messages that reached their owner.
        forwarded: messages that an allocator passed on.
        in_flight: messages in remote caches and queues at the end of the trace.
        cached: those of them in remote caches.
        posts: number of posts of a remote cache.
        batches: lists sent, each with one atomic exchange.
        hops: receptions of a message, by its owner or on the way.
        atomics: all atomic operations of the replay, by kind.
    """

    remote_frees: int
    sent: int
    received: int
    forwarded: int
    in_flight: int
    cached: int
    posts: int
    batches: int
    hops: int
    atomics: AtomicCounts

    @property
    def hops_per_message(self) -> float | None:
        """Number of hops per message that reached its owner."""
        return self.hops / self.received if self.received else None

    @property
    def messages_per_batch(self) -> float | None:
        """Number of messages that share one list, and so one atomic exchange."""
        return (self.sent + self.forwarded - self.cached) / self.batches if self.batches else None

    def per_remote_free(self) -> dict[str, float] | None:
        """Return atomic operations per remote free, by kind."""
        if not self.remote_frees:
            return None
        return {f.name: getattr(self.atomics, f.name) / self.remote_frees for f in fields(self.atomics)}

    @classmethod
    def of(cls, statistics: HeapStatistics, remote_frees: int, cached: int) -> Messages:
        """Combine a heap's statistics with the counts that they lack."""
        return cls(
            remote_frees=remote_frees,
            sent=statistics.sent,
            received=statistics.received,
            forwarded=statistics.forwarded,
            in_flight=statistics.in_flight,
            cached=cached,
            posts=statistics.posts,
            batches=statistics.batches,
            hops=statistics.hops,
            atomics=statistics.atomics,
        )


@dataclass(frozen=True)
class Home:
    """The state after the trace, when every remote cache is posted and every message received.

    Attributes:
        live: live objects, as the heap's metadata counts them.
        in_flight: messages that stay in queues, at most one in each (Figure 3).
    """

    live: int
    in_flight: int


@dataclass(frozen=True)
class ReplayResult:
    """The result of a replay.

    Attributes:
        trace: name of the trace.
        format: of the trace's file.
        config: name of the configuration.
        remote_cache: bytes at which remote caches were posted.
        decommit: strategy for decommitting pages.
        order: ``recorded``, or ``real`` threads.
        threads: number of threads.
        verified: whether contents were written and verified.
        checked: whether the heap ran in checked mode.
        addresses_compared: number of addresses that match the recorded ones.
        calls: number of calls by kind.
        seconds: spent in the calls and the loop around them.
        classes: allocations by size class.
        peaks: of memory.
        messages: of remote deallocation, at the end of the trace.
        left_live: number of objects that the trace never frees.
        left_live_bytes: bytes of these as requested.
        home: the state after all messages were received.
        statistics: of the heap, at the end of the trace.
        chunks: the chunk map, at the end of the trace.
        chunk_size: bytes of a chunk.
        notes: remarks for the reader.
    """

    trace: str
    format: str
    config: str
    remote_cache: int
    decommit: str
    order: str
    threads: int
    verified: bool
    checked: bool
    addresses_compared: int
    calls: dict[Kind, int]
    seconds: float
    classes: tuple[ClassUse, ...]
    peaks: Peaks
    messages: Messages
    left_live: int
    left_live_bytes: int
    home: Home
    statistics: HeapStatistics
    chunks: tuple[ChunkEntry, ...]
    chunk_size: int
    notes: tuple[str, ...] = ()

    @property
    def total_calls(self) -> int:
        """Number of calls of all kinds."""
        return sum(self.calls.values())

    @property
    def calls_per_second(self) -> float | None:
        """Calls per second."""
        return self.total_calls / self.seconds if self.seconds else None

    @property
    def fragmentation(self) -> float | None:
        """Internal fragmentation: the share of all allocated bytes that was not requested (§2.6)."""
        rounded = sum(use.rounded for use in self.classes)
        return 1 - sum(use.requested for use in self.classes) / rounded if rounded else None

    def as_dict(self) -> dict[str, Json]:
        """Return the result as data that the json module can write."""
        data: dict[str, Json] = asdict(self)
        data["calls"] = {kind.name.lower(): count for kind, count in self.calls.items()}
        data["total_calls"] = self.total_calls
        data["calls_per_second"] = self.calls_per_second
        data["fragmentation"] = self.fragmentation
        messages: dict[str, Json] = asdict(self.messages)
        messages["hops_per_message"] = self.messages.hops_per_message
        messages["messages_per_batch"] = self.messages.messages_per_batch
        per_free = self.messages.per_remote_free()
        messages["atomics_per_remote_free"] = None if per_free is None else {**per_free}
        data["messages"] = messages
        return data
