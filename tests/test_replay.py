"""Replaying: what is called, what is verified, what is counted, and who waits for whom."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.replay import (
    AddressError,
    CallError,
    ContentsError,
    Demand,
    HomeError,
    Kind,
    Order,
    ReplayError,
    Trace,
    engine,
    loop,
    parse_trace,
    read_shipped,
    read_trace,
    replay,
)
from pysnmalloc.replay.chunkmap import draw
from pysnmalloc.replay.contents import Contents
from pysnmalloc.replay.threads import plan

DATA = Path(__file__).parent / "data"
BOTH_ORDERS = pytest.mark.parametrize("threads", ["recorded", "real"])

SMALL = """\
# threads 2
m 0 100 0
c 1 24 1
m 0 3000 2
f 1 0
m 1 40000 3
f 0 1
m 0 0 4
f 0 3
"""

REP = "0\n2\n6\n1\na 0 100\nr 0 5000\na 1 10\nr 0 20\nr 0 100000\nf 1\n"


def parse(text: str) -> Trace:
    return parse_trace(text.encode(), "small.trace")


def redis_slice(every: int) -> Trace:
    """The calls of the Redis trace on every so manieth object."""
    packed = (files("pysnmalloc") / "data" / "redis-lazyfree.trace.gz").read_bytes()
    header, *lines = gzip.decompress(packed).decode().splitlines()
    kept = [line for line in lines if int(line.rsplit(" ", 1)[1]) % every == 0]
    return parse("\n".join([header, *kept]))


# What is called.


@BOTH_ORDERS
@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("config", [sn.PAPER, sn.CLASSROOM], ids=["paper", "classroom"])
def test_small_trace(threads: Order, verify: bool, config: sn.Config) -> None:
    result = replay(parse(SMALL), config=config, threads=threads, verify=verify)
    assert result.calls == {Kind.MALLOC: 4, Kind.CALLOC: 1, Kind.ALIGNED: 0, Kind.REALLOC: 0, Kind.FREE: 3}
    assert result.total_calls == 8
    assert (result.messages.remote_frees, result.left_live, result.left_live_bytes) == (3, 2, 3000)
    assert result.home.live == 2
    assert result.peaks.requested == 3000 + 40000 + 24
    assert result.seconds > 0
    assert len(result.statistics.allocators) == 2


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("checked", [True, False])
def test_reallocations(verify: bool, checked: bool) -> None:
    result = replay(parse(REP), verify=verify, checked=checked)
    assert result.calls[Kind.REALLOC] == 3
    assert (result.left_live, result.left_live_bytes, result.home.live) == (1, 100_000, 1)
    assert result.peaks.requested == 100_010
    assert result.checked is checked


@pytest.mark.parametrize("verify", [True, False])
def test_aligned_allocations(verify: bool) -> None:
    text = "--1-- memalign(al 4096, size 10) = 0x40\n--1-- memalign(al 64, size 100) = 0x50\n--1-- free(0x40)\n"
    result = replay(parse(text), verify=verify)
    assert result.calls[Kind.ALIGNED] == 2
    assert [use.size for use in result.classes] == [128, 4096]


def test_checked_mode_takes_real_threads() -> None:
    result = replay(parse(SMALL), config=sn.CLASSROOM, threads="real", checked=True)
    assert result.home.live == 2


def test_empty_trace() -> None:
    result = replay(parse("# threads 2\n"))
    assert (result.total_calls, result.fragmentation, result.messages.hops_per_message) == (0, None, None)


def test_recorded_order_is_deterministic_whether_verified_or_not() -> None:
    trace = read_shipped("pbzip2")
    verified, tight = replay(trace), replay(trace, verify=False)
    assert verified.messages == tight.messages
    assert verified.chunks == tight.chunks
    assert verified.statistics.sizeclasses == tight.statistics.sizeclasses


@BOTH_ORDERS
def test_progress_is_reported_up_to_the_end(threads: Order) -> None:
    reports: list[tuple[int, int]] = []
    replay(read_shipped("pbzip2"), threads=threads, verify=False, progress=lambda *now: reports.append(now))
    made = [made for made, _ in reports]
    assert made == sorted(made)
    assert reports[-1] == (806, 806)
    if threads == "recorded":  # real threads may be through before the first report
        assert made == [*range(64, 806, 64), 806]


def test_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="“recorded” order or “real” threads"):
        replay(parse(SMALL), threads="random")  # type: ignore[arg-type]


def test_configuration_without_enough_allocators_is_refused() -> None:
    with pytest.raises(sn.ConfigError, match=r"needs an allocator with number 64.*1 to 63"):
        replay(parse("# threads 64\nm 63 1 0\n"), config=sn.CLASSROOM)


def test_the_tight_loop_calls_what_the_trace_calls_and_nothing_else() -> None:
    trace = read_shipped("git-log")
    allocated: list[int] = []
    freed: list[int] = []

    def malloc(size: int) -> int:
        allocated.append(size)
        return len(allocated)

    addresses = loop.address_table(trace.objects)
    loop.run(loop.compact(trace.ops, (0,)), [malloc] * 3, [freed.append], addresses)
    assert allocated == [op.size for op in trace.ops if op.kind is not Kind.FREE]
    assert len(freed) == 15_509
    assert list(addresses) == list(range(1, trace.objects + 1))
    assert freed == [addresses[op.object] for op in trace.ops if op.kind is Kind.FREE]


def test_the_library_needs_the_standard_library_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import pysnmalloc, pysnmalloc.replay, pysnmalloc.doctor;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(name for name in new - {'pysnmalloc'} if name not in sys.stdlib_module_names))"
    )
    root = Path(sn.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Shipped traces, with the numbers that their recording had.


@BOTH_ORDERS
def test_pbzip2(threads: Order) -> None:
    result = replay(read_shipped("pbzip2"), threads=threads)
    messages = result.messages
    assert (result.total_calls, result.calls[Kind.FREE], messages.remote_frees) == (806, 400, 165)
    assert messages.sent == 165  # none of its objects is large
    assert messages.received + messages.in_flight == messages.sent
    assert messages.forwarded == 0  # six allocators fall in six buckets
    assert (result.home.live, result.left_live) == (6, 6)
    assert result.home.in_flight <= 6


def test_redis_with_the_tight_loop() -> None:
    result = replay(read_shipped(), verify=False)
    messages = result.messages
    assert (result.total_calls, result.calls[Kind.FREE], messages.remote_frees) == (177_718, 81_138, 27_180)
    assert messages.sent == 27_180
    assert messages.atomics.exchanges == messages.batches
    assert messages.hops_per_message == 1.0
    assert result.home.live == result.left_live == 15_442
    assert result.home.in_flight <= 1
    assert result.peaks.requested <= result.peaks.rounded <= result.peaks.committed


def test_a_slice_of_redis_with_real_threads() -> None:
    trace = redis_slice(7)
    remote = Demand.of(trace, sn.PAPER).remote_frees
    result = replay(trace, threads="real", remote_cache=8192)
    assert remote > 3000
    assert result.messages.sent == remote
    assert result.home.live == result.left_live > 2000
    assert result.home.in_flight <= 1


def test_without_a_remote_cache_every_message_is_a_list_of_its_own() -> None:
    messages = replay(read_shipped("pbzip2"), remote_cache=0, verify=False).messages
    assert messages.batches == messages.sent == 165
    assert messages.messages_per_batch == 1.0
    assert messages.cached == 0
    per_free = messages.per_remote_free()
    assert per_free is not None
    assert per_free["exchanges"] == 1.0


# Reference traces.


@pytest.mark.parametrize("name", ["16mib-one-small", "1mib-one-medium"])
def test_reference_trace_returns_the_recorded_addresses(name: str) -> None:
    trace = read_trace(DATA / f"{name}.trace.gz")
    result = replay(trace, verify=False)
    assert result.addresses_compared == trace.objects
    assert result.config == ("paper" if name.startswith("16mib") else "paper-1mib")
    assert {a.number for a in result.statistics.allocators} == set(trace.allocator_numbers)


def test_addresses_are_not_compared_with_real_threads_and_the_result_says_so() -> None:
    result = replay(read_trace(DATA / "16mib-one-small.trace.gz"), threads="real", verify=False)
    assert result.addresses_compared == 0
    assert "not compared" in result.notes[0]
    assert result.home.live == 500


def test_another_address_than_the_recorded_one_is_an_error() -> None:
    trace = read_trace(DATA / "16mib-one-small.trace.gz")
    places = list(trace.places)
    moved = places[5]
    places[5] = moved._replace(offset=moved.offset + 16)
    with pytest.raises(AddressError) as caught:
        replay(replace(trace, places=tuple(places)), verify=False)
    error = caught.value
    line = next(op.line for op in trace.ops if op.object == 5)
    assert (error.line, error.object) == (line, 5)
    assert f"{moved.offset + 16:#x} as recorded, but is at" in str(error)
    assert error.found.endswith(f"{moved.offset:#x}")


# A heap that does wrong.


def break_heap(monkeypatch: pytest.MonkeyPatch, damage: Callable[[sn.Heap, sn.Allocator], None]) -> None:
    """Let every heap of the engine damage each allocator that it hands out."""

    class Broken(sn.Heap):
        def acquire(self, number: int | None = None) -> sn.Allocator:
            allocator = super().acquire(number)
            damage(self, allocator)
            return allocator

    monkeypatch.setattr(engine, "Heap", Broken)


@BOTH_ORDERS
def test_overlapping_objects_are_found(monkeypatch: pytest.MonkeyPatch, threads: Order) -> None:
    def damage(_: sn.Heap, allocator: sn.Allocator) -> None:
        real = allocator.malloc
        given: list[int] = []

        def malloc(size: int) -> int:
            given.append(given[-1] + 32 if given else real(size))
            return given[-1]

        allocator.malloc = malloc

    break_heap(monkeypatch, damage)
    with pytest.raises(ContentsError) as caught:
        replay(parse("# threads 1\nm 0 64 0\nm 0 64 1\nf 0 0\n"), threads=threads)
    error = caught.value
    assert (error.trace, error.line, error.object, error.offset) == ("small.trace", 4, 0, 32)
    assert error.expected != error.found
    assert str(error).startswith("small.trace, line 4: object 0: byte 32 is 0x")
    assert "before its free" in str(error)


def test_an_object_damaged_while_it_stays_live_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(heap: sn.Heap, allocator: sn.Allocator) -> None:
        free = allocator.free
        # A free that writes behind the object, where the next one lies.
        allocator.free = lambda p: (free(p), heap.memory.u8.__setitem__(p + 64 + 7, 0xAA))[0]

    break_heap(monkeypatch, damage)
    with pytest.raises(ContentsError, match=r"object 1: byte 7 is 0xaa, not 0x.., at the end of the trace"):
        replay(parse("# threads 1\nm 0 64 0\nm 0 64 1\nf 0 0\n"))


def test_memory_of_calloc_that_is_not_zero_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(heap: sn.Heap, allocator: sn.Allocator) -> None:
        def calloc(count: int, size: int) -> int:
            address = allocator.malloc(count * size)
            heap.memory.u8[address + 70_000] = 3
            return address

        allocator.calloc = calloc  # type: ignore[method-assign]

    break_heap(monkeypatch, damage)
    with pytest.raises(ContentsError) as caught:
        replay(parse("# threads 1\nc 0 80000 0\n"))
    error = caught.value
    assert (error.line, error.offset, error.expected, error.found) == (2, 70_000, 0, 3)


def test_a_reallocation_that_loses_contents_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(_: sn.Heap, allocator: sn.Allocator) -> None:
        allocator.realloc = lambda address, size: allocator.malloc(size)  # type: ignore[method-assign]  # noqa: ARG005

    break_heap(monkeypatch, damage)
    with pytest.raises(ContentsError, match=r"line 6: object 0: byte \d+ is 0x00.* after its realloc"):
        replay(parse(REP))


def test_an_address_that_is_not_aligned_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(_: sn.Heap, allocator: sn.Allocator) -> None:
        malloc = allocator.malloc
        allocator.malloc = lambda size: malloc(size) + 8

    break_heap(monkeypatch, damage)
    with pytest.raises(AddressError, match="line 2: object 0 should be at a multiple of 16, but is at 0x"):
        replay(parse(SMALL))


@BOTH_ORDERS
def test_objects_that_do_not_come_home_are_found(monkeypatch: pytest.MonkeyPatch, threads: Order) -> None:
    def damage(_: sn.Heap, allocator: sn.Allocator) -> None:
        allocator.free = lambda _: None

    break_heap(monkeypatch, damage)
    with pytest.raises(HomeError, match="leaves 2 objects live, but the heap counts 5"):
        replay(parse(SMALL), threads=threads)


@BOTH_ORDERS
@pytest.mark.parametrize("verify", [True, False])
def test_exhaustion_names_the_call(threads: Order, verify: bool) -> None:
    lines = "".join(f"m 0 3000 {thing}\n" for thing in range(1000))
    with pytest.raises(CallError) as caught:
        replay(parse(f"# threads 1\n{lines}"), config=sn.CLASSROOM, reserve=1 << 20, threads=threads, verify=verify)
    error = caught.value
    assert isinstance(error.__cause__, sn.HeapExhausted)
    assert 2 < error.line < 1001
    assert f"line {error.line}: malloc(3000) by thread 0 failed: out of address space" in str(error)


def test_any_exception_of_a_broken_heap_names_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(_: sn.Heap, allocator: sn.Allocator) -> None:
        allocator.free = lambda p: [][p]

    break_heap(monkeypatch, damage)
    with pytest.raises(CallError, match=r"line 5: free\(object 0\) by thread 1 failed: IndexError"):
        replay(parse(SMALL), verify=False)


# Real threads.


def test_a_failing_thread_stops_those_that_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(_: sn.Heap, allocator: sn.Allocator) -> None:
        malloc = allocator.malloc

        def fail(size: int) -> int:
            if size == 666:
                raise RuntimeError("on purpose")
            return malloc(size)

        allocator.malloc = fail

    break_heap(monkeypatch, damage)
    # Thread 1 waits for object 0, thread 2 for what thread 1 allocates after that.
    text = "# threads 3\nm 2 8 9\nm 0 666 0\nf 1 0\nm 1 8 1\nf 2 1\nf 2 9\n"
    with pytest.raises(ReplayError, match=r"line 3: .*on purpose"):
        replay(parse(text), threads="real")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("replay")]


def test_an_interrupt_stops_all_threads() -> None:
    class Interrupt(BaseException):
        pass

    def progress(*_: int) -> None:
        raise Interrupt

    with pytest.raises(Interrupt):
        replay(read_shipped("pbzip2"), threads="real", progress=progress)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("replay")]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["pbzip2", "redis"])
def test_waiting_as_planned_keeps_the_order_of_calls_on_each_object(name: str, seed: int) -> None:
    """Run the plan with an unfair scheduler: only what a segment waits for is waited for."""
    trace = read_shipped("pbzip2") if name == "pbzip2" else redis_slice(50)
    calls, segments = plan(trace, longest=100)
    before: dict[int, int] = {}  # by line of a call, the line of the one before on the same object
    last: dict[int, int] = {}
    for op in trace.ops:
        if op.object in last:
            before[op.line] = last[op.object]
        last[op.object] = op.line
    chooser = random.Random(seed)
    favour = [chooser.random() for _ in calls]
    reached, done, next_segment = [0] * trace.threads, set[int](), [0] * trace.threads
    while len(done) < len(trace.ops):
        ready = [
            thread
            for thread, index in enumerate(next_segment)
            if index < len(segments[thread])
            and all(reached[wait.thread] >= wait.position for wait in segments[thread][index].waits)
        ]
        thread = max(ready, key=lambda thread: favour[thread])  # fails when nobody can go on
        segment = segments[thread][next_segment[thread]]
        for op in calls[thread][segment.start : segment.end]:
            assert op.line not in before or before[op.line] in done
            done.add(op.line)
        if segment.awaited:
            reached[thread] = segment.end
        next_segment[thread] += 1


def test_a_wait_that_a_former_one_covers_is_left_out() -> None:
    trace = parse("# threads 2\nm 0 1 0\nm 0 1 1\nm 0 1 2\nf 1 1\nf 1 0\nf 1 2\n")
    _, segments = plan(trace, longest=100)
    waits = [wait.position for segment in segments[1] for wait in segment.waits]
    assert waits == [2, 3]
    assert [(segment.start, segment.end) for segment in segments[0]] == [(0, 2), (2, 3)]


# Numbers.


def test_demand() -> None:
    demand = Demand.of(parse("# threads 1\nm 0 100 0\nm 0 17 1\nf 0 0\nm 0 1 2\nm 0 20000000 3\nf 0 3\n"), sn.PAPER)
    assert (demand.requested_peak, demand.rounded_peak) == (20_000_018, (1 << 25) + 48)
    assert [(use.sizeclass, use.size, use.objects, use.requested, use.rounded) for use in demand.classes] == [
        (0, 16, 1, 1, 16),
        (1, 32, 1, 17, 32),
        (6, 112, 1, 100, 112),
        (None, 1 << 25, 1, 20_000_000, 1 << 25),
    ]
    assert demand.left_live == {1: 17, 2: 1}


@pytest.mark.parametrize(("size", "alignment"), [(0, 0), (1, 0), (17, 64), (100, 4096), (70_000, 0), (5 << 20, 0)])
@pytest.mark.parametrize("config", [sn.PAPER, sn.PAPER_1MIB, sn.CLASSROOM], ids=lambda config: config.name)
def test_rounded_sizes_are_those_of_the_allocator(config: sn.Config, size: int, alignment: int) -> None:
    text = f"--1-- memalign(al {alignment}, size {size}) = 0x40\n" if alignment else f"# threads 1\nm 0 {size} 0\n"
    (use,) = Demand.of(parse(text), config).classes
    with sn.Heap(config) as heap:
        allocator = heap.acquire()
        address = allocator.aligned_alloc(alignment, size) if alignment else allocator.malloc(size)
        assert allocator.usable_size(address) == use.size


def test_the_result_is_data_for_json() -> None:
    result = replay(read_shipped("pbzip2"), verify=False)
    data = json.loads(json.dumps(result.as_dict()))
    assert data["calls"] == {"malloc": 399, "calloc": 7, "aligned": 0, "realloc": 0, "free": 400}
    assert data["messages"]["remote_frees"] == 165
    assert data["messages"]["atomics_per_remote_free"]["exchanges"] == result.messages.atomics.exchanges / 165
    assert data["chunks"][0]["address"] == result.chunks[0].address
    assert data["fragmentation"] == pytest.approx(1 - 405.1 / 417.4, abs=0.001)


def test_contents_of_large_objects_differ_by_object_and_are_compared_whole() -> None:
    memory = memoryview(bytearray(1 << 20))
    contents = Contents(memory)
    contents.fill(7, 16, 300_000)
    assert contents.verify(7, 16, 300_000) is None
    assert contents.verify(8, 16, 300_000) is not None
    assert memory[300_016] == 0
    memory[16 + 299_999] ^= 0xFF
    difference = contents.verify(7, 16, 300_000)
    assert difference is not None
    offset, expected, found = difference
    assert (offset, expected) == (299_999, found ^ 0xFF)
    assert contents.verify(7, 16, 299_999) is None
    assert contents.verify_zero(300_016, 100_000) is None


# The chunk map.


def chunk(index: int, kind: str, owner: int = 0, used: int = 0, capacity: int = 0) -> sn.ChunkEntry:
    return sn.ChunkEntry(index << 13, kind, owner, used, capacity, None)


def test_a_small_map_shows_kind_fill_and_owner() -> None:
    chunks = [
        chunk(1, "superslab", 5, 8, 8),
        chunk(2, "superslab", 9, 3, 8),
        chunk(3, "medium", 5, 0, 7),
        chunk(4, "large"),
        chunk(5, "jump"),
        chunk(6, "free"),
    ]
    drawn = draw(chunks, [5, 9])
    assert [cell.text for cell in drawn.rows[0].cells] == ["S#a", "S3b", "M0a", "L--", "---", ".  "]
    assert drawn.owners == {5: "a", 9: "b"}
    assert drawn.rows[0].address == 1 << 13
    assert "S superslab" in drawn.legend
    assert "* several kinds" not in drawn.legend


def test_a_large_map_is_folded_onto_one_screen() -> None:
    chunks = [chunk(index, "free") for index in range(5000)]
    chunks[0] = chunk(0, "superslab", 1, 1, 8)
    drawn = draw(chunks, [1])
    assert drawn.folded == 8
    assert len(drawn.rows) <= 16
    assert sum(len(row.cells) for row in drawn.rows) == 625
    assert [cell.text for cell in drawn.rows[0].cells[:2]] == ["*", "."]
    assert drawn.rows[1].address == 64 * 8 << 13
