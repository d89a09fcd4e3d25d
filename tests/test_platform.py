"""Memory really goes back to the operating system, where it can; and the heap works where it cannot.

    strategy     a superslab or medium slab is empty   one slab or medium object is free
    never        keeps all                             keeps all
    superslab    gives all but the first page          keeps all
    slab         had given its slabs already           gives it
    lazy         keeps all, until memory is scarce     keeps all

What the system says of resident memory is compared with what the heap counts
as committed. Where the system does not tell, only the counts are looked at.
"""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.platform import AddressSpace
from tests.live_ranges import LiveRanges

CONFIG = sn.PAPER_1MIB.replace(name="few", number_bits=4)
CHUNK, SLAB, PAGE = CONFIG.chunk_size, CONFIG.slab_size, CONFIG.page_size
SLACK = 32 * PAGE  # allocators' blocks, page map, headers
LINUX = sys.platform == "linux"
on_linux = pytest.mark.skipif(not LINUX, reason="only Linux says what is resident, and gives it back at once")
every_strategy = pytest.mark.parametrize("decommit", sn.Decommit, ids=lambda strategy: strategy.value)
PACKAGE = Path(sn.__file__).parent


@contextmanager
def heap_of(decommit: sn.Decommit) -> Iterator[tuple[sn.Heap, sn.Allocator]]:
    with sn.Heap(CONFIG, reserve=64 * CHUNK, decommit=decommit) as heap:
        yield heap, heap.acquire()


def touch(heap: sn.Heap, *objects: int) -> None:
    for p in objects:
        view = heap.view(p)
        view[:] = b"\xaa" * len(view)


def memory_of(heap: sn.Heap) -> tuple[int, int]:
    """Committed and resident bytes; where nobody knows what is resident, committed twice."""
    statistics = heap.statistics()
    assert (statistics.resident is not None) == LINUX
    return statistics.committed, statistics.committed if statistics.resident is None else statistics.resident


def expect(heap: sn.Heap, committed: int, resident: int) -> None:
    """Compare, resident memory within some pages."""
    now = memory_of(heap)
    assert now[0] == committed
    if LINUX:
        assert resident <= now[1] <= resident + SLACK


# Giving back.


@on_linux
def test_a_large_object_that_is_freed_leaves_memory() -> None:
    with heap_of(sn.Decommit.SUPERSLAB) as (heap, a):
        a.free(a.malloc(8 * CHUNK))
        pages = heap.statistics().committed  # first pages of this block and of those skipped before it
        p = a.malloc(8 * CHUNK)
        expect(heap, pages - PAGE + 8 * CHUNK, 0)
        touch(heap, p)
        expect(heap, pages - PAGE + 8 * CHUNK, 8 * CHUNK)
        a.free(p)
        expect(heap, pages, PAGE)


@on_linux
def test_a_superslab_that_is_empty_leaves_memory() -> None:
    with heap_of(sn.Decommit.SUPERSLAB) as (heap, a):
        objects = [a.malloc(SLAB) for _ in range(CONFIG.slab_count - 1)]
        touch(heap, *objects)
        expect(heap, CHUNK, CHUNK - SLAB)
        for p in objects[1:]:
            a.free(p)
        expect(heap, CHUNK, CHUNK - SLAB)
        a.free(objects[0])
        expect(heap, PAGE, PAGE)


@every_strategy
@pytest.mark.parametrize(("size", "count"), [(SLAB, 63), (2 * SLAB, 31), (5000, 189)], ids=["slabs", "medium", "small"])
def test_by_strategy(decommit: sn.Decommit, size: int, count: int) -> None:
    """Fill one chunk, free all of it; then say that memory is scarce, and take and return another chunk."""
    with heap_of(decommit) as (heap, a):
        objects = [a.malloc(size) for _ in range(count)]
        assert [chunk.kind for chunk in heap.chunk_map()] == ["medium" if size > SLAB else "superslab"]
        touch(heap, *objects)
        committed, resident = memory_of(heap)
        # By `slab`, only slabs or medium objects in use; these are all but the short slab, or all but the rest.
        in_use = count * size if size > SLAB else 63 * SLAB
        assert committed == (PAGE + in_use if decommit is sn.Decommit.SLAB else CHUNK)
        for p in objects:
            a.free(p)
        after, left = memory_of(heap)
        if decommit in (sn.Decommit.NEVER, sn.Decommit.LAZY):
            assert (after, left) == (committed, resident)
        else:
            expect(heap, PAGE, 0)
        # A call for a chunk, while one lies on the stack, and one for another.
        heap.notify_low_memory()
        assert heap.statistics().committed == after
        a.free(a.malloc(CHUNK))
        if decommit is sn.Decommit.LAZY:
            expect(heap, PAGE, 0)
        elif decommit is sn.Decommit.NEVER:
            assert memory_of(heap)[0] == CHUNK
            assert memory_of(heap)[1] >= resident
        else:
            expect(heap, PAGE, 0)
        heap.check()


def test_lazy_gives_back_all_that_lies_on_the_stack() -> None:
    with heap_of(sn.Decommit.LAZY) as (heap, a):
        objects = [a.malloc(SLAB) for _ in range(3 * 63)]
        touch(heap, *objects)
        for p in objects[:-1]:
            a.free(p)
        expect(heap, 3 * CHUNK, 3 * (CHUNK - SLAB))
        heap.notify_low_memory()
        a.free(a.malloc(2 * CHUNK))
        # Two chunks were empty; the third has a live object, and stays as it was. The large one kept a page, and
        # so did chunks that were skipped before it.
        skipped = sum(chunk.kind == "free" for chunk in heap.chunk_map()) - 2 - 2
        expect(heap, CHUNK + (3 + skipped) * PAGE, CHUNK - SLAB)
        assert set(heap.view(objects[-1])) == {0xAA}
        # One notice, one time.
        again = [a.malloc(SLAB) for _ in range(2 * 63)]
        touch(heap, *again)
        for p in again:
            a.free(p)
        assert memory_of(heap)[0] >= 3 * CHUNK
        heap.check()


def test_slab_gives_back_each_slab_while_others_are_in_use() -> None:
    with heap_of(sn.Decommit.SLAB) as (heap, a):
        objects = [a.malloc(SLAB) for _ in range(50)]
        touch(heap, *objects)
        expect(heap, 50 * SLAB + PAGE, 50 * SLAB)
        for freed, p in enumerate(objects[:49], 1):
            a.free(p)
            assert heap.statistics().committed == (50 - freed) * SLAB + PAGE
            assert not any(heap.memory.u8[p : p + SLAB])
        expect(heap, SLAB + PAGE, SLAB)
        assert set(heap.view(objects[49])) == {0xAA}
        medium = [a.malloc(3 * SLAB) for _ in range(10)]
        touch(heap, *medium)
        expect(heap, 31 * SLAB + 2 * PAGE, 31 * SLAB)
        for p in medium[1:]:
            a.free(p)
            assert not any(heap.memory.u8[p : p + 3 * SLAB])
        expect(heap, 4 * SLAB + 2 * PAGE, 4 * SLAB)
        heap.check()


def test_slab_keeps_the_header_of_a_short_slab() -> None:
    with heap_of(sn.Decommit.SLAB) as (heap, a):
        short, kept = [a.malloc(64) for _ in range(200)], a.malloc(SLAB)
        assert short[0] & -SLAB == kept & -CHUNK
        touch(heap, *short, kept)
        for p in short:
            a.free(p)
        heap.check()
        assert heap.statistics().committed == SLAB + PAGE
        assert not any(heap.memory.u8[(kept & -CHUNK) + PAGE : (kept & -CHUNK) + SLAB])


@every_strategy
def test_one_chunk_and_many(decommit: sn.Decommit) -> None:
    """By `never`, a large object of one chunk stays, since superslabs are made of such; longer ones go anyway."""
    with heap_of(decommit) as (heap, a):
        p = a.malloc(CHUNK)
        touch(heap, p)
        a.free(p)
        kept = CHUNK if decommit is sn.Decommit.NEVER else PAGE
        expect(heap, kept, kept)
        p = a.malloc(16 * CHUNK)
        skipped = sum(chunk.kind == "free" for chunk in heap.chunk_map()) - 1
        touch(heap, p)
        a.free(p)
        blocks = memory_of(heap)[0] - kept
        assert PAGE <= blocks <= PAGE + skipped * PAGE  # first pages of blocks, which hold their links
        assert blocks % PAGE == 0
        if LINUX:
            assert memory_of(heap)[1] <= kept + blocks + SLACK


@every_strategy
def test_what_was_given_back_reads_as_zero(decommit: sn.Decommit) -> None:
    with heap_of(decommit) as (heap, a):
        p = a.malloc(4 * CHUNK)
        touch(heap, p)
        a.free(p)
        assert not any(heap.memory.u8[p + PAGE : p + 4 * CHUNK])
        objects = [a.malloc(2 * SLAB) for _ in range(31)]
        chunk = objects[0] & -CHUNK
        touch(heap, *objects)
        for q in objects:
            a.free(q)
        kept = decommit in (sn.Decommit.NEVER, sn.Decommit.LAZY)
        assert any(heap.memory.u8[chunk + PAGE : chunk + CHUNK]) == kept
        assert heap.memory.u8[p + PAGE] == 0


# The system's side.


def spaces() -> dict[str, AddressSpace]:
    """A space as the platform makes it, one where madvise is only a hint, and plain bytes."""
    with pytest.MonkeyPatch.context() as patch:
        own, hint = AddressSpace(1 << 18), AddressSpace(1 << 18)
        hint.gives_back = False
        patch.setattr("pysnmalloc.platform.HAVE_MMAP", False)
        return {"own": own, "hint": hint, "bytes": AddressSpace(1 << 18)}


@pytest.mark.parametrize("kind", ["own", "hint", "bytes"])
def test_decommit_zeroes_its_range_and_nothing_else(kind: str) -> None:
    space = spaces()[kind]
    assert (space.kind, space.size) == ("bytes" if kind == "bytes" else "mmap", 1 << 18)
    assert space.gives_back == (LINUX and kind == "own")
    view = memoryview(space.buffer)
    assert len(view) == 1 << 18
    assert not any(view)
    rng = random.Random(1)
    edges = sorted({0, 1 << 18, *(4096 * n for n in range(0, 64, 7)), *(rng.randrange(1 << 18) for _ in range(20))})
    ranges = [(start, end) for start in edges for end in edges if start <= end]
    for start, end in rng.sample(ranges, 60):
        view[:] = model = bytearray(b"\x55" * (1 << 18))
        space.decommit(start, end - start)
        model[start:end] = bytes(end - start)
        assert view == model
    view.release()
    space.close()


def test_the_default_reserve_costs_nothing() -> None:
    with sn.Heap() as heap:
        before = heap.statistics()
        if LINUX and sys.maxsize > 1 << 32:
            assert before.reserved >= 64 << 30
            assert before.resident is not None
            assert before.resident < 1 << 20
        assert before.committed == 0
        p = heap.malloc(100)
        heap.view(p)[:] = b"x" * 112
        after = heap.statistics()
        assert after.committed == sn.PAPER.chunk_size
        assert after.resident is None or after.resident < 1 << 20


@on_linux
@pytest.mark.parametrize("gives_back", [True, False], ids=["gives back", "only a hint"])
def test_closing_does_not_touch_what_nobody_touched(gives_back: bool) -> None:
    """Where the system takes pages only as a hint, tens of GiB of zeroes would be written else."""
    heap = sn.Heap(CONFIG, reserve=64 * CHUNK)
    heap.memory.space.gives_back = gives_back
    base = heap.memory.base()
    assert base is not None
    touch(heap, heap.malloc(100))
    heap.close()
    resident = heap.memory.space.resident(base)
    assert resident is not None
    assert resident < CHUNK


# Plain bytes instead of a mapping.


@pytest.fixture
def no_mmap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pysnmalloc.platform.HAVE_MMAP", False)


def work(heap: sn.Heap) -> list[int]:
    """A program of three allocators that meet in every way; return all addresses that they got."""
    rng = random.Random(7)
    allocators = [heap.acquire() for _ in range(3)]
    record, had = LiveRanges(heap.memory.u8, heap.layout.first_chunk, heap.layout.end), list[int]()
    for step in range(1500):
        a = rng.choice(allocators)
        if rng.random() < 0.52 or not len(record):
            size = rng.choice([10, 30, 60, 60, 200, 1000, 2000, 9000])
            had.append(a.malloc(size))
            record.enter(had[-1], size, heap.usable_size(had[-1]))
        else:
            a.free(record.leave(record[rng.randrange(len(record))].start).start)
        if step % 100 == 0:
            a.post()
            heap.check()
    statistics = heap.statistics()
    assert statistics.received > 100
    heap.check()
    return had


@pytest.mark.usefixtures("no_mmap")
@every_strategy
def test_plain_bytes(decommit: sn.Decommit) -> None:
    with sn.Heap(sn.CLASSROOM, reserve=1 << 22, decommit=decommit) as heap:
        assert heap.memory.space.kind == "bytes"
        assert not heap.memory.space.gives_back
        assert heap.statistics().resident is None
        work(heap)
        p = heap.malloc(4 * sn.CLASSROOM.chunk_size)
        touch(heap, p)
        heap.free(p)
        assert not any(heap.memory.u8[p + sn.CLASSROOM.page_size : p + 4 * sn.CLASSROOM.chunk_size])
        heap.check()


@pytest.mark.usefixtures("no_mmap")
def test_plain_bytes_by_default() -> None:
    with sn.Heap() as heap:
        assert heap.statistics().reserved == (256 << 20) + 2 * sn.PAPER.chunk_size
        p = heap.malloc(1 << 20)
        heap.free(p)
        heap.check()


@pytest.mark.parametrize("scarce", ["no mmap", "32 bits"])
def test_a_small_heap_takes_little_where_space_is_scarce(monkeypatch: pytest.MonkeyPatch, scarce: str) -> None:
    """In a browser each notebook has a memory of its own, and each heap in it is zeroed when it is made."""
    if scarce == "no mmap":
        monkeypatch.setattr("pysnmalloc.platform.HAVE_MMAP", False)
    else:
        monkeypatch.setattr(sys, "maxsize", (1 << 31) - 1)
    with sn.Heap(sn.CLASSROOM) as heap:
        assert 8 << 20 <= heap.statistics().reserved < 9 << 20
        work(heap)


class Space(bytearray):
    """Bytes that can be watched."""


@pytest.mark.usefixtures("no_mmap")
def test_plain_bytes_that_the_system_refuses() -> None:
    with pytest.raises(sn.HeapExhausted):
        sn.Heap(sn.CLASSROOM, reserve=1 << 60)


# Without ctypes, and without anything that must be installed.


def test_without_ctypes_the_fast_path_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        usual = work(heap)
    monkeypatch.setattr("pysnmalloc.hotpath.allocator.c_uint64", None)
    with sn.Heap(sn.CLASSROOM) as heap:
        assert work(heap) == usual


REFUSE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if refused(name.partition(".")[0]):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuse())
sys.path[:] = [each for each in sys.path if "site-packages" not in each] + [root]
"""
NOT_STANDARD = "def refused(name): return name not in sys.stdlib_module_names and name != 'pysnmalloc'"
CTYPES = "def refused(name): return name in ('ctypes', '_ctypes')"
PROGRAM = """
import pysnmalloc as sn
for name in ("ctypes", "rich"):
    try:
        __import__(name)
    except ImportError:
        print(name, "is not there")
with sn.Heap(sn.CLASSROOM) as heap:
    a, b = heap.acquire(), heap.acquire()
    objects = [a.malloc(48) for _ in range(100)]
    for p in objects:
        b.free(p)
    b.post()
    again = [a.malloc(48) for _ in range(100)]
    heap.check()
    print(type(a).__name__, len(set(objects) & set(again)), heap.statistics().resident is None)
"""


def run(refused: str) -> list[str]:
    """Run the program in a Python of its own that has no site-packages and refuses some modules."""
    source = f"root = {str(PACKAGE.parent)!r}\n{refused}\n{REFUSE}\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_only_the_standard_library_is_imported() -> None:
    assert run(NOT_STANDARD)[-2:] == ["rich is not there", f"FastAllocator 99 {not LINUX}"]


def test_without_ctypes() -> None:
    """A message is still seen, by a view in the place of a C integer; what is resident cannot be told."""
    assert run(CTYPES) == ["ctypes is not there", "rich is not there", "FastAllocator 99 True"]


@pytest.mark.usefixtures("no_mmap")
def test_heaps_that_nobody_holds_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the system has room for two heaps."""
    made: list[weakref.ref[Space]] = []

    def asked(size: int) -> Space:
        if sum(each() is not None for each in made) == 2:
            raise MemoryError
        space = Space(size)
        made.append(weakref.ref(space))
        return space

    monkeypatch.setattr("pysnmalloc.platform._asked", asked)
    gc.disable()
    try:
        for _ in range(6):
            heap = sn.Heap(sn.CLASSROOM, reserve=1 << 20)
            heap.free(heap.malloc(100))
        other = sn.Heap(sn.CLASSROOM, reserve=1 << 20)
        with pytest.raises(sn.HeapExhausted):
            sn.Heap(sn.CLASSROOM, reserve=1 << 20)
        heap.close()
        other.close()
    finally:
        gc.enable()
