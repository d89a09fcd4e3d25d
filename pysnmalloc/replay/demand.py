"""What a trace demands of an allocator, computed before any replay.

    requested   bytes in the program's request      100
    rounded     bytes of its size class             112    1 - requested / rounded is internal
                                                           fragmentation (§2.6)

Both follow from the trace and the configuration alone, so the peaks of live bytes
cost nothing during the replay. The law: every allocation is counted in exactly one
class, and a reallocation counts as a new object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..config import Config
from ..sizeclass import size_to_sizeclass, sizeclass_table
from .traces.trace import Kind, Trace

__all__ = ["ClassUse", "Demand", "rounded_size"]


@dataclass(frozen=True)
class ClassUse:
    """The allocations that one size class served.

    Attributes:
        sizeclass: its number; None for large objects, which are powers of two of address space.
        size: bytes of an object.
        objects: how many were allocated.
        requested: bytes requested, in total.
        rounded: bytes allocated, in total.
    """

    sizeclass: int | None
    size: int
    objects: int
    requested: int
    rounded: int


@dataclass(frozen=True)
class Demand:
    """What a trace demands.

    Attributes:
        calls: number of calls of each kind.
        classes: allocations by size class, the smallest first.
        requested_peak: peak of the live bytes as requested.
        rounded_peak: peak of the live bytes as rounded.
        remote_frees: frees by a thread other than the one that allocated.
        left_live: requested bytes of each object that is never freed, by object.
    """

    calls: dict[Kind, int]
    classes: tuple[ClassUse, ...]
    requested_peak: int
    rounded_peak: int
    remote_frees: int
    left_live: dict[int, int]

    @classmethod
    def of(cls, trace: Trace, config: Config) -> Demand:
        """Compute what a trace demands with a configuration."""
        requests = {(op.size, op.alignment) for op in trace.ops}
        size_of = {request: rounded_size(request[0], config, request[1]) for request in requests}
        rounding = [size_of[op.size, op.alignment] if op.kind is not Kind.FREE else 0 for op in trace.ops]
        calls = Counter(op.kind for op in trace.ops)
        return cls(
            calls={kind: calls[kind] for kind in Kind},
            classes=tuple(_classes(trace, rounding, config)),
            requested_peak=_peak(trace, [op.size for op in trace.ops]),
            rounded_peak=_peak(trace, rounding),
            remote_frees=_remote_frees(trace),
            left_live=trace.left_live(),
        )


def rounded_size(size: int, config: Config, alignment: int = 0) -> int:
    """Return the size of the object for a request: its class size, or a power of two of chunks (§2.5, §2.6)."""
    table = sizeclass_table(config)
    for sizeclass in range(size_to_sizeclass(max(size, alignment)), config.num_sizeclasses):
        if not alignment or table.sizes[sizeclass] % alignment == 0:
            return table.sizes[sizeclass]
    return 1 << (max(size, alignment, config.chunk_size) - 1).bit_length()


def _peak(trace: Trace, sizes: list[int]) -> int:
    """Return the peak of live bytes, where each allocation has the size in the list."""
    live = [0] * trace.objects
    now = peak = 0
    for op, size in zip(trace.ops, sizes, strict=True):
        if op.kind is Kind.FREE:
            size = 0
        now += size - live[op.object]
        live[op.object] = size
        peak = max(peak, now)
    return peak


def _classes(trace: Trace, rounding: list[int], config: Config) -> Iterator[ClassUse]:
    """Count allocations by the size they get."""
    objects: Counter[int] = Counter()
    requested: Counter[int] = Counter()
    for op, size in zip(trace.ops, rounding, strict=True):
        if size:
            objects[size] += 1
            requested[size] += op.size
    for size in sorted(objects):
        large = size > sizeclass_table(config).sizes[-1]
        sizeclass = None if large else size_to_sizeclass(size)
        yield ClassUse(sizeclass, size, objects[size], requested[size], objects[size] * size)


def _remote_frees(trace: Trace) -> int:
    """Count frees by a thread other than the one that last allocated the object."""
    owner = [0] * trace.objects
    count = 0
    for op in trace.ops:
        if op.kind is not Kind.FREE:
            owner[op.object] = op.thread
        elif owner[op.object] != op.thread:
            count += 1
    return count
