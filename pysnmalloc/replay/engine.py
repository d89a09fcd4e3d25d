"""Replaying a trace on a heap.

    trace ──► prepare ──► play, a few thousand calls at a time ──► statistics ──► bring objects home
                           │            ▲
                           └─► sample ──┘   committed and resident bytes, progress

In recorded order, one Python thread drives one allocator per recorded thread and
makes the calls as recorded. This is deterministic, so everything except time can be
compared between runs. With real threads, every recorded thread gets its own Python
thread and allocator; the scheduler determines the order, and with it addresses and
messages.

The law, verified at the end of every replay: after all remote caches are posted and
all queues received, the heap's metadata count exactly the objects that the trace
left live, and no message is in flight except the newest in each queue (Figure 3).
Every object freed by another thread has come home.

The clock measures the calls and the loop around them, and nothing between plays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, get_args

from ..allocator import PAPER_PARTS, Parts
from ..config import PAPER, PRESETS, Config, Decommit
from ..errors import ConfigError, LeakError
from ..heap import Heap
from ..inspection.statistics import ChunkEntry, HeapStatistics
from ..parts import name_of
from .demand import Demand
from .player import Player, Session
from .realthreads import RealThreads, receive_all
from .result import Home, Messages, Peaks, ReplayResult
from .sampling import EVERYTHING, available, sampling_for
from .traces.errors import HomeError
from .traces.trace import Trace

__all__ = ["ORDERS", "Order", "ProgressCallback", "config_of", "replay"]

Order = Literal["recorded", "real"]  #: the order in which the calls are made
ORDERS: tuple[Order, ...] = get_args(Order)  #: all of them
GRANULE = 4096  # bytes of address space that are reserved together; the heap's views need whole words
SAMPLES = 64  # of memory in use, at least; but samples are not closer than SHORTEST
SHORTEST, LONGEST = 64, 8192  # calls between two samples

NOT_COMPARED = "addresses were not compared with the recorded ones, because the order of real threads varies"

ProgressCallback = Callable[[int, int], None]
"""Called in the caller's thread every few thousand calls, with the number of calls made and of all calls."""


def replay(
    trace: Trace,
    *,
    config: Config | None = None,
    threads: Order = "recorded",
    verify: bool = True,
    checked: bool = False,
    remote_cache: int | None = None,
    decommit: Decommit = Decommit.SUPERSLAB,
    reserve: int | None = None,
    memory: int | None = None,
    parts: Parts = PAPER_PARTS,
    progress: ProgressCallback | None = None,
) -> ReplayResult:
    """Replay a trace on a new heap, and return the results.

    Args:
        trace: the recorded program.
        config: of the heap; by default the one that the trace was recorded with, if known, else ``PAPER``.
        threads: ``recorded`` order in one thread, or ``real`` threads.
        verify: fill every object, and verify before its free that its contents are unchanged.
        checked: run the heap in checked mode, and check its laws at the end.
        remote_cache: bytes at which remote caches are posted, in place of the configuration's.
        decommit: when the heap gives pages back.
        reserve: bytes of address space, rounded down to 4 KiB.
        memory: bytes that the contents of all live objects may take. If the trace needs more, objects are filled and
            verified in part, and a note says so. Default: half of what the machine has left.
        parts: the class for each concept; if one is not the paper's, the heap's laws are checked at the end.
        progress: called every few thousand calls.

    Raises:
        ReplayError: naming the call that failed: the allocator refused it, contents or addresses differ, or
            objects did not come home.
        ConfigError: if the configuration is invalid.
        LawBroken: if a law does not hold at the end, in checked mode or with a part that is not the paper's.
        PartError: if a part is incomplete.
    """
    if threads not in ORDERS:
        raise ValueError(f"threads={threads!r}: choose “recorded” order or “real” threads")
    config = config_of(trace) if config is None else config
    if remote_cache is not None:
        config = config.replace(remote_cache=remote_cache)
    _demand_numbers(trace, config)
    demand = Demand.of(trace, config)
    if reserve is not None:
        reserve -= reserve % GRANULE
    memory = available() if memory is None else memory
    sampling = sampling_for(trace, memory)
    with _opened(Heap(config, checked=checked, decommit=decommit, reserve=reserve, parts=parts)) as heap:
        session = Session(trace, heap, verify, bool(trace.places) and threads == "recorded", sampling)
        sampler = _Sampler(heap, len(trace.ops), progress)
        drive = _recorded if threads == "recorded" else _real
        ran = drive(session, sampler)
        home = _come_home(session, demand)
        if checked or parts.replaced():
            heap.check()
    return ReplayResult(
        trace=trace.name,
        format=trace.format,
        config=config.name,
        remote_cache=config.remote_cache,
        decommit=decommit.value,
        order=threads,
        threads=trace.threads,
        verified=verify,
        checked=checked,
        addresses_compared=session.compared,
        calls=demand.calls,
        seconds=ran.seconds,
        classes=demand.classes,
        peaks=Peaks(demand.requested_peak, demand.rounded_peak, sampler.committed, sampler.resident),
        messages=Messages.of(ran.statistics, demand.remote_frees, ran.cached),
        left_live=len(demand.left_live),
        left_live_bytes=sum(demand.left_live.values()),
        home=home,
        statistics=ran.statistics,
        chunks=ran.chunks,
        chunk_size=config.chunk_size,
        notes=(
            *trace.notes,
            *((sampling.note(trace, memory, verify=verify),) if sampling != EVERYTHING else ()),
            *((NOT_COMPARED,) if trace.places and not session.compare else ()),
            *(f"the part {name} is {name_of(getattr(parts, name))}, not the paper's" for name in parts.replaced()),
        ),
    )


def config_of(trace: Trace) -> Config:
    """Return the configuration that a trace was recorded with, or the paper's if it is unknown."""
    return PRESETS[trace.config] if trace.config else PAPER


def _demand_numbers(trace: Trace, config: Config) -> None:
    """Refuse a configuration with too few allocators for the threads."""
    last = (1 << config.number_bits) - 1
    if max(trace.allocator_numbers) > last:
        raise ConfigError(
            f"{trace.name} needs an allocator with number {max(trace.allocator_numbers):,}, but configuration "
            f"“{config.name}” has only numbers 1 to {last:,}; choose another configuration, or raise number_bits (§2.2)"
        )


@contextmanager
def _opened(heap: Heap) -> Iterator[Heap]:
    """Close the heap afterwards. Objects that the trace leaves live are not leaks of the replay."""
    try:
        yield heap
    finally:
        with suppress(LeakError):
            heap.close()


@dataclass(frozen=True)
class _Ran:
    """The end of a replay, before the remaining objects are brought home."""

    seconds: float
    statistics: HeapStatistics
    chunks: tuple[ChunkEntry, ...]
    cached: int

    @classmethod
    def of(cls, heap: Heap, seconds: float) -> _Ran:
        """Read a heap's statistics while no thread is in a call."""
        buckets = range(heap.config.buckets)
        cached = sum(sum(1 for _ in a.cache.walk(bucket)) for a in heap.allocators for bucket in buckets)
        return cls(seconds, heap.statistics(), heap.chunk_map(), cached)


class _Sampler:
    """Keeps the peaks that only the heap knows, and reports progress."""

    def __init__(self, heap: Heap, total: int, progress: ProgressCallback | None) -> None:
        self._heap = heap
        self._total = total
        self._progress = progress
        self._base = heap.memory.base()
        self.committed = 0
        self.resident: int | None = None

    def sample(self, made: int) -> None:
        """Take a sample."""
        # Not heap.statistics(): it walks all metadata, which is too slow every few thousand calls.
        self.committed = max(self.committed, self._heap.committed)
        resident = None if self._base is None else self._heap.memory.space.resident(self._base)
        if resident is not None:
            self.resident = max(self.resident or 0, resident)
        if self._progress is not None:
            self._progress(made, self._total)


def _step(trace: Trace) -> int:
    """Return how many calls to make between two samples."""
    return max(SHORTEST, min(LONGEST, len(trace.ops) // SAMPLES))


def _recorded(session: Session, sampler: _Sampler) -> _Ran:
    """Replay in recorded order."""
    trace, heap = session.trace, session.heap
    allocators = {thread: heap.acquire(number) for thread, number in enumerate(trace.allocator_numbers)}
    player = Player(session, trace.ops, allocators)
    step = _step(trace)
    for start in range(0, len(trace.ops), step):
        end = min(start + step, len(trace.ops))
        player.play(start, end)
        sampler.sample(end)
    ran = _Ran.of(heap, player.seconds)
    for _ in range(heap.config.hop_bound + 1):  # each round moves every message at least one hop
        for allocator in allocators.values():
            allocator.post()
        for allocator in allocators.values():
            receive_all(allocator)
    return ran


def _real(session: Session, sampler: _Sampler) -> _Ran:
    """Replay with real threads."""
    ends: list[_Ran] = []
    threads = RealThreads(session, _step(session.trace), lambda seconds: ends.append(_Ran.of(session.heap, seconds)))
    threads.run(sampler.sample)
    return ends[0]


def _come_home(session: Session, demand: Demand) -> Home:
    """Verify that exactly the objects that the trace left are live, with their contents.

    Raises:
        HomeError: if other objects are live, or too many messages are still in flight.
        ContentsError: if bytes of a live object changed.
    """
    trace, heap = session.trace, session.heap
    if session.verify:
        last = trace.ops[-1].line if trace.ops else 0
        session.verified_loop({}).verify_live(demand.left_live, last)
    statistics = heap.statistics()
    live = sum(each.live for each in statistics.sizeclasses) + statistics.large_objects
    home = Home(live, statistics.in_flight)
    if live != len(demand.left_live) or home.in_flight > len(heap.allocators):
        raise HomeError(
            trace.name,
            0,
            f"the trace leaves {len(demand.left_live):,} objects live, but the heap counts {live:,} after all "
            f"messages were posted and received, with {home.in_flight:,} messages still in flight",
        )
    return home
