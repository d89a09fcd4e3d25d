"""The fast path does the same to the same bytes as the plain code of the concepts.

Two heaps, one of each kind, are given the same calls. Addresses, errors and message
counts must agree after every call, and all bytes of the heaps after every so many.
The plain heap is judged by other tests: by model, by the real snmalloc's traces.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import CellType, FunctionType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysnmalloc as sn
from pysnmalloc import Allocator
from pysnmalloc.hotpath import closures
from pysnmalloc.inspection.statistics import allocator_statistics
from pysnmalloc.interruption import here
from pysnmalloc.memory import BUMP
from tests.patterns import pattern, together

Outcome = int | tuple[str, str] | None
CONTENTS = 64  # bytes that are written into an object: its link, list node and message overwrite them


def outcome(call: Callable[[], int | None]) -> Outcome:
    """What a call returned, or the error that it raised."""
    try:
        return call()
    except (sn.SnmallocError, ValueError) as error:
        return type(error).__name__, str(error)


class Twins:
    """A fast and a plain heap, driven side by side."""

    def __init__(self, config: sn.Config, numbers: list[int], reserve: int | None = None) -> None:
        self.heaps = sn.Heap(config, fast=True, reserve=reserve), sn.Heap(config, fast=False, reserve=reserve)
        self.allocators = [[heap.acquire(number) for heap in self.heaps] for number in numbers]
        self.live: list[int] = []
        self.tag = 0
        assert type(self.allocators[0][0]) is not type(self.allocators[0][1]) is Allocator

    def __enter__(self) -> Twins:
        return self

    def __exit__(self, *_: object) -> None:
        for heap in self.heaps:
            heap.close()

    def call(self, who: int, call: Callable[[Allocator], int | None]) -> Outcome:
        """Make a call on both sides; the answers agree, and so do the counts of messages."""
        pair = self.allocators[who % len(self.allocators)]
        fast, plain = (outcome(lambda one=one: call(one)) for one in pair)  # type: ignore[misc]
        assert fast == plain
        one, other = map(allocator_statistics, pair)
        assert one == other
        one_counts, other_counts = (allocator.messages for allocator in pair)
        assert (one_counts.departed, one_counts.arrived) == (other_counts.departed, other_counts.arrived)
        return plain

    def malloc(self, who: int, size: int) -> Outcome:
        """Allocate, and write into the object: the same bytes, sometimes such as lists have."""
        address = self.call(who, lambda allocator: allocator.malloc(size))
        if isinstance(address, int):
            self.adopt(address, size)
        return address

    def adopt(self, address: int, size: int) -> None:
        self.tag += 1
        contents = (b"\xff" * 16 if self.tag % 3 == 0 else b"") + pattern(self.tag, CONTENTS)
        length = min(size, CONTENTS)
        for heap in self.heaps:
            heap.memory.u8[address : address + length] = contents[:length]
        self.live.append(address)

    def free(self, who: int, which: int) -> None:
        """Free one of the live objects."""
        if self.live:
            self.live[which % len(self.live)], self.live[-1] = self.live[-1], self.live[which % len(self.live)]
            address = self.live.pop()
            self.call(who, lambda allocator: allocator.free(address))

    def again(self, who: int) -> None:
        """Give an allocator back and take it up: the fast one makes its tables anew."""
        for heap, allocator in zip(self.heaps, self.allocators[who % len(self.allocators)], strict=True):
            heap.release(allocator)
            assert heap.acquire(allocator.number) is allocator

    def compare(self, slabs: int | None = None) -> None:
        """Compare all bytes; or of each chunk the first slabs, and what is before the chunks."""
        for begin, end in self.ranges(slabs):
            fast, plain = (bytes(heap.memory.u8[begin:end]) for heap in self.heaps)
            if fast != plain:
                at = next(i for i in range(0, end - begin, 8) if fast[i : i + 8] != plain[i : i + 8])
                words = [int.from_bytes(each[at : at + 8], "little") for each in (fast, plain)]
                raise AssertionError(f"the word at {begin + at:#x}: fast {words[0]:#x}, plain {words[1]:#x}")

    def ranges(self, slabs: int | None) -> Iterator[tuple[int, int]]:
        heap, config = self.heaps[0], self.heaps[0].config
        bumps = [each.memory.u64[BUMP >> 3] for each in self.heaps]
        assert bumps[0] == bumps[1]
        if slabs is None:
            yield 0, bumps[0]
            return
        yield 0, 4096
        for allocator, _ in self.allocators:
            yield allocator.address, allocator.address + config.allocator_block
        yield heap.layout.pagemap, heap.layout.pagemap + (bumps[0] >> config.chunk_bits) + 1
        for chunk in range(heap.layout.first_chunk, bumps[0], config.chunk_size):
            yield chunk, chunk + slabs * config.slab_size

    def home(self) -> None:
        """Free everything, let it come home, and check."""
        while self.live:
            self.free(len(self.live), -1)
        while any(not a.queue.is_empty() or a.cache.cached() for pair in self.allocators for a in pair):
            for who in range(len(self.allocators)):
                self.call(who, Allocator.handle_message_queue)
                self.call(who, Allocator.post)


# Random calls.

CONFIGS = {
    "classroom": sn.CLASSROOM,
    "two slabs": sn.CLASSROOM.replace(slab_count_bits=1, remote_cache=0, remote_batch=1),
    "paper-1mib": sn.PAPER_1MIB,
    "paper": sn.PAPER,
}


def size_of(rng: random.Random, config: sn.Config) -> int:
    """A request: mostly such that slabs get full soon, with one object or a few; medium and large ones too."""
    slab, chunk = config.slab_size, config.chunk_size
    kind = rng.random()
    if kind < 0.3:
        return rng.randrange(256)
    if kind < 0.6:
        return rng.randrange(slab // 16, slab // 2)
    if kind < 0.85:
        return rng.randrange(slab // 2, slab + 1)
    if kind < 0.95:
        return rng.randrange(slab + 1, chunk)
    return rng.randrange(chunk, 3 * chunk)


def garbage(rng: random.Random, twins: Twins, who: int) -> None:
    """What is no object: the page map knows, so both refuse it with the same error, and change nothing."""
    heap = twins.heaps[0]
    some = rng.randrange(1, 1 << rng.randrange(1, 70))
    bad: list[Callable[[Allocator], int | None]] = [
        lambda a: a.malloc(-some),
        lambda a: a.free(-some),
        lambda a: a.free(-some << heap.config.slab_bits),
        lambda a: a.free(heap.layout.end + some),
        lambda a: a.free(1 + some % (heap.layout.first_chunk - 1)),
        lambda a: a.free(heap.memory.u64[BUMP >> 3] + some % heap.config.chunk_size),
        lambda a: a.realloc(-some, 10),
        lambda a: a.aligned_alloc(3, some),
    ]
    assert isinstance(twins.call(who, rng.choice(bad)), tuple)


def step(rng: random.Random, twins: Twins, who: int, kind: str) -> None:
    """One random call."""
    config = twins.heaps[0].config
    if kind == "malloc":
        twins.malloc(who, size_of(rng, config))
    elif kind == "free":
        twins.free(who, rng.randrange(1 << 20))
    elif kind == "calloc":
        size = size_of(rng, config) // 2
        address = twins.call(who, lambda a: a.calloc(2, size))
        assert isinstance(address, int)
        twins.adopt(address, 2 * size)
    elif kind == "realloc" and twins.live:
        address, size = twins.live.pop(), size_of(rng, config) + 1
        moved = twins.call(who, lambda a: a.realloc(address, size))
        assert isinstance(moved, int)
        twins.live.append(moved)
    elif kind == "post":
        twins.call(who, Allocator.post)
    elif kind == "again":
        twins.again(who)
    elif kind == "garbage":
        garbage(rng, twins, who)


KINDS = ["malloc", "free", "calloc", "realloc", "post", "again", "garbage"]


@pytest.fixture(params=["ctypes", "no ctypes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two ways to look at the inbox; which is used otherwise depends on the interpreter."""
    if request.param == "no ctypes":
        monkeypatch.setattr("pysnmalloc.hotpath.allocator.c_uint64", None)
    else:
        pytest.importorskip("ctypes")
    return str(request.param)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.usefixtures("way")
def test_long_random_runs_write_the_same_bytes(name: str) -> None:
    """Phases that mostly allocate and phases that mostly free: slabs get full, empty, and are given back."""
    config, rng = CONFIGS[name], random.Random(name)
    small = config.chunk_size <= 1 << 16
    last = (1 << config.number_bits) - 1
    numbers = [1, 2, 5, 5 + config.buckets, last]
    reserve = (1 << config.allocator_bits + config.number_bits) + (2000 if small else 500) * config.chunk_size
    calls, slabs = (2500, None) if small else (900, 3)
    with Twins(config, numbers, reserve) as twins:
        for frees in (30, 120, 30, 120):
            for kind in rng.choices(KINDS, (60, frees, 3, 5, 3, 1, 5), k=calls):
                step(rng, twins, rng.randrange(5), kind)
            twins.compare(slabs)
            twins.heaps[0].check()
        twins.home()
        twins.compare(slabs)
        twins.heaps[0].check()


SHORT = st.tuples(
    st.sampled_from(["malloc", "malloc", "free", "free", "post", "again"]),
    st.integers(0, 2),
    st.sampled_from([1, 200, 400, 512, 600, 1024, 3000, 8192]),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([0, 600, 1 << 20]), st.sampled_from([1, 2, 64]), st.lists(SHORT, max_size=60))
def test_short_random_runs_write_the_same_bytes(limit: int, most: int, calls: list[tuple[str, int, int]]) -> None:
    config = sn.CLASSROOM.replace(remote_cache=limit, remote_batch=most, number_bits=4)
    with Twins(config, [1, 5, 9], reserve=1 << 20) as twins:
        for kind, who, size in calls:
            if kind == "malloc":
                twins.malloc(who, size)
            elif kind == "free":
                twins.free(who, size % 7)
            else:
                step(random.Random(0), twins, who, kind)
            twins.compare()
        twins.home()
        twins.compare()


def closures_of(allocator: Allocator) -> list[FunctionType]:
    """The functions of an allocator's hot path, and those that they reach."""
    found = [allocator.malloc, allocator.free]
    for function in found:
        assert isinstance(function, FunctionType)
        inner = [cell.cell_contents for cell in function.__closure__ or ()]
        found += [each for each in inner if isinstance(each, FunctionType) and each not in found]
    return [each for each in found if isinstance(each, FunctionType)]


def test_every_allocator_runs_the_same_code() -> None:
    """Whatever the configuration: plain closures, which a debugger can step through."""
    with sn.Heap(sn.CLASSROOM) as small, sn.Heap(sn.PAPER) as paper:
        mine, yours, theirs = map(closures_of, (small.acquire(), small.acquire(), paper.acquire()))
        assert {"malloc", "free", "receive", "take_last"} <= {each.__name__ for each in mine}
        code = [each.__code__ for each in mine]
        assert [each.__code__ for each in yours] == [each.__code__ for each in theirs] == code
        assert {each.co_filename for each in code} == {closures.__file__}


def test_allocators_share_no_object_that_counts_its_references() -> None:
    """Two threads that share one contend for the count on free-threaded Python; small numbers have none there."""
    with sn.Heap(sn.PAPER) as heap:
        mine, yours = (
            {
                id(cell.cell_contents): cell.cell_contents
                for each in closures_of(heap.acquire())
                for cell in variables(each)
            }
            for _ in range(2)
        )
        shared = [mine[key] for key in mine.keys() & yours.keys()]
        of_all, of_this_thread = heap._shared.lock, here()
        assert [each for each in shared if not is_small(each) and each not in (of_all, of_this_thread)] == []
        for function in closures_of(heap.acquire()):
            assert all(is_small(each) for each in function.__code__.co_consts if isinstance(each, int))


def variables(function: FunctionType) -> tuple[CellType, ...]:
    """The cells of a closure's variables."""
    return function.__closure__ or ()


def is_small(value: object) -> bool:
    """Tell whether CPython keeps a value as one immortal object."""
    return isinstance(value, int) and -5 <= value <= 256


def test_random_sizes_hardly_leave_the_hot_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though half of the calls fill a slab or open a full one; with tables that lag behind, plain code would serve."""
    calls = [0]

    def counted(plain: Callable[[Allocator, int], int | None]) -> Callable[[Allocator, int], int | None]:
        def call(allocator: Allocator, argument: int) -> int | None:
            calls[0] += 1
            return plain(allocator, argument)

        return call

    monkeypatch.setattr(Allocator, "_malloc", counted(Allocator._malloc))
    monkeypatch.setattr(Allocator, "_free", counted(Allocator._free))
    rng = random.Random(1)
    with sn.Heap(sn.PAPER) as heap:
        allocator = heap.acquire()
        live = [allocator.malloc(rng.randint(16, 1024)) for _ in range(1000)]
        calls[0] = 0
        for _ in range(2000):
            place = rng.randrange(len(live))
            allocator.free(live[place])
            live[place] = allocator.malloc(rng.randint(16, 1024))
    assert calls[0] < 40


# A chunk that comes and goes with one object.


def lone_sizes(config: sn.Config) -> tuple[int, ...]:
    """Requests of a lone object: in the short slab and in a full-length one, medium, large."""
    return 0, 64, 200, config.superslab_header, config.slab_size, config.slab_size + 1, config.chunk_size // 3


@pytest.mark.parametrize("name", CONFIGS)
def test_a_lone_object_comes_and_goes_whatever_happens_between(name: str) -> None:
    config, rng = CONFIGS[name], random.Random(name)
    with Twins(config, [1, 2]) as twins:
        for _ in range(120):
            who, size = rng.randrange(2), rng.choice(lone_sizes(config))
            for _ in range(rng.randrange(1, 5)):
                address = twins.malloc(who, size)
                assert isinstance(address, int)
                if rng.random() < 0.2:  # it is not alone: its slab, its superslab or the stack of chunks changes
                    twins.malloc(rng.randrange(2), rng.choice((size, *lone_sizes(config), config.chunk_size)))
                while twins.live and (len(twins.live) > 3 or rng.random() < 0.9):
                    twins.free(who if rng.random() < 0.9 else 1 - who, rng.randrange(1 << 20))
                if rng.random() < 0.1:
                    twins.again(who)
            twins.compare(None if config.chunk_size <= 1 << 13 else 1)
            assert twins.heaps[0].committed == twins.heaps[1].committed
        twins.home()
        for heap in twins.heaps:
            heap.check()


@pytest.mark.parametrize(
    ("config", "size"), [(sn.PAPER, 64), (sn.PAPER, 1000), (sn.CLASSROOM, 64), (sn.CLASSROOM, 3000)]
)
def test_a_lone_object_does_not_leave_the_hot_path(
    config: sn.Config, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sn.Heap(config) as heap:
        allocator = heap.acquire()
        for _ in range(3):
            allocator.free(allocator.malloc(size))
        monkeypatch.setattr(Allocator, "_malloc", None)
        monkeypatch.setattr(Allocator, "_free", None)
        for _ in range(10):
            allocator.free(allocator.malloc(size))  # the plain code, which is gone, is not needed


def test_a_lone_object_that_got_company_in_its_superslab(twins: Twins) -> None:
    learn(twins, 64)
    address = twins.malloc(0, 64)
    twins.malloc(0, 200)  # in another slab of the same superslab
    twins.call(0, lambda a: a.free(as_int(address)))
    twins.compare()
    twins.live.remove(as_int(address))
    twins.home()


def test_a_lone_superslab_stays_away_while_another_has_space(twins: Twins) -> None:
    config = sn.CLASSROOM
    full = [as_int(twins.malloc(0, config.slab_size)) for _ in range(config.slab_count - 1)]
    short = as_int(twins.malloc(0, 180))  # the first superslab is full
    learn(twins, 64)
    twins.call(0, lambda a: a.free(full[0]))  # now it has space again
    twins.live.remove(full[0])
    again = as_int(twins.malloc(0, 64))
    assert again // config.chunk_size == short // config.chunk_size
    twins.compare()
    twins.home()


def test_a_lone_medium_slab_stays_while_it_has_another_object(twins: Twins) -> None:
    """It has space for more, so it is still first of its list and alone there."""
    learn(twins, 1200)
    first, second = as_int(twins.malloc(0, 1200)), as_int(twins.malloc(0, 1200))
    assert first // sn.CLASSROOM.chunk_size == second // sn.CLASSROOM.chunk_size
    twins.call(0, lambda a: a.free(first))
    twins.live.remove(first)
    twins.compare()
    twins.home()
    twins.compare()


def learn(twins: Twins, size: int) -> None:
    """Let an object come and go until the hot path knows the way."""
    for _ in range(4):
        address = as_int(twins.malloc(0, size))
        twins.call(0, lambda a, address=address: a.free(address))  # type: ignore[misc]
        twins.live.remove(address)


def as_int(address: Outcome) -> int:
    assert isinstance(address, int)
    return address


def test_what_a_lone_object_held_reads_as_zero_after_it(twins: Twins) -> None:
    """Pages that were given back, and the words of the list node that the hot path zeroes instead."""
    for _ in range(6):
        address = twins.malloc(0, 700)
        assert isinstance(address, int)
        for heap in twins.heaps:
            heap.view(address)[:] = b"\xee" * len(heap.view(address))
        twins.free(0, 0)
        twins.compare()


# Corners, each by itself.


@pytest.fixture
def twins() -> Iterator[Twins]:
    with Twins(sn.CLASSROOM, [1, 2], reserve=1 << 20) as twins:
        yield twins


def test_no_negative_size_is_an_index(twins: Twins) -> None:
    """Not even where there are free objects that a table indexed from its end would find."""
    for size in (16, 100, 300):
        for _ in range(3):
            twins.malloc(0, size)
        twins.free(0, -2)
    for size in range(-10_000, 0):
        with pytest.raises(ValueError, match="the size must be 0 or more bytes"):
            twins.allocators[0][0].malloc(size)
    twins.compare()


def test_no_negative_address_is_an_index(twins: Twins) -> None:
    """Not of a slab with space, nor of a full one, nor of another's, nor of the last object of one."""
    config = twins.heaps[0].config
    for size in (16, 16, 16, *[128] * 8, 300):
        twins.malloc(0, size)
    for size in (64, 64):
        twins.malloc(1, size)
    twins.free(0, -1)
    assert allocator_statistics(twins.allocators[0][0]).sent == 1
    twins.compare()
    for live in tuple(twins.live):
        for slab in range(1, 3 * (1 << 20 >> config.slab_bits)):
            address = live % config.slab_size - (slab << config.slab_bits)
            with pytest.raises(sn.InvalidPointer):
                twins.allocators[0][0].free(address)
    twins.compare()


def test_a_negative_address_verifies_no_slab_of_another(twins: Twins) -> None:
    """A slab counts as verified while an object of it is on its way. A refused address is none, so the slab may change.

    Here it comes to hold larger objects, whose bytes in the remote cache and whose class must be counted.
    """
    slab_size = sn.CLASSROOM.slab_size
    first, second, elsewhere = (as_int(twins.malloc(1, size)) for size in (64, 64, 400))
    assert first // slab_size == second // slab_size

    def free(who: int, address: int) -> Outcome:
        return twins.call(who, lambda a: a.free(address))

    for address in (first, elsewhere):  # the second message lets the first go home
        free(0, address)
        twins.call(0, Allocator.post)
    for slab in range(1, 3 * (1 << 20) // slab_size):
        assert isinstance(free(0, second % slab_size - slab * slab_size), tuple)
    free(1, second)
    twins.live.clear()
    larger = as_int(twins.malloc(1, 100))
    assert larger // slab_size == first // slab_size
    twins.free(0, 0)
    twins.compare()
    twins.home()
    twins.compare()


def test_a_slab_with_one_object(twins: Twins) -> None:
    """It is full at once, and given back by its first free; by the owner, and by message."""
    for who in (0, 1, 1):
        for _ in range(10):
            twins.malloc(0, 1024)
        while twins.live:
            twins.free(who, 0)
            twins.compare()
    twins.home()
    twins.compare()


def test_full_slabs_come_back_in_the_order_of_their_frees(twins: Twins) -> None:
    """Three full slabs get an object back each; the next objects are those, the newest first."""
    for _ in range(3 * 8):
        twins.malloc(0, 128)
    for address in (twins.live[1], twins.live[12], twins.live[20]):
        twins.free(0, twins.live.index(address))
        twins.compare()
    twins.free(0, 0)
    for _ in range(6):
        twins.malloc(0, 128)
        twins.compare()


def test_a_chunk_that_another_takes_at_once_is_another_s() -> None:
    """1 frees its last object and so gives its chunk back; 2 takes that chunk before 1's call has ended."""
    with sn.Heap(sn.CLASSROOM) as heap:
        one, two = heap.acquire(1), heap.acquire(2)
        first = one.malloc(100)
        taken: list[int] = []
        return_chunk = one.large.return_chunk

        def meanwhile(chunk: int) -> None:
            return_chunk(chunk)
            together(lambda: taken.extend(two.malloc(100) for _ in range(3)))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(one.large, "return_chunk", meanwhile)
            one.free(first)
        assert taken[0] == first
        one.free(taken[0])
        one.free(taken[1])
        assert sum(one.messages.departed) == 2  # they are sent home, not put into a slab of 1's
        heap.check()


@pytest.mark.parametrize("mine", [64, 1000, 3000])
@pytest.mark.parametrize("theirs", [64, 900, 1200, 3000, 8000])
@pytest.mark.parametrize("round", range(4))
def test_a_chunk_that_another_uses_while_its_way_is_learned(mine: int, theirs: int, round: int) -> None:
    """1 gives its chunk back; before that call has ended, 2 takes it for objects of its own and gives it back, too."""
    with sn.Heap(sn.CLASSROOM) as heap:
        one, two = heap.acquire(1), heap.acquire(2)
        rounds = iter(range(9))
        return_chunk = one.large.return_chunk

        def meanwhile(chunk: int) -> None:
            return_chunk(chunk)
            if next(rounds) == round:
                objects = [two.malloc(theirs) for _ in range(3)]
                for address in objects:
                    two.free(address)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(one.large, "return_chunk", meanwhile)
            for _ in range(6):
                address = one.malloc(mine)
                assert heap.usable_size(address) >= mine
                assert heap.object_start(address) == address
                heap.check()
                one.free(address)
                heap.check()


# Messages.

BATCH = 3
CALLS: dict[str, Callable[[Allocator, list[int]], object]] = {
    "malloc of a free object": lambda a, _: a.malloc(16),
    "malloc of bump space": lambda a, _: a.malloc(32),
    "malloc of a new slab": lambda a, _: a.malloc(1000),
    "malloc of a medium object": lambda a, _: a.malloc(2000),
    "malloc of a large object": lambda a, _: a.malloc(9000),
    "malloc of a negative size": lambda a, _: outcome(lambda: a.malloc(-1)),
    "calloc": lambda a, _: a.calloc(4, 4),
    "calloc of a large object": lambda a, _: a.calloc(9, 1000),
    "free of null": lambda a, _: a.free(0),
    "free of an own object": lambda a, own: a.free(own[0]),
    "free of the last of its slab": lambda a, own: a.free(own[1]),
    "free of another's object": lambda a, own: a.free(own[2]),
    "free of what is none": lambda a, _: outcome(lambda: a.free(1 << 60)),
}


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("way")
def test_each_call_receives_one_batch(name: str, fast: bool) -> None:
    """Whatever it is for, and even if it fails: as many messages as there are, and ``remote_batch`` at most."""
    with sn.Heap(sn.CLASSROOM.replace(remote_batch=BATCH), fast=fast) as heap:
        receiver, sender = heap.acquire(), heap.acquire()
        objects = [receiver.malloc(16) for _ in range(30)]
        special = [receiver.malloc(32), receiver.malloc(1024), sender.malloc(48)]
        receiver.malloc(32)
        receiver.free(objects.pop())
        for address in objects[:7]:
            sender.free(address)
        assert receiver.queue.is_empty()
        sender.post()
        waiting = [len(list(receiver.queue.walk()))]
        CALLS[name](receiver, special)
        waiting.append(len(list(receiver.queue.walk())))
        for _ in range(3):
            receiver.free(0)
            waiting.append(len(list(receiver.queue.walk())))
        assert [before - after for before, after in pairwise(waiting)] == [3, 3, 1, 0]
        assert sum(receiver.messages.arrived) == 6
        # The watch is on the new front, again and again.
        for address in objects[7:12]:
            sender.free(address)
            sender.post()
            receiver.malloc(0)
            assert receiver.queue.is_empty()
        assert sum(receiver.messages.arrived) == 11
        heap.check()
