"""``doctor``: is this Python, on this machine, one on which the allocator works?

    describe()           facts: interpreter, GIL, platform
    examine(...)         checks: features of the platform, then the allocator itself

A check ends as ok, failed or absent. Absent is a feature that the platform does
not have and the heap does without: on Windows, nothing gives pages back. Every
check does a fixed amount of work; what takes long stops early, with less of it
done, when its share of the time is used up. Slowness is no failure.

The law: a check asserts something that can fail, on what users would call. The
contents of objects are the judge, and ``Heap.check``.
"""

from __future__ import annotations

import enum
import os
import platform
import queue
import random
import sys
import sysconfig
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

from .allocator import Allocator
from .config import CLASSROOM, PAPER, PAPER_1MIB, Config
from .heap import Heap
from .memory import Memory, default_reserve_for
from .platform import AddressSpace, default_reserve
from .replay import Order, read_shipped, replay
from .replay.contents import Contents

__all__ = ["Check", "Outcome", "describe", "examine"]

MIB = 1 << 20
OPERATIONS = 60_000  # random operations on each configuration
BETWEEN_CHECKS = 1_000
MOST_LIVE = 400
HANDED_OVER = 60_000  # objects from producer to consumer
REPLAYS = 10


class Outcome(enum.Enum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True)
class Check:
    """A check that was made.

    Attributes:
        name: what was checked.
        outcome: how it ended.
        detail: what was found or done.
    """

    name: str
    outcome: Outcome
    detail: str


class Absent(Exception):  # not an error: the platform lacks the feature
    """The platform lacks a feature; the heap does without."""


More = Callable[[], bool]
"""Called by a check now and then: shows that it goes on, and tells whether there is time for more."""

Work = Callable[[More], str]
"""A check: says what it found or did, or raises what is wrong."""


def describe() -> dict[str, str]:
    """Return facts about interpreter and machine."""
    gil_enabled = getattr(sys, "_is_gil_enabled", None)
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": sys.executable or "unknown",
        "GIL": "on" if gil_enabled is None or gil_enabled() else "off",
        "free-threaded build": "yes" if sysconfig.get_config_var("Py_GIL_DISABLED") else "no",
        "platform": f"{platform.system()} {platform.release()}, {platform.machine()}, {sys.byteorder}-endian",
        "processors": str(os.cpu_count() or "unknown"),
    }


def examine(seconds: float, report: Callable[[str, float], None]) -> Iterator[Check]:
    """Make all checks, and yield each when it is done.

    Args:
        seconds: the time that all checks together may take, roughly.
        report: called often, with the name of the check that runs and the share of all time that is
            used up, 0 to 1.
    """
    began = monotonic()
    total = sum(share for _, share, _ in CHECKS)
    used = 0
    for name, share, work in CHECKS:
        used += share
        until = began + seconds * used / total

        def more(name: str = name, until: float = until) -> bool:
            now = monotonic()
            report(name, min((now - began) / seconds, 1.0) if seconds else 1.0)
            return now < until

        yield _make(name, work, more)


def _make(name: str, work: Work, more: More) -> Check:
    """Make one check."""
    more()
    try:
        return Check(name, Outcome.OK, work(more))
    except Absent as absent:
        return Check(name, Outcome.ABSENT, str(absent))
    except Exception as error:  # whatever it is, it is what the check found
        return Check(name, Outcome.FAILED, f"{type(error).__name__}: {error}")


def _demand(holds: bool, found: str) -> None:
    """Fail a check."""
    if not holds:
        raise AssertionError(found)


# Features of the platform.


def _reserve(_: More) -> str:
    """Address space is granted, and reads as zero."""
    size = default_reserve_for(PAPER)
    space = AddressSpace(size)
    view = memoryview(space.buffer)
    try:
        _demand(view[0] == view[size - 1] == 0, "fresh memory does not read as zero")
    finally:
        view.release()
        space.close()
    if space.kind != "mmap":
        raise Absent(f"no mmap: plain bytes, {size // MIB:,} MiB")
    return f"{size / (1 << 30):,.2f} GiB granted (default here: {default_reserve() / (1 << 30):,.2f} GiB)"


def _dontneed(_: More) -> str:
    """Decommitted pages leave physical memory and read as zero."""
    space = AddressSpace(64 * MIB)
    memory = Memory(space)
    try:
        memory.u8[: 16 * MIB] = b"\x5a" * (16 * MIB)
        base = memory.base()
        before = space.resident(base) if base is not None else None
        space.decommit(0, 16 * MIB)
        _demand(not any(memory.u8[: 16 * MIB : 4096]), "decommitted memory does not read as zero")
        space.decommit(0, 16 * MIB)  # the reads above may have put pages back
        after = space.resident(base) if base is not None else None
    finally:
        space.close()
    if not space.gives_back:
        raise Absent("no MADV_DONTNEED: decommitting zeroes only")
    if before is None or after is None:
        raise Absent("MADV_DONTNEED is there; the system does not tell what is resident")
    _demand(before - after >= 15 * MIB, f"resident {before:,} bytes before, {after:,} after giving back 16 MiB")
    return f"resident {before / MIB:.1f} MiB before, {after / MIB:.1f} MiB after"


def _queue_test(_: More) -> str:
    """A C integer over the heap's bytes follows what is stored there."""
    try:
        from ctypes import c_uint64
    except ImportError as error:
        raise Absent("no ctypes: the queue test takes a little longer") from error
    space = AddressSpace(MIB)
    memory = Memory(space)
    try:
        word = c_uint64.from_buffer(space.buffer, 4096)
        found = [bool(word)]
        for value in (1 << 63, 0):
            memory.u64[4096 >> 3] = value
            found.append(bool(word))
        _demand(found == [False, True, False], f"its truth values, of 0, 2^63 and 0, are {found}")
        del word
    finally:
        space.close()
    return "the truth value of a word follows the heap"


def _fork(_: More) -> str:
    """A child has a heap of its own, and its allocator goes on."""
    if not hasattr(os, "fork"):
        raise Absent("no fork on this platform")
    with Heap(CLASSROOM) as heap:
        ours = heap.malloc(32)
        heap.view(ours)[:6] = b"parent"
        with warnings.catch_warnings():
            # Other threads may be about in an embedding program; the child only does what is below.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            os._exit(_in_child(heap, ours))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        _demand(code == 0, f"the child could not use its copy of the heap (exit code {code})")
        _demand(bytes(heap.view(ours)[:6]) == b"parent", "the child changed the parent's object")
        heap.free(ours)
    return "the child's heap is a working copy"


def _in_child(heap: Heap, theirs: int) -> int:
    """Use the copy of a heap; return the exit code."""
    try:
        right = bytes(heap.view(theirs)[:6]) == b"parent"
        heap.view(theirs)[:6] = b"child!"
        heap.free(theirs)
        own = heap.malloc(32)
        heap.view(own)[:32] = b"\xff" * 32
        heap.check()
        return 0 if right else 2
    except BaseException:
        return 3


# The allocator.


class _Churn:
    """Random operations of a few allocators, with contents."""

    def __init__(self, heap: Heap, seed: int) -> None:
        self._random = random.Random(seed)
        self._allocators = [heap.acquire() for _ in range(3)]
        self._contents = Contents(heap.memory.u8)
        self._live: dict[int, tuple[int, int]] = {}
        self._made = 0
        self._largest = heap.config.chunk_size

    def step(self) -> None:
        """Allocate, reallocate or free one object, by any allocator."""
        allocator = self._random.choice(self._allocators)
        draw = self._random.random()
        if not self._live or (draw < 0.55 and len(self._live) < MOST_LIVE):
            size = self._size()
            self._keep(allocator.malloc(size) if draw < 0.4 else allocator.calloc(1, size), size)
            return
        thing = self._random.choice(list(self._live))
        address, size = self._live.pop(thing)
        self._verify(thing, address, size)
        if draw < 0.95:
            allocator.free(address)
        else:
            self._keep(allocator.realloc(address, size + 1), size + 1)

    def _size(self) -> int:
        """Return a size: mostly small, now and then large."""
        most = self._random.choice((64, 64, 512, 512, 2048, self._largest // 2, 2 * self._largest))
        return self._random.randint(1, min(most, 2 * MIB))

    def _keep(self, address: int, size: int) -> None:
        """Write an object's pattern."""
        self._made += 1
        self._contents.fill(self._made, address, size)
        self._live[self._made] = address, size

    def _verify(self, thing: int, address: int, size: int) -> None:
        """Verify an object's pattern."""
        wrong = self._contents.verify(thing, address, size)
        _demand(wrong is None, f"object of {size:,} bytes at {address:#x}: offset, expected, found are {wrong}")

    def finish(self) -> None:
        """Free what is live."""
        for thing, (address, size) in self._live.items():
            self._verify(thing, address, size)
            self._allocators[0].free(address)
        self._live.clear()


def _random_operations(config: Config, more: More, *, checked: bool) -> str:
    """Random operations by three allocators keep contents and laws."""
    done = 0
    with Heap(config, checked=checked) as heap:
        churn = _Churn(heap, seed=2019)
        while done < OPERATIONS and more():
            for _ in range(BETWEEN_CHECKS):
                churn.step()
            done += BETWEEN_CHECKS
            heap.check()
        churn.finish()
        heap.check()
    return f"{done:,} operations, all laws checked {done // BETWEEN_CHECKS + 1} times"


def _classroom(more: More) -> str:
    """On the smallest configuration."""
    return _random_operations(CLASSROOM, more, checked=False)


def _classroom_checked(more: More) -> str:
    """The same in checked mode."""
    return _random_operations(CLASSROOM, more, checked=True)


def _one_mib(more: More) -> str:
    """On the paper's second configuration."""
    return _random_operations(PAPER_1MIB, more, checked=False)


Belt = queue.SimpleQueue[tuple[int, int, int] | None]
"""From producer to consumer: object, address, size; None when there are no more."""


def _producer_consumer(more: More) -> str:
    """One thread allocates, another frees; contents survive the way, and all objects come home."""
    with Heap(PAPER_1MIB.replace(remote_cache=8192)) as heap:
        belt: Belt = queue.SimpleQueue()
        wrong: list[str] = []
        consumer = threading.Thread(target=_consume, args=(heap, belt, wrong), name="consumer")
        consumer.start()
        allocator = heap.acquire()
        try:
            made = _produce(heap, allocator, belt, more)
        finally:
            belt.put(None)
            consumer.join()
        _demand(not wrong, "; ".join(wrong[:1]))
        while not allocator.queue.is_empty():
            allocator.handle_message_queue()
        heap.check()
        statistics = heap.statistics()
        live = sum(each.live for each in statistics.sizeclasses)
        _demand(live == 0, f"{live:,} objects are live after all were freed")
        _demand(statistics.in_flight <= 1, f"{statistics.in_flight:,} objects did not come home")
    return f"{made:,} objects written by one thread, verified and freed by another"


def _produce(heap: Heap, allocator: Allocator, belt: Belt, more: More) -> int:
    """Allocate, write and hand over; return how many objects."""
    contents, sizes = Contents(heap.memory.own_views().u8), random.Random(1)
    made = 0
    while made < HANDED_OVER and more():
        for _ in range(BETWEEN_CHECKS):
            made += 1
            size = sizes.randint(1, 600)
            address = allocator.malloc(size)
            contents.fill(made, address, size)
            belt.put((made, address, size))
    return made


def _consume(heap: Heap, belt: Belt, wrong: list[str]) -> None:
    """Verify and free what comes; note what is wrong."""
    try:
        contents = Contents(heap.memory.own_views().u8)
        with heap.allocator() as allocator:
            while (item := belt.get()) is not None:
                thing, address, size = item
                difference = contents.verify(thing, address, size)
                if difference is not None:
                    wrong.append(f"object {thing}: offset, expected, found are {difference}")
                allocator.free(address)
    except Exception as error:
        wrong.append(f"{type(error).__name__}: {error}")


def _replays(order: Order, more: More) -> str:
    """A recorded program runs, with its contents verified, and all its objects come home."""
    trace = read_shipped("pbzip2")
    done = 0
    while done < REPLAYS and more():
        replay(trace, threads=order)
        done += 1
    return f"pbzip2, {len(trace.ops):,} calls by {trace.threads} threads, {done} times"


def _recorded(more: More) -> str:
    """In recorded order."""
    return _replays("recorded", more)


def _real(more: More) -> str:
    """With real threads."""
    return _replays("real", more)


CHECKS: tuple[tuple[str, int, Work], ...] = (
    # name, share of the time, work; what forks comes before what starts threads
    ("address space is reserved", 1, _reserve),
    ("decommitted pages are given back", 1, _dontneed),
    ("fork copies a heap", 1, _fork),
    ("C integers follow the heap", 1, _queue_test),
    ("random operations, classroom", 20, _classroom),
    ("random operations, checked mode", 20, _classroom_checked),
    ("random operations, paper-1mib", 20, _one_mib),
    ("producer and consumer threads", 20, _producer_consumer),
    ("replay in recorded order", 8, _recorded),
    ("replay with real threads", 8, _real),
)
