"""Real threads: objects go from one to another, come home, and nothing is lost, doubled or overwritten.

Every object is filled with a pattern by who allocates it, and compared by who frees it.
Tests end when all work is done; none of them waits for time to pass.
"""

from __future__ import annotations

import gc
import queue
import random
import subprocess
import sys
import sysconfig
import textwrap
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc import Allocator
from tests.patterns import Gate, conserved, intact, settle, stamp, standing, switching_often, together

Parcels = queue.SimpleQueue[list[tuple[int, int]] | None]
ROOT = Path(sn.__file__).parent.parent
MODES = pytest.mark.parametrize("mode", ["fast", "plain", "checked"])


def heap_of(config: sn.Config, mode: str) -> sn.Heap:
    return sn.Heap(config, fast=mode == "fast", checked=mode == "checked")


def gil() -> bool:
    """Whether the global interpreter lock is on; before 3.13 it always is."""
    enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return enabled()


def test_which_python_this_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Say which interpreter ran the threads of this file; a build without the GIL must run without it."""
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    with capsys.disabled():
        print(f"\nthreads ran on {sys.implementation.name} {sys.version.split()[0]}, GIL {'on' if gil() else 'off'}")
    assert gil() is not free_threaded


# Producers and consumers.


def sizes(rng: random.Random, config: sn.Config) -> int:
    """Mostly small, of all classes; a few medium and large."""
    kind = rng.random()
    if kind < 0.95:
        return int(rng.random() ** 3 * config.slab_size)
    if kind < 0.99:
        return rng.randrange(config.slab_size, config.chunk_size)
    return rng.randrange(config.chunk_size, 2 * config.chunk_size)


def produce(malloc: Callable[[int], int], heap: sn.Heap, seed: int, count: int, parcels: Parcels) -> int:
    """Allocate, fill, and send in parcels of a few; return how many were small or medium."""
    rng, tag, owned = random.Random(seed), seed << 32, 0
    for _ in range(count // 15):
        parcel = []
        for _ in range(rng.randint(1, 30)):
            tag += 1
            address = malloc(sizes(rng, heap.config))
            owned += heap.usable_size(address) < heap.config.chunk_size
            stamp(heap, address, tag, 512)
            parcel.append((address, tag))
        parcels.put(parcel)
    return owned


def consume(free: Callable[[int], None], heap: sn.Heap, parcels: Parcels, wrong: list[int]) -> None:
    """Compare and free, until there is no more."""
    while (parcel := parcels.get()) is not None:
        for address, tag in parcel:
            if not intact(heap, address, tag, 512):
                wrong.append(tag)
            free(address)


def pipeline(heap: sn.Heap, calls: Callable[[], tuple[Callable[[int], int], Callable[[int], None]]]) -> int:
    """Two producers and two consumers; ``calls`` says, in a thread, what its malloc and free are.

    They meet when each has its allocator, and again before the first ends: an allocator
    that went back to the pool might serve a second one. Returns how many objects went over.
    """
    parcels: Parcels = queue.SimpleQueue()
    meeting = threading.Barrier(4)
    wrong: list[int] = []
    sent = [0, 0]

    def meets(body: Callable[[Callable[[int], int], Callable[[int], None]], None]) -> Callable[[], None]:
        def both_ends() -> None:
            try:
                malloc, free = calls()
                free(0)
                meeting.wait()
                body(malloc, free)
                meeting.wait()
            except BaseException:
                meeting.abort()
                parcels.put(None)
                raise

        return both_ends

    def producer(number: int, malloc: Callable[[int], int], _: object) -> None:
        sent[number] = produce(malloc, heap, number, 1500, parcels)
        parcels.put(None)

    def consumer(_: object, free: Callable[[int], None]) -> None:
        consume(free, heap, parcels, wrong)

    together(meets(partial(producer, 0)), meets(partial(producer, 1)), meets(consumer), meets(consumer))
    assert wrong == []
    assert parcels.empty()
    return sum(sent)


@pytest.mark.parametrize(
    ("preset", "mode"),
    [(preset, mode) for preset in sn.PRESETS for mode in ("fast", "plain")] + [("classroom", "checked")],
)
def test_threads_with_the_heap_s_malloc_and_free(preset: str, mode: str) -> None:
    with heap_of(sn.PRESETS[preset], mode) as heap:
        owned = pipeline(heap, lambda: (heap.malloc, heap.free))
        assert len(heap.allocators) == 4
        assert {allocator.holder for allocator in heap.allocators} == {None}
        settle(heap)
        conserved(heap)
        statistics = heap.statistics()
        assert statistics.large_objects == 0
        assert statistics.sent == owned  # none was freed where it was allocated, and large ones need no message
        assert statistics.batches < statistics.sent


@MODES
def test_threads_with_allocators_of_their_own(mode: str) -> None:
    with heap_of(sn.CLASSROOM.replace(remote_cache=4096, remote_batch=7), mode) as heap:
        held: list[Allocator] = []

        def calls() -> tuple[Callable[[int], int], Callable[[int], None]]:
            held.append(heap.acquire())
            return held[-1].malloc, held[-1].free

        with switching_often():
            pipeline(heap, calls)
        for allocator in held:
            heap.release(allocator)
        settle(heap)
        conserved(heap)
        assert heap.statistics().large_objects == 0


@MODES
def test_two_threads_swap_all_that_they_allocate(mode: str) -> None:
    """Symmetrical, as in the paper's Figure 4: each allocates, swaps, frees the other's; in lockstep."""
    rounds, each = 60, 50
    with heap_of(sn.PAPER_1MIB.replace(remote_cache=1 << 14), mode) as heap:
        swap: list[list[tuple[int, int]]] = [[], []]
        barrier = threading.Barrier(2)
        wrong: list[int] = []

        def body(me: int) -> None:
            rng = random.Random(me)
            try:
                for turn in range(rounds):
                    swap[me] = [
                        (heap.malloc(rng.randrange(2000)), me << 32 | turn << 16 | index) for index in range(each)
                    ]
                    for address, tag in swap[me]:
                        stamp(heap, address, tag)
                    barrier.wait()
                    theirs = swap[1 - me]
                    barrier.wait()
                    for address, tag in theirs:
                        if not intact(heap, address, tag):
                            wrong.append(tag)
                        heap.free(address)
            except BaseException:
                barrier.abort()
                raise

        together(partial(body, 0), partial(body, 1))
        assert wrong == []
        assert heap.statistics().sent == 2 * rounds * each
        settle(heap)
        conserved(heap)


def test_every_call_of_the_interface_from_every_thread() -> None:
    """realloc keeps contents, calloc is zero, aligned_alloc is aligned, whoever had the memory before."""
    with sn.Heap(sn.CLASSROOM.replace(remote_cache=512)) as heap:
        pool: queue.SimpleQueue[tuple[int, int, int]] = queue.SimpleQueue()
        wrong: list[str] = []

        def body(seed: int) -> None:
            rng = random.Random(seed)
            for turn in range(400):
                tag, size = seed << 32 | turn, rng.randrange(16, 1500)
                if turn % 3 == 0:
                    address = heap.calloc(size, 1)
                    if any(heap.view(address)[:size]):
                        wrong.append("calloc")
                elif turn % 3 == 1:
                    address = heap.aligned_alloc(64, size)
                    if address % 64:
                        wrong.append("aligned_alloc")
                else:
                    address = heap.malloc(size)
                stamp(heap, address, tag, 16)
                pool.put((address, tag, 16))
                address, tag, length = pool.get()
                if not intact(heap, address, tag, length):
                    wrong.append("contents")
                if rng.random() < 0.5:
                    address = heap.realloc(address, rng.randrange(16, 3000))
                    if not intact(heap, address, tag, length):
                        wrong.append("realloc")
                heap.free(address)

        with switching_often():
            together(*(partial(body, seed) for seed in range(4)))
        assert wrong == []
        settle(heap)
        conserved(heap)


def test_no_two_threads_slice_the_same_view() -> None:
    """Without a GIL, Python's own count of a buffer's slices goes wrong if threads share it (seen on 3.13).

    At zero the buffer is released, and with it every view of the heap. What a slice refers to is that buffer.
    """
    with sn.Heap(sn.CLASSROOM) as heap:
        address = heap.malloc(64)
        buffers = [gc.get_referents(heap.view(address))]
        together(lambda: buffers.append(gc.get_referents(heap.view(address))))
        here, there = ({id(buffer) for buffer in each} for each in buffers)
        assert here
        assert there
        assert here.isdisjoint(there)


@MODES
def test_views_are_made_and_dropped_by_every_thread(mode: str) -> None:
    """The same by force, where threads run in parallel; in checked mode the record slices too."""
    with heap_of(sn.PAPER_1MIB, mode) as heap:

        def body(me: int) -> None:
            objects = [heap.malloc(64) for _ in range(20)]
            for turn in range(250):
                for tag, address in enumerate(objects):
                    stamp(heap, address, me + tag + turn)
                    assert intact(heap, address, me + tag + turn)
            for address in objects:
                heap.free(address)

        together(*(partial(body, me << 32) for me in range(3)))
        heap.check()


# Threads that come and go.


def test_a_hundred_threads_come_and_go() -> None:
    """Ten at a time: each allocates, frees what others left, leaves objects for others, and ends."""
    with sn.Heap(sn.CLASSROOM) as heap:
        left: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        wrong: list[int] = []

        def body(name: int) -> None:
            rng, mine = random.Random(name), list[tuple[int, int]]()
            for index in range(40):
                tag = name << 16 | index
                address = heap.malloc(rng.choice((10, 100, 500, 1000, 3000)))
                stamp(heap, address, tag)
                (mine.append if rng.random() < 0.5 else left.put)((address, tag))
            for _ in range(15):
                mine.append(left.get())  # 10 threads leave 20 each before anybody waits, but for bad luck
            for address, tag in mine:
                if not intact(heap, address, tag):
                    wrong.append(tag)
                heap.free(address)

        for tag in range(400):  # no luck is needed
            address = heap.malloc(64)
            stamp(heap, address, tag)
            left.put((address, tag))
        for wave in range(10):
            names = range(100 + 10 * wave, 110 + 10 * wave)
            together(*(partial(body, name) for name in names))
            assert {a.holder for a in heap.allocators} == {threading.get_ident(), None}
            assert not any(a.cache.cached() for a in heap.allocators if a.holder is None)
        assert len(heap.allocators) <= 11  # ten and the main thread's: the pool is used again
        live = left.qsize()
        settle(heap, [heap.own()])
        assert sum(s.live for s in heap.statistics().sizeclasses) == live
        while not left.empty():
            address, tag = left.get()
            assert intact(heap, address, tag)
            heap.free(address)
        assert wrong == []
        settle(heap, [heap.own()])
        conserved(heap)


def test_threads_that_end_leave_no_python_objects_behind() -> None:
    """Their locals above all, which a look at them while they end would make anew, for ever."""
    with sn.Heap(sn.CLASSROOM) as heap:

        def objects_after(threads: int) -> int:
            for _ in range(threads):
                together(lambda: heap.free(heap.malloc(100)))
            gc.collect()
            return len(gc.get_objects())

        objects_after(20)
        before = objects_after(20)
        assert objects_after(200) < before + 100


def test_what_a_thread_did_not_post_is_posted_when_it_ends() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        address = heap.malloc(100)
        together(lambda: heap.free(address))
        other = heap.allocators[1]
        assert (other.holder, other.cache.cached(), other.messages.batches) == (None, 0, 1)
        assert list(heap.own().queue.walk()) == [heap.own().queue.stub, address]


def test_objects_outlive_their_thread_and_its_queue_is_alive() -> None:
    """A thread ends with objects live; others read and free them; who takes the allocator up receives them."""
    with sn.Heap(sn.CLASSROOM.replace(remote_cache=0)) as heap:
        objects: list[int] = []

        def ends() -> None:
            for tag in range(20):
                objects.append(heap.malloc(100))
                stamp(heap, objects[-1], tag)

        together(ends)
        first = heap.allocators[0]
        mine = heap.own()
        assert mine is first  # the pool's newest is used again
        heap.free(objects[0])
        with heap.allocator() as other:
            assert other is not first
            for tag in range(1, 20):
                assert intact(heap, objects[tag], tag)
                other.free(objects[tag])
        assert first.messages.arrived == [0] * heap.config.num_sizeclasses
        assert heap.malloc(1)  # any call receives
        assert sum(first.messages.arrived) == 18
        heap.check()


def test_an_ended_thread_s_messages_wait_in_the_pool() -> None:
    """Nobody drives an allocator in the pool; ``cleanup_unused`` does, and forwards what passes through."""
    with sn.Heap(sn.CLASSROOM.replace(remote_cache=0)) as heap:
        objects: list[int] = []

        def frees(gate: Gate) -> None:
            heap.own()
            gate.stop()
            for address in objects:
                heap.free(address)

        with standing(frees):
            together(lambda: objects.extend(heap.malloc(600) for _ in range(8)))
        owner = next(a for a in heap.allocators if a.queue.back() == objects[-1])
        assert (owner.holder, len(list(owner.queue.walk()))) == (None, 9)
        heap.cleanup_unused()
        assert list(owner.queue.walk()) == objects[-1:]
        conserved(heap)


def test_more_threads_than_numbers_are_told_so_and_leave_no_trace() -> None:
    """All numbers are held: a clear error, again on the next try, and no other complaint."""
    with sn.Heap(sn.CLASSROOM.replace(number_bits=2)) as heap:
        held = [heap.acquire() for _ in range(3)]
        for _ in range(2):
            with pytest.raises(ValueError, match="all 3 allocators of this heap are held"):
                heap.malloc(1)
        heap.release(held[1])
        heap.free(heap.malloc(1))
        assert heap.own() is held[1]


def test_looking_on_while_allocators_are_made() -> None:
    """``allocators`` and ``statistics`` may be asked for at any time."""
    with sn.Heap(sn.CLASSROOM.replace(number_bits=7)) as heap:
        making = [True]
        seen = 0

        def make() -> None:
            try:
                for _ in range(100):
                    heap.acquire()
            finally:
                making[0] = False

        def look() -> None:
            nonlocal seen
            while making[0]:
                allocators = heap.allocators
                assert len(allocators) >= seen
                seen = len(allocators)

        together(make, look)
        assert len(heap.statistics().allocators) == 100


# Checked mode.


@pytest.fixture
def checked() -> Iterator[sn.Heap]:
    with sn.Heap(sn.CLASSROOM, checked=True) as heap:
        yield heap


@pytest.mark.parametrize("call", ["malloc", "free"])
def test_two_threads_in_one_allocator_are_told_so(checked: sn.Heap, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread is held up in the middle of a call; another calls the same allocator."""
    allocator, got = checked.acquire(), list[int]()
    address, real, here = allocator.malloc(16), allocator._malloc, threading.get_ident()

    def other(gate: Gate) -> None:
        def slow(size: int) -> int:
            if threading.get_ident() != here:
                gate.stop()
            return real(size)

        monkeypatch.setattr(allocator, "_malloc", slow)
        got.append(allocator.malloc(100))

    with standing(other), pytest.raises(sn.WrongThread, match="in the middle of another call"):
        allocator.malloc(1) if call == "malloc" else allocator.free(address)
    assert len(got) == 1
    allocator.free(got[0])  # it works again, and the refused call changed nothing
    allocator.free(address)
    checked.check()


def test_a_double_free_by_another_thread_is_found(checked: sn.Heap) -> None:
    """While the first free is still a message on its way."""
    address = checked.malloc(16)
    together(lambda: checked.free(address))
    with pytest.raises(sn.DoubleFree):
        checked.free(address)
    errors: list[BaseException] = []

    def again() -> None:
        try:
            checked.free(address)
        except sn.DoubleFree as error:
            errors.append(error)

    together(again)
    assert len(errors) == 1


def test_bad_frees_are_diagnosed_while_others_allocate(checked: sn.Heap) -> None:
    working = [True]

    def work() -> None:
        try:
            for _ in range(500):
                for address in [checked.malloc(16) for _ in range(4)]:
                    checked.free(address)
        finally:
            working[0] = False

    def err() -> None:
        while working[0]:
            with pytest.raises(sn.InvalidPointer):
                checked.free(checked.layout.first_chunk + 8)

    together(work, err)


# The interpreter's end.

SCRIPTS = {
    "a heap that is never closed": """
        heap = sn.Heap()
        heap.free(heap.malloc(100))
        p = heap.malloc(100)
        view = heap.view(p)
    """,
    "a checked heap with live objects": """
        heap = sn.Heap(sn.CLASSROOM, checked=True)
        heap.malloc(100)
    """,
    "a heap in a cycle": """
        class Node:
            pass
        node = Node()
        node.node, node.heap = node, sn.Heap(sn.CLASSROOM)
        node.p = node.heap.malloc(10)
        del node
    """,
    "a closed heap with a view about": """
        with sn.Heap(sn.CLASSROOM) as heap:
            view = heap.view(heap.malloc(100))
    """,
    "a view that outlives its heap, at which threads looked": """
        heap = sn.Heap(sn.CLASSROOM)
        p = heap.malloc(100)
        view = heap.view(p)
        threads = [threading.Thread(target=lambda: [heap.view(p) for _ in range(15000)]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        heap.close()
        assert not any(view)
    """,
    "threads that ended": """
        heap = sn.Heap(sn.CLASSROOM)
        p = heap.malloc(100)
        thread = threading.Thread(target=lambda: (heap.malloc(5), heap.free(p)))
        thread.start()
        thread.join()
    """,
    "a thread that outlives the main thread": """
        heap = sn.Heap(sn.CLASSROOM)
        p = heap.malloc(100)
        main = threading.current_thread()
        def body():
            heap.malloc(5)
            main.join()
            heap.free(p)
            heap.free(heap.malloc(5))
        threading.Thread(target=body).start()
    """,
    "daemon threads that wait": """
        heap = sn.Heap(sn.CLASSROOM)
        p = heap.malloc(100)
        ready, never = threading.Barrier(4), threading.Event()
        def body():
            heap.malloc(5)
            heap.free(p) if p else None
            ready.wait()
            never.wait()
        p = 0
        for _ in range(3):
            threading.Thread(target=body, daemon=True).start()
        ready.wait()
    """,
    "daemon threads in the middle of calls": """
        heap = sn.Heap(sn.CLASSROOM)
        ready = threading.Barrier(3)
        def body():
            heap.free(heap.malloc(5))
            ready.wait()
            while True:
                objects = [heap.malloc(size) for size in (5, 500, 5000, 50000)]
                for p in objects:
                    heap.free(p)
        for _ in range(2):
            threading.Thread(target=body, daemon=True).start()
        ready.wait()
    """,
    "calls at exit": """
        import atexit
        heap = sn.Heap(sn.CLASSROOM)
        p = heap.malloc(100)
        atexit.register(lambda: heap.free(p))
    """,
    "an allocator that is held": """
        heap = sn.Heap(sn.CLASSROOM)
        a = heap.acquire()
        p = a.malloc(100)
        malloc, free = a.malloc, a.free
        del heap, a
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_interpreter_ends_in_silence(name: str) -> None:
    """Whatever is alive at exit: nothing on standard error, exit code 0."""
    script = "import threading\nimport pysnmalloc as sn\n" + textwrap.dedent(SCRIPTS[name])
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", 0)
