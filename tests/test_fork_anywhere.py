"""Fork at any moment: at every point of another thread's calls, and hundreds of times under load.

In the child every law holds, and the thread that forked goes on: it allocates and frees objects of all kinds,
its own ones and those of threads that are not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from mmap import mmap
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.inspection.survey import Survey
from pysnmalloc.interruption import fork
from pysnmalloc.memory import BUMP
from pysnmalloc.pagemap import MEDIUM
from tests.child import in_child
from tests.fork_load import FORKS
from tests.injector import at_point, at_points, stop
from tests.patterns import intact, locks, stamp
from tests.scene import (
    CALLS,
    CONFIG,
    MODES,
    NOTHING,
    Scene,
    Step,
    fail,
    goes_on,
    interrupt,
    lost_into,
    ranges_of,
    scene,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")

CHUNK = CONFIG.chunk_size
ROOT = Path(__file__).parents[1]
ALL_CALLS: dict[str, tuple[Step, Step]] = CALLS | {
    "malloc, 8 chunks": (NOTHING, lambda s: s.make(s.one.malloc(8 * CHUNK))),
    "malloc, 8 chunks again": (
        lambda s: s.one.free(s.one.malloc(8 * CHUNK)),
        lambda s: s.make(s.one.malloc(8 * CHUNK)),
    ),
    "free, 8 chunks": (lambda s: s.mine.append(s.one.malloc(8 * CHUNK)), lambda s: s.drop(s.mine[-1])),
    "realloc, large": (NOTHING, lambda s: s.one.realloc(s.mine[6], 2 * CHUNK)),
}


SAMPLE = 4
"""Without ``--every-point``, the child is tried at every fourth change: a fork and all laws take long."""

BRIEFLY = ["malloc, 8 chunks", "free, 8 chunks", "free, last of its slab", "free, medium", "malloc, medium", "receive"]
CASES = [(mode, name) for mode in MODES for name in (ALL_CALLS if mode == "fast" else BRIEFLY)]


def state(heap: sn.Heap) -> object:
    """All that a fork copies of a heap, the bytes and what Python keeps beside them."""
    shared, record = heap.shared, heap._record
    return (
        bytes(heap.memory.range(0, heap.memory.u64[BUMP >> 3])),
        (shared.commitment.committed, len(shared.commitment.large)),
        [(each.holder, each.section.cut) for each in heap.allocators],
        len(heap._pool),
        [len(each) for each in (record.live, record.freed, record.former, record.links)] if record is not None else (),
    )


class Walker:
    """A thread that makes a call, and stands still wherever the heap has changed and a fork would not have to wait.

    Attributes:
        stops: how often it stood still.
        passed: how many points it passed.
    """

    def __init__(self, heap: sn.Heap, allocator: sn.Allocator, call: Callable[[], object]) -> None:
        self.stops = self.passed = 0
        self._heap, self._allocator, self._call = heap, allocator, call
        self._locks = [lock for _, lock in heap._locks()]
        if heap.recording is not None:
            self._locks.append(heap.recording.lock)
        self._here, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self._last: object = None
        self._errors: list[BaseException] = []
        self._ended = False
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._allocator.held_by(threading.get_ident())
            with at_points(self._point, lines=True):
                self._call()
        except BaseException as error:
            self._errors.append(error)
        finally:
            self._ended = True
            self._here.release()

    def _point(self) -> None:
        self.passed += 1
        if self._ended or any(lock._is_owned() for lock in self._locks):  # type: ignore[attr-defined]
            return
        now = state(self._heap)
        if now != self._last:
            self._last = now
            self.stops += 1
            self._here.release()
            self._go.acquire()

    def walk(self, visit: Callable[[], None], every: int) -> None:
        """Start, and call a function whenever the thread stands still: the first time, and then at every n-th."""
        self._thread.start()
        try:
            while self._here.acquire() and not self._ended:
                if (self.stops - 1) % every == 0:
                    visit()
                self._go.release()
        finally:
            self._ended = True
            self._go.release()
            self._thread.join()
        if self._errors:
            raise self._errors[0]


@pytest.mark.parametrize(("mode", "name"), CASES)
def test_a_fork_at_any_point_of_another_threads_call(mode: str, name: str, stride: int) -> None:
    before, call = ALL_CALLS[name]
    with scene(mode) as s:
        before(s)
        for tag, address in enumerate([*s.mine, *s.theirs]):
            if address not in s.gone:
                stamp(s.heap, address, tag)
        walker = Walker(s.heap, s.one, lambda: call(s))
        walker.walk(lambda: in_child(lambda: alone(s)), every=SAMPLE if stride > 1 else 1)
        assert walker.stops >= 2


def alone(s: Scene) -> None:
    """What the child does: all that its allocator can, and with all objects that nobody was freeing."""
    heap, two = s.heap, s.two
    heap.check()
    assert s.one.lost or s.one.holder is None
    assert not two.lost
    safe = ranges_of(s, without=s.gone)
    assert all(intact(heap, p, tag) for tag, p in enumerate([*s.mine, *s.theirs]) if p in safe)
    goes_on(heap, two, safe)
    two.free(two.malloc(3 * CHUNK))
    for address in safe:
        two.free(address)
    two.post()
    two.handle_message_queue()
    heap.check()
    assert heap.recording is None or not heap.recording.whole  # the other thread may not have told everything
    front = two.queue.back() != two.queue.stub  # the newest message stays there
    assert front <= in_use(heap, two) <= front + len({*s.gone} & {*s.theirs})


def in_use(heap: sn.Heap, owner: sn.Allocator) -> int:
    """How many small and medium objects of an allocator are in use, as the bytes say."""
    survey = Survey(heap.shared, heap.allocators)
    small = sum(survey.metaslab.fields(slab).used for slab, of in survey.slabs() if of is owner)
    return small + sum(survey.medium.head(slab) for slab, of in survey.of_kind(MEDIUM) if of is owner)


# Exceptions in the hooks.


@pytest.mark.parametrize("action", [interrupt, fail])
def test_a_fork_is_complete_wherever_its_hooks_are_interrupted(
    action: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both processes all locks are free afterwards, every law holds, and SIGINT arrives after the next call."""
    monkeypatch.setattr(fork, "_entries", {})  # other heaps of this process would add points
    in_child(lambda: at_every_point_of_hooks(action))  # whose hooks were traced: other tests fork without that


def at_every_point_of_hooks(action: Callable[[], None]) -> None:
    """Fork again and again, each time with an action at the next point of the hooks, in one of the two processes."""
    for number in count(1):
        happened = mmap(-1, 1)  # both processes see it

        def act(happened: mmap = happened) -> None:
            happened[0] = 1
            action()

        with scene("fast") as s:
            lost: list[BaseException] = []
            with lost_into(lost):
                with at_point(number, act) as here:
                    in_child(lambda s=s: unharmed_child(s.heap, s.two))  # type: ignore[misc]
                if action is interrupt and here:
                    with pytest.raises(KeyboardInterrupt):
                        s.one.malloc(500)
                unharmed(s.heap, s.two)
            assert len(lost) == (action is fail and len(here))
            if not happened[0]:
                assert number > 50
                return


def unharmed_child(heap: sn.Heap, allocator: sn.Allocator) -> None:
    stop()
    unharmed(heap, allocator)


def unharmed(heap: sn.Heap, allocator: sn.Allocator) -> None:
    """Every law holds, all locks are free, and an allocator can go on."""
    with suppress(KeyboardInterrupt):
        allocator.free(allocator.malloc(500))
    allocator.free(allocator.malloc(3 * CHUNK))
    heap.check()
    taken: list[bool] = []

    def take() -> None:
        for lock in (fork._registry, *locks(heap).values()):
            taken.append(lock.acquire(blocking=False))
            if taken[-1]:
                lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    assert len(taken) == 4
    assert all(taken)


# Under load.


@pytest.mark.parametrize("mode", MODES)
def test_hundreds_of_forks_under_load(mode: str) -> None:
    """In an interpreter of its own, since none may have been traced: see ``fork_load``."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fork_load", mode], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [str(FORKS), "forks"]
