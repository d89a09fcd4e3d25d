"""Checked mode: every misuse is found, named, and leaves the heap whole; and what unchecked mode still refuses.

An error tells the address, the object's owner and size class, where in it, and
the section of the paper. After it nothing is lost or half changed: the heap's
laws hold, live objects have their contents, and it goes on working.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

import pysnmalloc as sn
from pysnmalloc.inspection.checked import CheckedAllocator
from tests.live_ranges import LiveRanges

STRATEGIES = list(sn.Decommit)
KINDS = {
    "small": (50, "size class 3 (64 bytes)"),
    "medium": (2000, "size class 23 (2048 bytes)"),
    "large": (20_000, "a large object"),
}
PLACES = {"small": 1 << 10, "medium": 1 << 13, "large": 1 << 13}  # bytes of a slab, of a chunk
every_strategy = pytest.mark.parametrize("decommit", STRATEGIES, ids=lambda strategy: strategy.value)
every_kind = pytest.mark.parametrize("kind", KINDS)


@contextmanager
def lab(decommit: sn.Decommit = sn.Decommit.SUPERSLAB) -> Iterator[tuple[sn.Heap, sn.Allocator, sn.Allocator]]:
    """A checked heap and two allocators, 1 and 2. What tests leave live does not matter here."""
    heap = sn.Heap(sn.CLASSROOM, checked=True, decommit=decommit)
    with suppress(sn.LeakError), heap:
        yield heap, heap.acquire(), heap.acquire()


@contextmanager
def refused(error: type[Exception], *words: str) -> Iterator[None]:
    """The body raises exactly this error, and its message has all the words."""
    with pytest.raises(error) as caught:
        yield
    assert type(caught.value) is error
    for word in words:
        assert word in str(caught.value)


def goes_on(heap: sn.Heap, *allocators: sn.Allocator) -> None:
    """Check the laws, then work with objects of every kind, freed by themselves and by each other."""
    heap.check()
    record = LiveRanges(heap.memory.u8, 0, heap.memory.space.size)
    for allocator in allocators:
        for size in (1, 50, 50, 50, 1000, 2000, 2000, 9000):
            address = allocator.malloc(size)
            record.enter(address, size, heap.usable_size(address))
    for turn in range(len(record)):
        allocators[turn % len(allocators)].free(record.leave(record[0].start).start)
    for allocator in allocators * 2:
        allocator.post()
        allocator.handle_message_queue()
    heap.check()


# Free of what is no live object.


@every_strategy
@every_kind
def test_double_free(kind: str, decommit: sn.Decommit) -> None:
    asked, sizeclass = KINDS[kind]
    with lab(decommit) as (heap, a, b):
        p, kept = a.malloc(asked), a.malloc(asked)
        heap.view(kept)[:] = b"k" * heap.usable_size(kept)
        a.free(p)
        for allocator in (a, b):
            with refused(
                sn.DoubleFree,
                f"free({p:#x}): this object is already free: {asked} bytes requested, {sizeclass}, owner allocator 1",
                f", offset {p % PLACES[kind]:#x} in its ",
                "§2.8",
            ):
                allocator.free(p)
        assert set(heap.view(kept)) == {ord("k")}
        goes_on(heap, a, b)


@every_strategy
def test_double_free_of_the_last_object_of_its_slab(decommit: sn.Decommit) -> None:
    """The slab, or chunk, went back where it came from; its objects are not known by name any more."""
    with lab(decommit) as (heap, a, b):
        for asked in (50, 2000):
            p = a.malloc(asked)
            a.free(p)
            with pytest.raises(sn.InvalidPointer, match=rf"free\({p:#x}\).*§2\.[48]"):
                a.free(p)
            goes_on(heap, a, b)


@every_kind
def test_double_free_through_the_heap(kind: str) -> None:
    with lab() as (heap, _a, _b):
        p, _kept = heap.malloc(KINDS[kind][0]), heap.malloc(KINDS[kind][0])
        heap.free(p)
        with refused(sn.DoubleFree, f"free({p:#x})", "owner allocator 3"):
            heap.free(p)


@every_strategy
@every_kind
@pytest.mark.parametrize("call", ["free", "realloc", "usable_size"])
def test_inside_pointer(kind: str, decommit: sn.Decommit, call: str) -> None:
    asked, sizeclass = KINDS[kind]
    with lab(decommit) as (heap, a, b):
        p = a.malloc(asked)
        usable = heap.usable_size(p)
        for offset in (1, 16, asked, usable - 1):
            with refused(
                sn.InvalidPointer,
                f"{call}({p + offset:#x}): the address is {offset} bytes inside the object at {p:#x}: {asked} bytes "
                f"requested, {sizeclass}, owner allocator 1",
                "object_start",
                "§2.4",
            ):
                {"free": b.free, "realloc": lambda q: b.realloc(q, 10), "usable_size": b.usable_size}[call](p + offset)
        a.free(p)
        goes_on(heap, a, b)


def test_foreign_pointers() -> None:
    with lab() as (heap, a, b):
        p = a.malloc(50)
        chunk = p & -sn.CLASSROOM.chunk_size
        space = heap.memory.space.size
        for address in (1, 16, a.address, heap.layout.pagemap, chunk + sn.CLASSROOM.chunk_size, space, 1 << 70, -16):
            with refused(
                sn.InvalidPointer, f"free({address:#x})", "page map says 0, not in a chunk of this heap", "§2.4"
            ):
                b.free(address)
        for address in (chunk, p + 64, chunk + 3 * sn.CLASSROOM.slab_size):
            with refused(sn.InvalidPointer, f"free({address:#x})", "page map says 1, in a superslab", "§2.4"):
                b.free(address)
        medium = a.malloc(2000)
        with refused(sn.InvalidPointer, "page map says 2, in a medium slab", "§2.4"):
            b.free(medium & -sn.CLASSROOM.chunk_size)
        a.free(medium)
        a.free(p)
        goes_on(heap, a, b)


@every_kind
def test_pointer_of_another_heap(kind: str) -> None:
    with lab() as (heap, a, b), lab() as (other, stranger, _):
        p = stranger.malloc(KINDS[kind][0])
        with refused(sn.InvalidPointer, f"free({p:#x})", "not in a chunk of this heap", "malloc of this heap"):
            a.free(p)
        stranger.free(p)
        goes_on(heap, a, b)
        goes_on(other, stranger)


@every_kind
def test_the_old_address_after_realloc_moved(kind: str) -> None:
    asked, sizeclass = KINDS[kind]
    with lab() as (heap, a, b):
        p, kept = a.malloc(asked), a.malloc(asked)
        moved = a.realloc(p, 4 * asked)
        assert moved != p
        with refused(sn.DoubleFree, f"free({p:#x})", f"{asked} bytes requested, {sizeclass}, owner allocator 1"):
            b.free(p)
        with refused(sn.DoubleFree, f"realloc({p:#x})", f"{asked} bytes requested"):
            a.realloc(p, 10)
        with refused(sn.DoubleFree, f"usable_size({p:#x})"):
            a.usable_size(p)
        a.free(moved)
        a.free(kept)
        goes_on(heap, a, b)


def test_realloc_to_nothing_frees() -> None:
    with lab() as (heap, a, b):
        p, kept = a.malloc(50), a.malloc(50)
        assert a.realloc(p, 0) == 0
        with refused(sn.DoubleFree, f"free({p:#x})"):
            a.free(p)
        assert a.realloc(kept, 60) == kept  # in place: the address stays good
        a.free(kept)
        goes_on(heap, a, b)


# Frees by others.


@every_strategy
@pytest.mark.parametrize("kind", ["small", "medium"])
def test_double_free_before_and_after_the_message_came_home(kind: str, decommit: sn.Decommit) -> None:
    asked, sizeclass = KINDS[kind]
    with lab(decommit) as (heap, a, b):
        # The newest message stays behind in the queue, so send two; and keep one, so that the slab stays in use.
        p, last, kept = (a.malloc(asked) for _ in range(3))
        b.free(p)
        b.free(last)
        words = f"free({p:#x})", f"{asked} bytes requested, {sizeclass}, owner allocator 1"
        steps: list[Callable[[], object]] = [heap.check, b.post, a.handle_message_queue]
        for step in steps:
            step()
            heap.check()
            for allocator in (a, b):
                with refused(sn.DoubleFree, *words):
                    allocator.free(p)
        a.free(kept)
        goes_on(heap, a, b)


@every_strategy
@pytest.mark.parametrize("kind", ["small", "medium"])
def test_write_while_the_message_is_on_its_way(kind: str, decommit: sn.Decommit) -> None:
    asked, sizeclass = KINDS[kind]
    with lab(decommit) as (heap, a, b):
        p, kept = a.malloc(asked), a.malloc(asked)
        view = heap.view(p)
        b.free(p)
        view[40] = 0x41
        words = f"object {p:#x}", f"{asked} bytes requested, {sizeclass}, owner allocator 1", "byte 40 is 0x41", "§2.8"
        with refused(sn.WriteAfterFree, "found by check()", *words):
            heap.check()
        view[40] = 0xDD
        a.free(kept)
        goes_on(heap, a, b)


def test_write_into_a_message() -> None:
    """Its first 16 bytes are {next, target}: the laws of messages notice."""
    with lab() as (heap, a, b):
        p = a.malloc(50)
        view = heap.view(p)
        b.free(p)
        view[8] ^= 0xFF
        with pytest.raises(sn.LawBroken, match=f"message {p:#x} .*is not an object of that owner") as broken:
            heap.check()
        assert (broken.value.law, broken.value.section) == (
            "each message is an object on its way to its owner, once",
            "§2.2",
        )


# Writes after free.


@every_strategy
@pytest.mark.parametrize("kind", ["small", "medium"])
@pytest.mark.parametrize("where", [16, 33, -1])
def test_write_after_free_found_by_check_and_at_reuse(kind: str, where: int, decommit: sn.Decommit) -> None:
    asked, sizeclass = KINDS[kind]
    with lab(decommit) as (heap, a, b):
        p, kept = a.malloc(asked), a.malloc(asked)
        view = heap.view(p)
        a.free(p)
        heap.check()
        view[where] = 0x41
        words = (
            f"object {p:#x} was written after it was freed",
            f"{asked} bytes requested, {sizeclass}, owner allocator 1",
            f"byte {where % len(view)} is 0x41",
            "§2.8",
        )
        with refused(sn.WriteAfterFree, "found by check()", *words):
            heap.check()
        with refused(sn.WriteAfterFree, "found when malloc reused it", *words):
            a.malloc(asked)
        # It is not handed out again, so the heap is whole from here on.
        heap.check()
        assert a.malloc(asked) not in (p, kept)
        a.free(kept)
        goes_on(heap, a, b)


@every_strategy
def test_no_alarm_when_nobody_wrote(decommit: sn.Decommit) -> None:
    with lab(decommit) as (heap, a, b):
        for _ in range(3):
            objects = [a.malloc(size) for size in (10, 50, 50, 50, 700, 2000, 2000, 2000, 9000, 17_000) * 3]
            for p in objects[::2]:
                a.free(p)
            heap.check()
            for p in objects[1::2]:
                b.free(p)
            heap.check()
            goes_on(heap, a, b)


BAD_LINKS = {
    "between objects": 0x0008,
    "odd between objects": 0x0013,
    "out of the slab": 0xFFF0,
    "all ones": 0xFFFF,
    "zero": 0x0000,
}


@pytest.mark.parametrize("size", [16, 64], ids=["short slab, 16 bytes", "short slab, 64 bytes"])
@pytest.mark.parametrize("link", BAD_LINKS)
def test_write_into_the_link_found_at_reuse(size: int, link: str) -> None:
    """The first 16 bits of a free object lead to the next; here they lead to where no free object is."""
    with lab() as (heap, a, b):
        first, p, kept = (a.malloc(size) for _ in range(3))
        a.free(first)
        a.free(p)
        heap.memory.u16[p >> 1] = BAD_LINKS[link]
        with refused(sn.WriteAfterFree, "found by check()", f"object {p:#x}", "§2.8"):
            heap.check()
        words = f"object {p:#x} was written after it was freed", "owner allocator 1", f"{BAD_LINKS[link]:#06x}", "§2.8"
        for _ in range(2):
            with refused(sn.WriteAfterFree, "found when malloc was about to reuse it", f"({size} bytes)", *words):
                a.malloc(size)
        # Other classes and allocators are not concerned.
        q = b.malloc(size)
        assert q not in (first, p, kept)
        b.free(q)
        a.free(a.malloc(500))
        # Where the value was told, putting it back mends the list.
        heap.memory.u16[p >> 1] = first % sn.CLASSROOM.slab_size
        assert a.malloc(size) == p
        assert a.malloc(size) == first
        goes_on(heap, a, b)


@pytest.mark.parametrize("leads_to", ["itself", "a live object", "one too far", "bump space", "past the bump pointer"])
def test_a_forged_link_is_found_at_reuse(leads_to: str) -> None:
    """Whoever writes a link may write one that looks right."""
    with lab() as (heap, a, _):
        objects = [a.malloc(64) for _ in range(5)]
        for p in objects[1:4]:
            a.free(p)
        first, third = objects[3], objects[1]  # of the free list
        target = {
            "itself": first,
            "a live object": objects[0],
            "one too far": third,
            "bump space": objects[4] + 64,
            "past the bump pointer": objects[4] + 2 * 64 + 1,
        }[leads_to]
        heap.memory.u16[first >> 1] = target % sn.CLASSROOM.slab_size
        with refused(sn.WriteAfterFree, f"object {first:#x}", "found when malloc was about to reuse it", "§2.8"):
            a.malloc(64)


@pytest.mark.parametrize("target", ["a live object", "zero"])
def test_write_into_the_list_node_found(target: str) -> None:
    """A full slab's first free object is the list node; its first bytes are `prev`, read as the end of the list."""
    with lab() as (heap, a, _):
        objects = [a.malloc(64) for _ in range(13)]  # (1024 - 192) / 64: the short slab is full
        p = objects[5]
        a.free(p)
        heap.check()
        heap.memory.u16[p >> 1] = objects[7] % sn.CLASSROOM.slab_size if target == "a live object" else 0
        with pytest.raises((sn.WriteAfterFree, sn.LawBroken), match=f"{p & -sn.CLASSROOM.slab_size:#x}|{p:#x}"):
            heap.check()
        with refused(sn.WriteAfterFree, f"object {p:#x}", "found when malloc was about to reuse it", "§2.8"):
            a.malloc(64)


def test_double_free_of_an_object_whose_slab_was_given_back() -> None:
    with lab() as (heap, a, _):
        p = a.malloc(50)
        a.free(p)
        assert heap.statistics().superslabs == 0
        with refused(
            sn.DoubleFree, f"free({p:#x})", "already free", "has been given back", "50 bytes requested", "§2.8"
        ):
            a.free(p)


# Leaks.


def test_leaks_are_reported_when_the_heap_is_closed() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    a, b = heap.acquire(), heap.acquire()
    small, medium, large = a.malloc(50), b.malloc(2000), a.malloc(20_000)
    zeroed, grown, freed = a.calloc(3, 7), a.realloc(a.malloc(20), 30), a.malloc(10)
    b.free(freed)
    with pytest.raises(sn.LeakError, match=r"^5 objects of 22,101 bytes were live") as caught:
        heap.close()
    assert caught.value.objects == tuple(
        sorted([(small, 50), (medium, 2000), (large, 20_000), (zeroed, 21), (grown, 30)])
    )
    for address, words, place, bits in (
        (small, "50 bytes requested, size class 3 (64 bytes), owner allocator 1", "slab", 10),
        (medium, "2000 bytes requested, size class 23 (2048 bytes), owner allocator 2", "medium slab", 13),
        (large, "20000 bytes requested, a large object, owner allocator 1", "chunk", 13),
    ):
        assert f"{address:#x}: {words}, offset {address % (1 << bits):#x} in its {place}\n" in f"{caught.value}\n"
    assert "(§2.1)" in str(caught.value)
    assert heap.closed
    with pytest.raises(sn.HeapClosed):
        a.malloc(1)
    heap.close()


def test_an_object_s_offset_is_that_in_its_slab() -> None:
    """Not that in its chunk: these are in other slabs than the first."""
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    leaked = [heap.malloc(size) for size in (50, 100, 300)]
    assert {address // PLACES["small"] % 8 for address in leaked} > {0}
    with pytest.raises(sn.LeakError) as caught:
        heap.close()
    for address in leaked:
        assert re.search(rf"{address:#x}: .*, offset {address % PLACES['small']:#x} in its slab\n", f"{caught.value}\n")


def test_a_leak_tells_the_size_that_was_asked() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    p = heap.aligned_alloc(64, 10)
    with pytest.raises(sn.LeakError) as caught:
        heap.close()
    assert caught.value.objects == ((p, 10),)


def test_many_leaks_are_listed_in_part() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    leaked = sorted(heap.malloc(50) for _ in range(25))
    with pytest.raises(sn.LeakError, match="and 15 more") as caught:
        heap.close()
    assert [address for address, _ in caught.value.objects] == leaked
    assert len(re.findall("owner allocator 1", str(caught.value))) == 10


def test_no_leak_no_error() -> None:
    with sn.Heap(sn.CLASSROOM, checked=True) as heap:
        a, b = heap.acquire(), heap.acquire()
        b.free(a.malloc(50))  # on its way when the heap is closed
        a.free(a.malloc(20_000))
    assert heap.closed


def test_a_leak_does_not_hide_the_error_before_it() -> None:
    heap, leaked = sn.Heap(sn.CLASSROOM, checked=True), list[int]()

    def lose() -> None:
        with heap:
            leaked.append(heap.malloc(50))
            raise KeyError("lost")

    with pytest.raises(KeyError, match="lost") as caught:
        lose()
    (note,) = caught.value.__notes__
    assert "1 object of 50 bytes was live when the heap was closed" in note
    assert f"{leaked[0]:#x}: 50 bytes requested, size class 3 (64 bytes), owner allocator 1" in note
    assert heap.closed


# Bad arguments, and no space left.


@every_strategy
def test_failing_calls_change_nothing(decommit: sn.Decommit) -> None:
    with lab(decommit) as (heap, a, b):
        p = a.malloc(50)
        heap.view(p)[:] = bytes(range(64))
        wrongs: list[Callable[[], int]] = [
            lambda: a.malloc(-1),
            lambda: a.calloc(-1, 1),
            lambda: a.calloc(1, -1),
            lambda: a.realloc(p, -1),
            lambda: a.realloc(0, -1),
            lambda: a.aligned_alloc(3, 8),
            lambda: a.aligned_alloc(16, -8),
        ]
        for wrong in wrongs:
            with pytest.raises(ValueError, match=r"0 or more|power of two"):
                wrong()
        for much in (partial(a.malloc, 1 << 40), partial(a.calloc, 1 << 20, 1 << 20), partial(a.realloc, p, 1 << 40)):
            with pytest.raises(sn.HeapExhausted):
                much()
        assert bytes(heap.view(p)) == bytes(range(64))
        a.free(p)
        goes_on(heap, a, b)


def test_one_call_at_a_time() -> None:
    with lab() as (heap, a, b):
        assert isinstance(a, CheckedAllocator)
        p = a.malloc(50)
        with a._inside:
            for call in (partial(a.malloc, 7), partial(a.free, p)):
                with refused(sn.WrongThread, "Allocator 1", "in the middle of another call", "§2.1"):
                    call()
            b.free(b.malloc(7))
        a.free(p)
        goes_on(heap, a, b)


def test_after_close() -> None:
    with lab() as (heap, a, _):
        p, malloc, free = a.malloc(50), a.malloc, a.free
        a.malloc(10)
        with suppress(sn.LeakError):
            heap.close()
        for call in (partial(malloc, 1), partial(free, p), partial(a.calloc, 1, 9000), partial(a.realloc, p, 2000)):
            with pytest.raises(sn.HeapClosed, match="make a new Heap"):
                call()


# Unchecked mode: what the page map alone can tell.

unchecked = pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])


@contextmanager
def bare(fast: bool) -> Iterator[tuple[sn.Heap, sn.Allocator, LiveRanges]]:
    """An unchecked heap, with a live object of every kind that must be whole at the end."""
    with sn.Heap(sn.CLASSROOM, fast=fast) as heap:
        a, b = heap.acquire(), heap.acquire()
        record = LiveRanges(heap.memory.u8, 0, heap.memory.space.size)
        for asked, _ in KINDS.values():
            p = b.malloc(asked)
            record.enter(p, asked, heap.usable_size(p))
        yield heap, a, record
        record.all_intact()
        goes_on(heap, a, b)


@unchecked
@pytest.mark.parametrize("call", ["free", "realloc", "usable_size"])
def test_unchecked_mode_refuses_what_is_not_ours(fast: bool, call: str) -> None:
    with bare(fast) as (heap, a, _):
        space, bump = heap.memory.space.size, heap.chunk_map()[-1].address + sn.CLASSROOM.chunk_size
        calls = {"free": a.free, "realloc": lambda q: a.realloc(q, 100), "usable_size": a.usable_size}
        for address in (1, 16, a.address, heap.layout.pagemap, bump, bump + 16, space, space + 16, 1 << 64, 1 << 70):
            for sign in (1, -1):
                with refused(
                    sn.InvalidPointer, f"{call}({sign * address:#x})" if call != "realloc" else "", "not ours", "§2.4"
                ):
                    calls[call](sign * address)


@unchecked
def test_unchecked_mode_refuses_every_negative_address(fast: bool) -> None:
    """Also one that a table indexed from its end would take for an object's."""
    with bare(fast) as (heap, a, _):
        p, _kept = a.malloc(50), a.malloc(50)
        for slabs in [*range(1, 2000), *(1 << bits for bits in range(11, 40))]:
            with pytest.raises(sn.InvalidPointer):
                a.free(p - (slabs << sn.CLASSROOM.slab_bits) - (p >> 10 << 10))
        heap.check()


@unchecked
@pytest.mark.parametrize("chunks", [1, 2, 4, 8])
def test_unchecked_mode_refuses_the_inside_of_a_large_object(fast: bool, chunks: int) -> None:
    """By the jumps of the page map: from any chunk of it."""
    chunk = sn.CLASSROOM.chunk_size
    with bare(fast) as (heap, a, _):
        p = a.malloc(chunks * chunk)
        for offset in (1, 16, *(i * chunk + inside for i in range(chunks) for inside in (0, chunk // 2))):
            if offset:
                with refused(
                    sn.InvalidPointer,
                    f"free({p + offset:#x}): the address is inside the large object of {chunks * chunk:,} bytes",
                    f"starts at {p:#x}, {offset:,} bytes before",
                    "§2.5",
                ):
                    a.free(p + offset)
        assert heap.usable_size(p) == chunks * chunk
        a.free(p)


@unchecked
@pytest.mark.parametrize("call", ["free", "realloc", "usable_size"])
def test_unchecked_mode_refuses_a_large_object_that_is_free(fast: bool, call: str) -> None:
    with bare(fast) as (_, a, _record):
        p = a.malloc(40_000)
        a.free(p)
        for address in (p, p + 8192):
            with refused(sn.InvalidPointer, "not ours", "was not freed", "§2.4"):
                {"free": a.free, "realloc": lambda q: a.realloc(q, 100), "usable_size": a.usable_size}[call](address)
