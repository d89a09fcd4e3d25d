"""What a replay found out: typed records, and the same as data for JSON.

The law: numbers, not sentences; every size is in bytes and every time in
seconds. Ratios whose divisor is 0 are None. Sums can be compared between runs
and machines; times only within one run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from ..atomics import AtomicCounts
from ..inspection.statistics import ChunkEntry, HeapStatistics
from .demand import ClassUse
from .traces.trace import Kind

__all__ = ["Home", "Json", "Messages", "Peaks", "ReplayResult"]

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""What the json module can write."""


@dataclass(frozen=True)
class Peaks:
    """The most bytes at any time. Requested and rounded are exact; the others are sampled.

    Attributes:
        requested: live bytes as the program asked for them.
        rounded: live bytes as size classes round them.
        committed: bytes of address space in use by the allocator.
        resident: bytes of it in physical memory; None where the system does not tell.
    """

    requested: int
    rounded: int
    committed: int
    resident: int | None


@dataclass(frozen=True)
class Messages:
    """What it took to bring freed objects home (§2.2).

    Attributes:
        remote_frees: frees by a thread that did not allocate the object, large ones among them.
        sent: objects that became messages.
        received: messages that arrived home.
        forwarded: messages that an allocator passed on.
        in_flight: messages not yet home when the trace ended: in remote caches and queues.
        cached: those of them that wait in remote caches.
        posts: how often a remote cache was posted.
        batches: lists sent, of one atomic exchange each.
        hops: receptions of a message, at home or on the way.
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
        """How often a message that came home was moved."""
        return self.hops / self.received if self.received else None

    @property
    def messages_per_batch(self) -> float | None:
        """How many messages shared one list, and so one atomic exchange."""
        return (self.sent + self.forwarded - self.cached) / self.batches if self.batches else None

    def per_remote_free(self) -> dict[str, float] | None:
        """Return atomic operations per remote free, by kind."""
        if not self.remote_frees:
            return None
        return {f.name: getattr(self.atomics, f.name) / self.remote_frees for f in fields(self.atomics)}

    @classmethod
    def of(cls, statistics: HeapStatistics, remote_frees: int, cached: int) -> Messages:
        """Take them from a heap's statistics, and what these do not tell."""
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
    """The state after the trace, once every remote cache was posted and every message received.

    Attributes:
        live: objects that are live, as the heap's own metadata counts them.
        in_flight: messages that stay behind, at most one in each queue (Figure 3).
    """

    live: int
    in_flight: int


@dataclass(frozen=True)
class ReplayResult:
    """What a replay found out.

    Attributes:
        trace: name of the trace.
        format: what kind of file it was.
        config: name of the configuration.
        remote_cache: bytes at which remote caches were posted.
        decommit: the strategy of giving pages back.
        order: ``recorded``, or ``real`` threads.
        threads: how many there were.
        verified: whether contents were written and verified.
        checked: whether the heap ran in checked mode.
        addresses_compared: how many addresses were the same as the recorded ones.
        calls: by kind.
        seconds: spent in the calls, with the loop around them.
        classes: allocations by size class.
        peaks: of memory.
        messages: of remote deallocation, when the trace ended.
        left_live: how many objects the trace never frees.
        left_live_bytes: bytes of these as requested.
        home: what was left once everything came home.
        statistics: of the heap, when the trace ended.
        chunks: the chunk map, when the trace ended.
        chunk_size: bytes of a chunk.
        notes: what the reader should know.
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
        """All calls."""
        return sum(self.calls.values())

    @property
    def calls_per_second(self) -> float | None:
        """Calls per second."""
        return self.total_calls / self.seconds if self.seconds else None

    @property
    def fragmentation(self) -> float | None:
        """Internal fragmentation: the share of all bytes given that nobody asked for (§2.6)."""
        rounded = sum(use.rounded for use in self.classes)
        return 1 - sum(use.requested for use in self.classes) / rounded if rounded else None

    def as_dict(self) -> dict[str, Json]:
        """Return everything as data that the json module can write."""
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
