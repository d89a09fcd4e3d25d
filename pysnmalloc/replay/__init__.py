"""Replay: recorded programs, run again on the allocator (§3).

    trace file ──► traces ──► Trace ──► engine ──► ReplayResult ──► report (for terminals)
                                          │
                     loop (fast), verified (contents), threads (real ones)

    >>> from pysnmalloc.replay import read_shipped, replay
    >>> replay(read_shipped("pbzip2")).messages.remote_frees
    165

The law: a replay makes the program's calls, one by one, and stops when the allocator does not do
what a program relies on. Read ``engine`` first. Left out: the time between calls, and what the
program computed.

Imported by: doctor, cli.

    traces/, sampling, contents, demand, chunkmap, result, loop, threads, verified, player, realthreads,
    engine, tables, report
"""

from . import loop
from .demand import ClassUse, Demand
from .engine import ORDERS, Order, replay
from .result import Home, Json, Messages, Peaks, ReplayResult
from .traces.errors import AddressError, CallError, ContentsError, HomeError, ReplayError, TraceError
from .traces.formats import parse_trace, read_shipped, read_trace
from .traces.shipped import PROGRAMS, SHIPPED, Shipped
from .traces.trace import Kind, Op, Trace

__all__ = [
    "ORDERS",
    "PROGRAMS",
    "SHIPPED",
    "AddressError",
    "CallError",
    "ClassUse",
    "ContentsError",
    "Demand",
    "Home",
    "HomeError",
    "Json",
    "Kind",
    "Messages",
    "Op",
    "Order",
    "Peaks",
    "ReplayError",
    "ReplayResult",
    "Shipped",
    "Trace",
    "TraceError",
    "loop",
    "parse_trace",
    "read_shipped",
    "read_trace",
    "replay",
]
