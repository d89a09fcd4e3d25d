"""What tests of several threads share: patterns in objects, threads that report, atomics that wait.

    stamp(heap, p, tag)        fill an object with a pattern that its tag decides
    intact(heap, p, tag)       is every byte of it still there?
    together(body, body, ...)  run each in a thread; the first exception is raised here
    standing(body)             a thread that stops at a Gate in its body until it is let go
    settle(heap, held)         let every message come home
    conserved(heap)            nothing is live, and all that is in flight is what queues keep
    locks(heap)                the locks of a heap, by what they protect

The law: a test waits for states, never for time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

from pysnmalloc import Allocator, Heap
from pysnmalloc.atomics import Atomics, Order

GOLDEN = 0x9E37_79B9_7F4A_7C15  # odd, so that different tags have different patterns
MASK = (1 << 64) - 1


def pattern(tag: int, size: int) -> bytes:
    """The first ``size`` bytes of a tag's pattern."""
    word = ((tag + 1) * GOLDEN & MASK).to_bytes(8, "little")
    return (word * (size // 8 + 1))[:size]


def stamp(heap: Heap, address: int, tag: int, most: int = 1 << 16) -> None:
    """Fill an object, or the first ``most`` bytes of it."""
    view = heap.view(address)[:most]
    view[:] = pattern(tag, len(view))


def intact(heap: Heap, address: int, tag: int, most: int = 1 << 16) -> bool:
    """Compare an object with its pattern."""
    view = heap.view(address)[:most]
    return bytes(view) == pattern(tag, len(view))


@contextmanager
def switching_often() -> Iterator[None]:
    """Switch threads as often as can be, so that few rounds see many interleavings."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(*bodies: Callable[[], None]) -> None:
    """Run each body in a thread of its own, all at once, and wait for all of them."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(bodies))

    def run(body: Callable[[], None]) -> None:
        try:
            start.wait()
            body()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Gate:
    """A place in a thread's way: the thread says that it is there, and waits to be let go."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._go = threading.Event()

    def stop(self) -> None:
        """Be here, and wait; called by the thread that is held up."""
        self._there.set()
        self._go.wait()

    def reached(self) -> None:
        """Wait until the thread is there."""
        self._there.wait()

    def open(self) -> None:
        """Let it go, now or when it comes."""
        self._go.set()


@contextmanager
def standing(body: Callable[[Gate], None]) -> Iterator[Gate]:
    """A thread that has come to the gate in its body; at the end it is let go and waited for."""
    gate, errors = Gate(), list[BaseException]()

    def run() -> None:
        try:
            body(gate)
        except BaseException as error:
            errors.append(error)
        finally:
            gate.open()
            gate.stop()  # whoever waits for it must not wait for ever

    thread = threading.Thread(target=run)
    thread.start()
    gate.reached()
    try:
        yield gate
    finally:
        gate.open()
        thread.join()
        if errors:
            raise errors[0]


class CutProducer(Atomics):
    """Atomics that stop at the link of an enqueue: after the exchange, before others can see the messages."""

    __slots__ = ("gate",)

    gate: Gate

    def store(self, address: int, value: int, order: Order) -> None:
        if order is Order.RELEASE:
            self.gate.stop()
        super().store(address, value, order)


def cut(allocator: Allocator) -> Gate:
    """Make an allocator's next link stop at a gate."""
    atomics = CutProducer(allocator.memory, allocator._shared.lock)
    atomics.gate = Gate()
    allocator.atomics = atomics
    return atomics.gate


def settle(heap: Heap, held: Iterable[Allocator] = ()) -> None:
    """Post, receive and forward until nothing moves, all other threads being out of their calls.

    ``held`` are the allocators that are not in the pool.
    """
    held = tuple(held)
    before = None
    while any(not a.queue.is_empty() or a.cache.cached() for a in heap.allocators):
        state = [(next(a.queue.walk()), a.cache.cached(), a.messages.posts) for a in heap.allocators]
        assert state != before, "messages are left, and nothing moves"
        before = state
        heap.cleanup_unused()
        for allocator in held:
            allocator.handle_message_queue()
            allocator.post()


def kept(heap: Heap) -> int:
    """Count the messages that stay behind in queues, where the newest is kept until another comes."""
    return sum(next(a.queue.walk()) != a.queue.stub for a in heap.allocators)


def conserved(heap: Heap, live: int = 0) -> None:
    """Assert, of a settled heap, that ``live`` small and medium objects are live and nothing is lost."""
    statistics = heap.statistics()
    assert sum(s.live for s in statistics.sizeclasses) == live
    assert all(s.live >= 0 and s.in_flight >= 0 for s in statistics.sizeclasses)
    assert statistics.in_flight == kept(heap)
    assert statistics.sent == statistics.received + kept(heap)
    heap.check()


class AnyLock(Protocol):
    """What the test asks of a lock."""

    def acquire(self, blocking: bool = True) -> bool: ...

    def release(self) -> None: ...


def locks(heap: Heap) -> dict[str, AnyLock]:
    """All locks of a heap and of what belongs to it."""
    found = {"atomics": heap._shared.lock, "commitment": heap._shared.commitment.lock, "pool": heap._pool_lock}
    if heap._record is not None:
        found["checks"] = heap._record.lock
    if heap.recording is not None:
        found["recording"] = heap.recording.lock
    assert all(isinstance(each, type(threading.RLock())) for each in found.values())
    return cast("dict[str, AnyLock]", found)
