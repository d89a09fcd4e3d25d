"""Interruption: at every point of every call, Ctrl-C, an exception from outside, and a call from inside.

Ctrl-C          the call is complete, or was not made: every law holds, no object is lost or there twice
an exception    the same, or every later call on that allocator says so, and others go on
a free          is kept, and done when the call ends
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count, pairwise
from types import FrameType

import pytest

import pysnmalloc as sn
from pysnmalloc import Allocator
from pysnmalloc.interruption.sigint import HANDLERS, Held
from tests.injector import Plan, at_point
from tests.scene import (
    CALLS,
    CONFIG,
    MODES,
    RESERVE,
    Outside,
    Scene,
    fail,
    goes_on,
    interrupt,
    live,
    lost_into,
    ranges_of,
    scene,
)


def points(
    mode: str, name: str, stride: int, action: Callable[[Scene], None], *, lines: bool = False
) -> Iterator[tuple[Scene, BaseException | None, int]]:
    """Make a call again and again, each time on a heap of its own, with the action at the next point.

    Yield the heap after it, what was raised, and how many objects there were before, with those that are gone.
    """
    before, call = CALLS[name]
    plan = Plan(lines=lines)
    for _ in range(2):  # the first time fills caches
        with scene(mode) as s:
            before(s)
            with recording(s), plan.survey():
                call(s)
    some = plan.points[plan.points.stop * 7 % stride :: stride]  # others for each call, if not all
    for number in some:
        with scene(mode) as s:
            before(s)
            start, raised = live(s) + len(s.gone), list[BaseException]()
            with recording(s), lost_into(raised), plan.at(number, lambda s=s: action(s)):  # type: ignore[misc]
                try:
                    call(s)
                except (KeyboardInterrupt, Outside) as error:
                    raised.append(error)
            yield s, raised[0] if raised else None, start


@contextmanager
def recording(s: Scene) -> Iterator[None]:
    """Record the call of a recorded heap, and not what comes before and after it, which takes much longer."""
    if s.heap.recording is None:
        yield
    else:
        s.heap.recording.on = True
        yield
        s.heap.recording.on = False


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_at_any_point_leaves_every_law_whole(mode: str, name: str, stride: int) -> None:
    """The call is complete or was not made, and the exception comes in any case.

    The address of a new object can be lost only where no change is under way: just before the caller gets it.
    """
    for s, raised, start in points(mode, name, stride, interrupt):
        assert isinstance(raised, KeyboardInterrupt)
        assert HANDLERS.waiting is None
        s.heap.check()
        lost = live(s) + len(s.gone) - start - len(s.made)
        assert lost == 0 or (lost == 1 and not (s.waited and name.startswith(("malloc", "calloc", "aligned_alloc"))))
        goes_on(s.heap, s.one, ranges_of(s, without=s.gone))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CALLS)
def test_an_exception_at_any_point_is_never_silent(mode: str, name: str, stride: int) -> None:
    """Either every law is whole, or all later calls on the allocator say that it was cut off."""
    for s, raised, _ in points(mode, name, stride, fail, lines=True):
        assert isinstance(raised, Outside)
        cut = [each for each in s.heap.allocators if each.section.cut is not None]
        if not cut:
            s.heap.check()
            goes_on(s.heap, s.one, ranges_of(s, without=s.gone))
            continue
        refuses(s, *cut)
        others_go_on(s)


def refuses(s: Scene, allocator: Allocator) -> None:
    """Every call on an allocator that was cut off says of which call, and by what."""
    assert allocator.section.cut is not None
    within, by = allocator.section.cut
    address = (s.mine or s.theirs)[0]
    calls: list[Callable[[], object]] = [
        lambda: allocator.malloc(40),
        lambda: allocator.free(address),
        lambda: allocator.calloc(1, 9000),
        lambda: allocator.realloc(address, 2000),
        lambda: allocator.realloc(address, s.heap.usable_size(address)),
        lambda: allocator.usable_size(address),
        lambda: allocator.aligned_alloc(64, 64),
        allocator.post,
        allocator.receive,
        allocator.handle_message_queue,
        s.heap.check,
    ]
    for call in calls:
        with pytest.raises(sn.CutOff, match=rf"Allocator {allocator.number} .*middle of {within} by {by.__name__}"):
            call()


def others_go_on(s: Scene) -> None:
    """Another allocator of the same heap is not affected."""
    mine = [s.two.malloc(size) for size in (16, 40, 240, 700, 3000, 2 * CONFIG.chunk_size) for _ in range(3)]
    taken = sorted((address, address + s.heap.usable_size(address)) for address in mine)
    assert all(end <= start for (_, end), (start, _) in pairwise(taken))
    for address in mine:
        s.two.free(address)


# Calls from inside.


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CALLS)
def test_a_free_from_inside_is_done_when_the_call_ends(mode: str, name: str, stride: int) -> None:
    """At any point, as a finalizer may: the object is free afterwards, and nothing else has changed."""
    for s, raised, start in points(mode, name, stride, free_inside):
        assert raised is None
        s.one.handle_message_queue()
        s.heap.check()
        assert live(s) + len(s.gone) == start + len(s.made)
        goes_on(s.heap, s.one, ranges_of(s, without=s.gone))


def free_inside(s: Scene) -> None:
    """Free one object of another slab, and one of a slab that the call may be about to change."""
    for address in {s.spare, *s.mine[:1]} - set(s.gone):
        s.drop(address)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CALLS)
def test_a_malloc_from_inside_works_or_is_refused(mode: str, name: str, stride: int) -> None:
    """It works where no change is under way. The outer call is not affected: no object is there twice."""
    for s, raised, start in points(mode, name, stride, malloc_inside):
        assert raised is None
        s.one.handle_message_queue()
        s.heap.check()
        assert live(s) + len(s.gone) == start + len(s.made) + len(s.inside)
        new = {address: address + s.heap.usable_size(address) for address in [*s.made, *s.inside]}
        assert len(new) == len(s.made) + len(s.inside)
        taken = ranges_of(s, without=s.gone) | new
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(taken.items())))
        goes_on(s.heap, s.one, taken)


def malloc_inside(s: Scene) -> None:
    """Allocate objects of all kinds that calls use."""
    for size in (40, CONFIG.slab_size // 4 - 16, 500, 700, 1800):
        with suppress(sn.Reentered):
            s.inside.append(s.one.malloc(size))


@pytest.mark.parametrize("mode", MODES)
def test_a_malloc_from_inside_is_refused_in_words(mode: str, stride: int) -> None:
    told: list[str] = []

    def malloc(s: Scene) -> None:
        try:
            s.mine.append(s.one.malloc(200))
        except sn.Reentered as error:
            told.append(str(error))

    for _, raised, _ in points(mode, "malloc, new slab", stride, malloc):
        assert raised is None
    assert len(told) >= 2
    assert all("malloc was called from inside malloc" in each for each in told)


# Other points.


@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c_at_any_point_of_close_leaves_the_heap_open_or_closed(mode: str) -> None:
    for number in count(1):
        with scene(mode) as s:
            with at_point(number, interrupt) as happened, suppress(sn.LeakError, KeyboardInterrupt):
                s.heap.close()
            if not happened:
                assert number > 10
                return
            assert HANDLERS.waiting is None
            if not s.heap.closed:  # the signal came first
                s.heap.check()
                with suppress(sn.LeakError):
                    s.heap.close()
            with pytest.raises(sn.HeapClosed):
                s.one.malloc(40)


def test_the_handler_that_was_there_is_called() -> None:
    """A program's own handler of SIGINT is called when the call is complete, with SIGINT."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        with scene("plain") as s:
            with at_point(20, interrupt):
                s.one.malloc(500)
            assert came == [signal.SIGINT]
            assert isinstance(signal.getsignal(signal.SIGINT), Held)
            s.heap.check()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("kind", [signal.SIG_IGN, signal.SIG_DFL])
def test_a_signal_that_is_ignored_or_ends_the_process_stays_so(kind: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, kind)
    try:
        with scene("plain") as s:
            s.one.malloc(500)
            assert signal.getsignal(signal.SIGINT) is kind
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("mode", MODES)
def test_a_recursion_that_ends_in_a_call_is_never_silent(mode: str) -> None:
    """A deep caller: at every depth near the limit malloc works, or raises and leaves no law broken in silence."""
    for depth in range(60):
        with scene(mode) as s:

            def deep(left: int, s: Scene = s) -> None:
                if left:
                    deep(left - 1)
                else:
                    s.make(s.one.malloc(500))
                    s.one.free(s.made.pop())

            limit = sys.getrecursionlimit()
            used = len_of_stack()
            with suppress(RecursionError):
                deep(limit - used - depth - 3)
            if s.one.section.cut is None:
                s.heap.check()
                goes_on(s.heap, s.one, ranges_of(s, without=[]))
            else:
                refuses(s, s.one)
                others_go_on(s)


def len_of_stack() -> int:
    count = 0
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


def test_an_allocator_that_was_cut_off_is_given_up_and_replaced() -> None:
    """The thread's own allocator: released, it does not go back to the pool, and the next call takes another."""
    with sn.Heap(CONFIG, reserve=RESERVE, fast=False) as heap:
        own = heap.own()
        with at_point(25, fail), suppress(Outside):
            heap.malloc(500)
        with pytest.raises(sn.CutOff, match=r"heap\.release"):
            heap.malloc(1)
        heap.release(own)
        assert heap.own() is not own
        heap.free(heap.malloc(500))


def test_ctrl_c_does_not_wait_for_calls_of_other_threads() -> None:
    """A thread stands still in the middle of its call, and SIGINT arrives in the main thread nevertheless."""
    with scene("plain") as s:
        inside, go_on = threading.Event(), threading.Event()

        def stand_still() -> None:
            inside.set()
            go_on.wait()

        def work() -> None:
            with at_point(20, stand_still):
                s.make(s.two.malloc(500))

        thread = threading.Thread(target=work)
        thread.start()
        inside.wait()
        try:
            with pytest.raises(KeyboardInterrupt):
                interrupt()
        finally:
            go_on.set()
            thread.join()
        assert len(s.made) == 1
        s.heap.check()
