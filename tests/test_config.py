"""Configurations: their numbers, what follows from them, what is refused; and size classes.

Every closed form is compared with the naive computation: list the sizes, lay
objects out from the end of a slab until the header is in the way, count. And
the law of ``config``: a ``Config`` that exists can work.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise, product
from typing import Any

import pytest

import pysnmalloc as sn
from tests.live_ranges import LiveRanges, Sizes


def accepted() -> list[sn.Config]:
    """Every shape of slab, superslab and page that is not refused, with few buckets and allocators."""
    found = []
    for slab_bits, slab_count_bits, page_bits in product(range(10, 17), range(1, 9), range(8, 17)):
        try:
            config = sn.Config(
                name=f"{slab_bits}-{slab_count_bits}-{page_bits}",
                slab_bits=slab_bits,
                slab_count_bits=slab_count_bits,
                page_bits=page_bits,
                bucket_bits=2,
                number_bits=2,
            )
        except sn.ConfigError:
            continue
        found.append(config)
    return found


ACCEPTED = accepted()
ALL = [*sn.PRESETS.values(), *ACCEPTED]


# The numbers of the presets (§2.1, §2.3).


def test_paper() -> None:
    config = sn.PAPER
    assert (config.slab_size, config.slab_count, config.chunk_size, config.page_size) == (65536, 256, 16 << 20, 4096)
    assert (config.remote_cache, config.remote_batch, config.buckets) == (1 << 20, 64, 64)
    assert (config.superslab_header, config.medium_header) == (2176, 4096)
    assert (config.num_small, config.num_sizeclasses) == (44, 75)
    assert config.hop_bound == 7  # ceil((48 - 11) / 6)
    assert sn.sizeclass_table(config).short_max_sizeclass == 24
    assert sn.Config() == config.replace(name="custom")


def test_paper_1mib() -> None:
    config = sn.PAPER_1MIB
    assert (config.slab_size, config.slab_count, config.chunk_size, config.page_size) == (16384, 64, 1 << 20, 4096)
    assert (config.remote_cache, config.remote_batch, config.buckets) == (1 << 20, 64, 64)
    assert (config.superslab_header, config.medium_header) == (640, 4096)
    assert (config.num_small, config.num_sizeclasses) == (36, 59)
    assert config.hop_bound == 7


def test_classroom() -> None:
    config = sn.CLASSROOM
    assert (config.slab_size, config.slab_count, config.chunk_size, config.page_size) == (1024, 8, 8192, 256)
    assert (config.remote_cache, config.remote_batch, config.buckets) == (1024, 64, 4)
    assert (config.superslab_header, config.medium_header) == (192, 256)
    assert (config.num_small, config.num_sizeclasses) == (20, 31)
    assert 1 << config.number_bits == 64


def test_presets_by_name() -> None:
    assert sn.PRESETS == {"paper": sn.PAPER, "paper-1mib": sn.PAPER_1MIB, "classroom": sn.CLASSROOM}
    for name, preset in sn.PRESETS.items():
        assert preset.name == name


# Closed forms against naive computation.


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.name)
def test_derived_constants(config: sn.Config) -> None:
    slab, chunk = 2**config.slab_bits, 2**config.slab_bits * 2**config.slab_count_bits
    sizes = Sizes(slab, chunk)
    assert (config.slab_size, config.chunk_size, 2**config.chunk_bits) == (slab, chunk, chunk)
    assert config.slab_count * config.slab_size == chunk
    assert (config.num_small, config.num_sizeclasses) == (len(sizes.small), len(sizes.classes))
    assert config.superslab_header == next(n for n in range(0, slab, 64) if n >= 88 + 8 * config.slab_count)
    large = [1 << bits for bits in range(48) if 1 << bits >= chunk]
    assert config.num_large == len(large)
    hops, bits_left = 0, 48 - config.allocator_bits
    while bits_left > 0:
        hops, bits_left = hops + 1, bits_left - config.bucket_bits
    assert config.hop_bound == hops
    assert config.allocator_block == 192 + 16 * 2**config.bucket_bits + 8 * len(sizes.classes)
    assert config.allocator_block <= 2**config.allocator_bits


def first_object(start: int, end: int, size: int) -> int:
    """Where the first object is, if the last one ends at the end and none starts before the start."""
    first = end
    while first - size >= start:
        first -= size
    return first


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.name)
def test_where_objects_lie(config: sn.Config) -> None:
    table, sizes = sn.sizeclass_table(config), Sizes(config.slab_size, config.chunk_size)
    header, slab, chunk = config.superslab_header, config.slab_size, config.chunk_size
    assert list(table.sizes) == sizes.classes
    assert table.sizes[table.short_max_sizeclass] == sizes.usable(header)
    for sizeclass, size in enumerate(sizes.small):
        first = first_object(0, slab, size)
        assert table.first_head(sizeclass, short=False) == first + 1
        assert table.capacity(sizeclass) == (slab - first) // size >= 1
        if sizeclass <= table.short_max_sizeclass:
            first = first_object(header, slab, size)
            assert table.first_head(sizeclass, short=True) == first + 1
            assert table.capacity(sizeclass, short=True) == (slab - first) // size >= 1
    for sizeclass in range(len(sizes.small), len(sizes.classes)):
        size = sizes.classes[sizeclass]
        first = first_object(config.page_size, chunk, size)
        assert table.capacity(sizeclass) == (chunk - first) // size >= 1
        # An object's index counts 256 bytes in 16 bits, and the stack of them is in the header.
        assert size % 256 == first % 256 == 0
        assert (chunk - size) // 256 < 1 << 16
        assert 84 + 2 * table.capacity(sizeclass) <= config.page_size
        assert table.capacity(sizeclass) < 256
    assert sn.sizeclass_table(config) is table


@pytest.mark.parametrize("decommit", [sn.Decommit.SUPERSLAB, sn.Decommit.SLAB], ids=lambda strategy: strategy.value)
def test_what_exists_can_work(decommit: sn.Decommit) -> None:
    """Each class twice and out of order, freed in another order, in chunks that have a past."""
    for config in ACCEPTED:
        if config.chunk_size > 1 << 16:
            continue  # the same, only longer
        blocks = 1 << config.allocator_bits + config.number_bits
        with sn.Heap(config, reserve=blocks + 200 * config.chunk_size, decommit=decommit) as heap:
            a, sizes = heap.acquire(), Sizes(config.slab_size, config.chunk_size).classes
            for _ in range(2):
                record = LiveRanges(heap.memory.u8, blocks, heap.memory.space.size)
                # Whole slabs, to bring the list of free slabs out of order; then every class.
                for size in [config.slab_size] * (2 * config.slab_count) + sizes + sizes[::-1] + [config.chunk_size]:
                    p = a.malloc(size)
                    record.enter(p, size, heap.usable_size(p))
                heap.check()
                while len(record):
                    a.free(record.leave(record[len(record) * 5 // 7].start).start)
                heap.check()
            assert {chunk.kind for chunk in heap.chunk_map()} == {"free"}


def test_there_are_many_that_exist() -> None:
    shapes = {(config.slab_bits, config.slab_count_bits, config.page_bits) for config in ACCEPTED}
    assert {(16, 8, 12), (14, 6, 12), (10, 3, 8)} <= shapes
    assert len(shapes) > 50


# What is refused.

NONSENSE: list[tuple[dict[str, object], str]] = [
    ({"slab_bits": 9}, r"slab_bits is 9, outside the range 10 to 16: .*§2\.8"),
    ({"slab_bits": 17}, r"slab_bits is 17, outside the range 10 to 16: .*offsets in it have 16 bits .*§2\.8"),
    ({"slab_bits": -1}, "slab_bits is -1, outside the range 10 to 16"),
    ({"slab_count_bits": 0}, r"slab_count_bits is 0, outside the range 1 to 8: .*besides the short one.*§2\.8"),
    ({"slab_count_bits": 9}, r"slab_count_bits is 9, outside the range 1 to 8: .*slab indices have 8 bits.*§2\.8"),
    ({"page_bits": 7}, r"page_bits is 7, outside the range 8 to 16: .*units of 256 bytes.*§2\.7"),
    ({"page_bits": 17}, "page_bits is 17, outside the range 8 to 16"),
    ({"remote_cache": -1}, "remote_cache is -1, outside the range 0 to "),
    ({"remote_cache": 1 << 63}, "remote_cache is .*, outside the range 0 to .*number of bytes"),
    ({"remote_batch": 0}, "remote_batch is 0, outside the range 1 to .*never empty the queue"),
    ({"remote_batch": (1 << 20) + 1}, "remote_batch is 1048577, outside the range 1 to 1048576"),
    ({"bucket_bits": 0}, r"bucket_bits is 0, outside the range 1 to 12: .*at least.*§2\.2"),
    ({"bucket_bits": 13}, "bucket_bits is 13, outside the range 1 to 12"),
    ({"allocator_bits": 10}, r"allocator_bits is 10, outside the range 11 to 20: .*heap's own block.*§2\.2"),
    ({"allocator_bits": 21}, "allocator_bits is 21, outside the range 11 to 20"),
    ({"number_bits": 0}, "number_bits is 0, outside the range 1 to 24: .*number 1"),
    ({"number_bits": 25}, "number_bits is 25, outside the range 1 to 24"),
    (
        {"page_bits": 13, "slab_bits": 12, "slab_count_bits": 6},
        r"page of 8192 bytes is larger than a slab of 4096 .*§2\.9",
    ),
    (
        {"slab_bits": 12, "slab_count_bits": 8},
        r"header of 2176 bytes takes more than a quarter .*4096 .*§2\.8.*raise slab_bits",
    ),
    (
        {"slab_bits": 14, "slab_count_bits": 6, "page_bits": 9},
        r"header of 640 bytes is longer than the first page of 512.*§2\.9.*raise page_bits",
    ),
    (
        {"slab_bits": 10, "slab_count_bits": 1, "page_bits": 9},
        r"header of 512 bytes leaves no room in its chunk of 2048.*§2\.7.*lower page_bits",
    ),
    (
        {"bucket_bits": 7},
        r"state takes 2840 bytes.*2\^11 allows .*§2\.2.*raise allocator_bits or lower bucket_bits",
    ),
    ({"number_bits": 22}, r"2\^22 allocators of 2\^11 bytes take more than 4 GiB.*lower number_bits"),
    ({"slab_bits": 16.0}, "slab_bits must be an int, not 16.0"),
    ({"slab_bits": "16"}, "slab_bits must be an int, not '16'"),
    ({"remote_cache": None}, "remote_cache must be an int, not None"),
    ({"bucket_bits": True}, "bucket_bits must be an int, not True"),
]


@pytest.mark.parametrize(("fields", "reason"), NONSENSE, ids=lambda value: str(value)[:60])
def test_nonsense_is_refused_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(sn.ConfigError, match=reason) as made:
        sn.Config(name="odd", **fields)
    with pytest.raises(ValueError, match=reason):
        sn.PAPER.replace(**fields)
    with pytest.raises(sn.ConfigError, match=reason):
        dataclasses.replace(sn.PAPER, **fields)
    if "must be" not in reason:
        assert str(made.value).startswith("configuration “odd” cannot work: ")


def test_fields_are_named() -> None:
    with pytest.raises(TypeError):
        sn.Config("paper")  # type: ignore[call-arg]  # all are keywords
    with pytest.raises(TypeError):
        sn.Config(chunk_bits=24)  # type: ignore[call-arg]  # it follows from others


def test_frozen() -> None:
    config = sn.CLASSROOM.replace(name="mine")
    for name in ("slab_bits", "name", "remote_cache"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, name, 12)
    assert config.slab_size == 1024
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.slab_size = 1
    assert len({config, sn.CLASSROOM.replace(name="mine"), sn.CLASSROOM}) == 2


def test_replace_validates_and_computes_anew() -> None:
    config = sn.PAPER
    assert config.slab_size == 1 << 16  # computed, and kept in the instance
    smaller = config.replace(slab_bits=14, slab_count_bits=6, name="smaller")
    assert (smaller.slab_size, smaller.chunk_size, smaller.superslab_header) == (1 << 14, 1 << 20, 640)
    assert (config.slab_size, config.chunk_size) == (1 << 16, 1 << 24)
    assert smaller == sn.PAPER_1MIB.replace(name="smaller")
    assert config.replace() == config
    assert config.replace(remote_cache=0).remote_cache == 0


# Size classes (§2.6).

NAIVE = Sizes(1 << 47, 1 << 48)
REQUESTS = [*range(20_000), *(size + d for size in NAIVE.classes for d in (-1, 0, 1))]


def test_classes_are_the_naive_list() -> None:
    assert [sn.sizeclass_to_size(sizeclass) for sizeclass in range(len(NAIVE.classes))] == NAIVE.classes
    assert NAIVE.classes[:16] == [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512]


def test_a_request_gets_the_smallest_class_that_holds_it() -> None:
    for size in REQUESTS:
        if size <= NAIVE.classes[-1]:
            assert sn.sizeclass_to_size(sn.size_to_sizeclass(size)) == NAIVE.usable(size)


def test_inverse() -> None:
    for sizeclass in range(400):
        assert sn.size_to_sizeclass(sn.sizeclass_to_size(sizeclass)) == sizeclass


def test_monotone() -> None:
    sizeclasses = [sn.size_to_sizeclass(size) for size in sorted(REQUESTS)]
    assert all(b - a in (0, 1) for a, b in pairwise(sizeclasses))
    sizes = [sn.sizeclass_to_size(sizeclass) for sizeclass in range(400)]
    assert all(a < b for a, b in pairwise(sizes))


def test_waste_is_bounded() -> None:
    """Up to 128 bytes, classes are 16 bytes apart; above, a quarter of the power of two below."""
    for size in REQUESTS:
        rounded = sn.sizeclass_to_size(sn.size_to_sizeclass(size))
        assert rounded % 16 == 0
        assert rounded >= size
        if size > 64:
            assert 5 * (rounded - size) < rounded, "a fifth of the object or more is not used"
            assert 4 * (rounded - size) < size, "a quarter of the request or more is added"
        elif size > 0:
            assert rounded - size < 16


def test_a_request_of_nothing_gets_the_smallest_class() -> None:
    assert sn.size_to_sizeclass(0) == sn.size_to_sizeclass(1) == sn.size_to_sizeclass(16) == 0
    assert sn.size_to_sizeclass(17) == 1
