"""Integers that are not int, as numpy hands them over: each works as its value, and all else is refused in words.

Fixed           an integer of a few bits, whose arithmetic wraps around
Abroad          an integer whose arithmetic gives floats, as an unsigned one of 64 bits with an int did
Bare            an integer without arithmetic, which has only its value
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import SupportsIndex, cast

import pytest

import pysnmalloc as sn
from pysnmalloc.inspection.statistics import HeapStatistics

CHUNK = sn.CLASSROOM.chunk_size
MODES = ["fast", "plain", "checked", "recorded"]
SIZES = [0, 1, 48, 2000, CHUNK, 3 * CHUNK]


class Bare:
    """An integer that has only its value."""

    def __init__(self, value: SupportsIndex) -> None:
        self.value = value.__index__()

    def __index__(self) -> int:
        return self.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value})"


class Fixed(Bare):
    """An integer of 32 bits, whose results are integers of 32 bits."""

    def __init__(self, value: SupportsIndex) -> None:
        wrapped = value.__index__() & 0xFFFF_FFFF
        super().__init__(wrapped - (wrapped >> 31 << 32))

    def _with(self, result: int) -> Fixed:
        return Fixed(result)

    def __add__(self, other: SupportsIndex) -> Fixed:
        return self._with(self.value + other.__index__())

    def __sub__(self, other: SupportsIndex) -> Fixed:
        return self._with(self.value - other.__index__())

    def __mul__(self, other: SupportsIndex) -> Fixed:
        return self._with(self.value * other.__index__())

    def __floordiv__(self, other: SupportsIndex) -> Fixed:
        return self._with(self.value // other.__index__())

    def __and__(self, other: SupportsIndex) -> Fixed:
        return self._with(self.value & other.__index__())

    def __rshift__(self, other: SupportsIndex) -> Fixed:
        return self._with(self.value >> other.__index__())

    def __lt__(self, other: SupportsIndex) -> bool:
        return self.value < other.__index__()

    def __gt__(self, other: SupportsIndex) -> bool:
        return self.value > other.__index__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SupportsIndex) and self.value == other.__index__()

    __radd__, __rmul__, __rand__ = __add__, __mul__, __and__
    __hash__ = None  # type: ignore[assignment]


class Abroad(Bare):
    """An integer whose results are floats."""

    def __floordiv__(self, other: SupportsIndex) -> float:
        return float(self.value // other.__index__())

    def __sub__(self, other: SupportsIndex) -> float:
        return float(self.value - other.__index__())

    def __lt__(self, other: SupportsIndex) -> bool:
        return self.value < other.__index__()


KINDS = [Bare, Fixed, Abroad]


class Half:
    """No integer, although it can be divided and compared."""

    def __floordiv__(self, _: object) -> float:
        return 0.5

    def __lt__(self, _: object) -> bool:
        return False


def as_int(value: object) -> int:
    """Pass a value where an int is expected, as a program without types does."""
    return cast("int", value)


@contextmanager
def heap_of(mode: str) -> Iterator[sn.Heap]:
    record = sn.Recording() if mode == "recorded" else None
    with sn.Heap(sn.CLASSROOM, fast=mode == "fast", checked=mode == "checked", record=record) as heap:
        yield heap


def told(heap: sn.Heap) -> HeapStatistics:
    heap.check()
    return heap.statistics()


def program(heap: sn.Heap, kind: Callable[[int], object]) -> list[int]:
    """A program that makes every call with integers of a kind; return all addresses that it got."""

    def n(value: int) -> int:
        return as_int(kind(value))

    got: list[int] = []
    for _ in range(3):  # cold, and then warm
        mine = [heap.malloc(n(size)) for size in SIZES]
        mine += [heap.calloc(n(3), n(size)) for size in (7, 48, 500)]
        mine += [heap.aligned_alloc(n(64), n(size)) for size in (7, 48, 500, CHUNK + 1)]
        got += mine
        for address in mine:
            assert heap.usable_size(n(address)) == heap.own().usable_size(n(address))
            assert heap.object_start(n(address)) == address
            assert heap.object_end(n(address)) == address + heap.usable_size(address)
            assert len(heap.view(n(address))) == heap.usable_size(address)
        mine = [heap.realloc(n(address), n(heap.usable_size(address) // 2 + 100)) for address in mine]
        got += mine
        for address in mine:
            heap.free(n(address))
        heap.free(n(sn.NULL))
        assert all(type(each) is int for each in got)
    with heap.allocator(n(7)) as seven, heap.allocator(n(8)) as eight:
        mine = [seven.malloc(n(48)) for _ in range(40)]
        for address in mine:
            eight.free(n(address))  # one of another allocator, the first time and later
        eight.post()
        seven.handle_message_queue()
        got += mine
    return got


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_integer_works_as_its_value(mode: str, kind: Callable[[int], object]) -> None:
    """The same addresses, the same counts: nothing tells these integers from others."""
    with heap_of(mode) as heap, heap_of(mode) as other:
        assert program(heap, kind) == program(other, int)
        assert told(heap).sizeclasses == told(other).sizeclasses


@pytest.mark.parametrize("mode", MODES)
def test_a_product_does_not_wrap_around(mode: str) -> None:
    """``calloc(65536, 65536)``, in 32 bits, would be 0 bytes."""
    with heap_of(mode) as heap, pytest.raises(sn.HeapExhausted, match="68,719,476,736"):
        heap.calloc(as_int(Fixed(65536)), as_int(Fixed(65536 * 16)))


BAD = [8.5, "8", None, b"8", Half(), [8], 8j]
CALLS: dict[str, tuple[Callable[[sn.Heap, int, int], object], str]] = {
    "malloc": (lambda h, bad, _: h.malloc(bad), "size"),
    "calloc, count": (lambda h, bad, _: h.calloc(bad, 4), "count"),
    "calloc, size": (lambda h, bad, _: h.calloc(4, bad), "size"),
    "aligned_alloc, alignment": (lambda h, bad, _: h.aligned_alloc(bad, 4), "alignment"),
    "aligned_alloc, size": (lambda h, bad, _: h.aligned_alloc(16, bad), "size"),
    "realloc, address": (lambda h, bad, _: h.realloc(bad, 4), "address"),
    "realloc, size": (lambda h, bad, p: h.realloc(p, bad), "size"),
    "free": (lambda h, bad, _: h.free(bad), "address"),
    "usable_size": (lambda h, bad, _: h.usable_size(bad), "address"),
    "view": (lambda h, bad, _: h.view(bad), "address"),
    "object_start": (lambda h, bad, _: h.object_start(bad), "address"),
    "object_end": (lambda h, bad, _: h.object_end(bad), "address"),
    "acquire": (lambda h, bad, _: h.acquire(bad), "number"),
}


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CALLS)
def test_everything_else_is_refused_in_words(mode: str, name: str, warm: bool) -> None:
    """The message names call, argument and type, and nothing has changed."""
    call, argument = CALLS[name]
    with heap_of(mode) as heap:
        mine = heap.malloc(48)
        if warm:
            for size in SIZES:
                heap.free(heap.malloc(size))
        before = told(heap).sizeclasses
        for bad in BAD:
            if name == "acquire" and bad is None:
                continue
            words = f"^{name.split(',')[0]}: {argument} must be an integer, not {type(bad).__name__}$"
            with pytest.raises(TypeError, match=words) as raised:
                call(heap, as_int(bad), mine)
            assert raised.value.__context__ is None
        assert told(heap).sizeclasses == before
        heap.free(mine)


@pytest.mark.parametrize("mode", MODES)
def test_integers_at_which_no_object_is(mode: str) -> None:
    """Small ones, negative ones, and those of more than 64 bits."""
    with heap_of(mode) as heap:
        mine = heap.malloc(48)
        for value in (1, 200, -1, -16, 1 << 40, 1 << 64, -(1 << 70)):
            for kind in (int, Bare):
                with pytest.raises(sn.InvalidPointer):
                    heap.free(as_int(kind(value)))
                with pytest.raises(sn.InvalidPointer):
                    heap.view(as_int(kind(value)))
        heap.free(mine)
        heap.check()


@pytest.mark.parametrize("mode", MODES)
def test_sizes_that_no_heap_has(mode: str) -> None:
    with heap_of(mode) as heap:
        for kind in (int, Bare):
            for negative in (-1, -16, -(1 << 70)):
                with pytest.raises(ValueError, match="must be 0 or more"):
                    heap.malloc(as_int(kind(negative)))
            with pytest.raises(sn.HeapExhausted):
                heap.malloc(as_int(kind(1 << 70)))
        heap.check()


@pytest.mark.parametrize("kind", KINDS)
def test_what_makes_a_heap_takes_every_integer(kind: Callable[[int], object]) -> None:
    """Configurations and reserves hold ints, whatever they were made from."""

    def n(value: int) -> int:
        return as_int(kind(value))

    config = sn.Config(slab_bits=n(12), slab_count_bits=n(4), page_bits=n(9), remote_cache=n(4096), number_bits=n(8))
    assert config == sn.Config(slab_bits=12, slab_count_bits=4, page_bits=9, remote_cache=4096, number_bits=8)
    assert all(type(getattr(config, each)) is int for each in ("slab_bits", "remote_cache", "number_bits"))
    with sn.Heap(config, reserve=n(1 << 24)) as heap:
        assert type(heap.memory.space.size) is int
        heap.free(heap.malloc(48))
    assert sn.size_to_sizeclass(n(100)) == sn.size_to_sizeclass(100)
    assert sn.sizeclass_to_size(n(9)) == sn.sizeclass_to_size(9)
    assert sn.Recording(limit=n(5)).limit == 5


def test_what_makes_a_heap_refuses_everything_else() -> None:
    for bad in (8.5, "8", Half(), True):
        with pytest.raises(sn.ConfigError, match="slab_bits must be an int, not "):
            sn.Config(slab_bits=as_int(bad))
    for bad in (8.5, "8", Half()):
        kind = type(bad).__name__
        with pytest.raises(TypeError, match=f"^Heap: reserve must be an integer, not {kind}$"):
            sn.Heap(reserve=as_int(bad))
        with pytest.raises(TypeError, match=f"^Recording: limit must be an integer, not {kind}$"):
            sn.Recording(limit=as_int(bad))
        with pytest.raises(TypeError, match=f"^size_to_sizeclass: size must be an integer, not {kind}$"):
            sn.size_to_sizeclass(as_int(bad))
        with pytest.raises(TypeError, match=f"^sizeclass_to_size: sizeclass must be an integer, not {kind}$"):
            sn.sizeclass_to_size(as_int(bad))
