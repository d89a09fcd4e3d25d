"""Every law, broken: a poke into the heap's bytes, and ``Heap.check`` names the law and shows the structure.

    scene: a heap with something in every structure     poke: one field, or a few that belong together
    heap.check() passes                                 heap.check() raises LawBroken(law, section, dump)

Where a structure's fields lie is written out here once more, from the paper's
pictures (§2.2, §2.7, §2.8), so that a wrong offset in the library shows.
Broken lists, with no end or leading out of the heap, are laws broken too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

import pysnmalloc as sn
from pysnmalloc.inspection.laws import LAWS

SLAB, CHUNK = sn.CLASSROOM.slab_size, sn.CLASSROOM.chunk_size
TERMINATOR = (1 << 64) - 1  # of lists of slabs
FAR = 1 << 62
# Fields of headers and blocks, as byte offsets.
OWNER, KIND, CHUNK_NEXT, CHUNK_PREV = 0, 8, 64, 72
SUPER_HEAD, SUPER_USED, META = 80, 82, 88
META_USED, META_HEAD, META_LINK, META_SIZECLASS, META_NEXT = 0, 2, 4, 6, 7
MEDIUM_FREE, MEDIUM_HEAD, MEDIUM_SIZECLASS, MEDIUM_STACK = 80, 82, 83, 84
BACK, STUB, FRONT, CACHED, AVAILABLE, ONLY_SHORT, BUCKETS = 0, 64, 128, 136, 144, 152, 192
STACKS = 256


def class_head(allocator: sn.Allocator, sizeclass: int) -> int:
    """Address of an allocator's list head of a size class: behind 4 buckets of 16 bytes."""
    return allocator.address + BUCKETS + 4 * 16 + 8 * sizeclass


def chunk_of(address: int) -> int:
    return address & -CHUNK


def slab_of(address: int) -> int:
    return address & -SLAB


def meta(address: int) -> int:
    """Address of the metadata word of the slab around an address."""
    return chunk_of(address) + META + 8 * (address % CHUNK // SLAB)


@dataclass
class Scene:
    """A heap with two allocators and something in every structure. All small objects here are ``a``'s.

    tiny: 64 bytes each, in a short slab; 0 and 1 are free, the rest live, then bump space (class 3).
    pair: 512 bytes, two to a slab; both slabs have their first object free, and are on a list (class 15).
    medium: 2048 bytes, three to a chunk; the first is free, and its chunk on a list (class 23).
    large: 4 chunks; the chunks skipped for it lie on stacks; ``freed`` lies on another, of 2 chunks.
    messages: 128 bytes, in a whole slab; 0 is free, 5 lives, then bump space (class 7).
        queued: 1 and 2, in the queue of ``a``; cached: 3 and 4, in a bucket of ``b``.
    """

    heap: sn.Heap
    a: sn.Allocator = field(init=False)
    b: sn.Allocator = field(init=False)

    def __post_init__(self) -> None:
        a = self.a = self.heap.acquire()
        b = self.b = self.heap.acquire()
        self.tiny = [a.malloc(64) for _ in range(5)]
        self.pair = [a.malloc(512) for _ in range(4)]
        self.medium = [a.malloc(2048) for _ in range(4)]
        self.messages = [a.malloc(128) for _ in range(6)]
        self.large, self.freed = a.malloc(4 * CHUNK), a.malloc(2 * CHUNK)
        a.free(self.messages[0])
        a.free(self.tiny[1])
        a.free(self.tiny[0])
        a.free(self.pair[0])
        a.free(self.pair[2])
        a.free(self.medium[0])
        a.free(self.freed)
        self.queued, self.cached = self.messages[1:3], self.messages[3:5]
        for message in self.queued:
            b.free(message)
        b.post()
        for message in self.cached:
            b.free(message)
        self.superslab = chunk_of(self.tiny[0])
        self.bucket = b.address + BUCKETS + 16 * (a.number & 3)

    def u8(self, address: int, value: int) -> None:
        self.heap.memory.u8[address] = value

    def u16(self, address: int, value: int) -> None:
        self.heap.memory.u16[address >> 1] = value

    def u64(self, address: int, value: int) -> None:
        self.heap.memory.u64[address >> 3] = value

    def pagemap(self, address: int, value: int) -> None:
        self.u8(self.heap.layout.pagemap + address // CHUNK, value)


@contextmanager
def scene() -> Iterator[Scene]:
    with sn.Heap(sn.CLASSROOM, reserve=1 << 20) as heap:
        made = Scene(heap)
        heap.check()
        yield made


@dataclass(frozen=True)
class Case:
    """One way to break one law."""

    law: str
    section: str
    poke: Callable[[Scene], None]
    dump: Callable[[Scene], str]  # how the dump starts, or what it has in it

    def __str__(self) -> str:
        return self.poke.__name__


CASES: list[Case] = []


def breaks(law: str, section: str, dump: Callable[[Scene], str]) -> Callable[[Callable[[Scene], None]], None]:
    """Enter a poke."""

    def enter(poke: Callable[[Scene], None]) -> None:
        CASES.append(Case(law, section, poke, dump))

    return enter


# The bump pointer (§2.5).

BUMP_LAW = "the bump pointer is at a chunk of the reserve, or at its end"


def bump_dump(_: Scene) -> str:
    return "bump pointer: 0x"


@breaks(BUMP_LAW, "§2.5", bump_dump)
def bump_far_beyond_the_reserve(s: Scene) -> None:
    s.heap.memory.u64[64 >> 3] = (1 << 64) - CHUNK


@breaks(BUMP_LAW, "§2.5", bump_dump)
def bump_inside_a_chunk(s: Scene) -> None:
    s.heap.memory.u64[64 >> 3] += 16


@breaks(BUMP_LAW, "§2.5", bump_dump)
def bump_before_the_first_chunk(s: Scene) -> None:
    s.heap.memory.u64[64 >> 3] = s.heap.layout.first_chunk - CHUNK


# The page map (§2.4).

KNOWS = "the page map knows every chunk"


def pagemap_dump(_: Scene) -> str:
    """The bytes of all chunks: a superslab, two medium slabs, what was skipped, the large object."""
    return "page map: 1 2 2 "


@breaks(KNOWS, "§2.4", pagemap_dump)
def jump_too_short(s: Scene) -> None:
    s.pagemap(s.large + 3 * CHUNK, 64 + 13)


@breaks(KNOWS, "§2.4", pagemap_dump)
def jump_before_the_start(s: Scene) -> None:
    s.pagemap(s.large + CHUNK, 64 + 14)


@breaks(KNOWS, "§2.4", pagemap_dump)
def large_object_in_two(s: Scene) -> None:
    s.pagemap(s.large + 2 * CHUNK, 13)


@breaks(KNOWS, "§2.4", lambda _: "page map: 77 2 2 ")
def jump_without_a_start(s: Scene) -> None:
    s.pagemap(s.superslab, 64 + 13)


@breaks(KNOWS, "§2.4", lambda _: "page map: 5 2 2 ")
def no_kind_of_chunk(s: Scene) -> None:
    s.pagemap(s.superslab, 5)


@breaks(KNOWS, "§2.4", pagemap_dump)
def large_object_past_the_bump_pointer(s: Scene) -> None:
    s.pagemap(s.large, 20)


@breaks(KNOWS, "§2.4", pagemap_dump)
def chunk_that_was_never_handed_out(s: Scene) -> None:
    s.pagemap(s.heap.chunk_map()[-1].address + CHUNK, 1)


# Headers (§2.7, §2.8).

HEADER = "a chunk's header agrees with the page map"


@breaks(HEADER, "§2.7, §2.8", pagemap_dump)
def superslab_of_another_kind(s: Scene) -> None:
    s.u64(s.superslab + KIND, 2)


@breaks(HEADER, "§2.7, §2.8", lambda _: "page map: 1 1 2 ")
def medium_slab_entered_as_superslab(s: Scene) -> None:
    s.pagemap(s.medium[0], 1)


@breaks(HEADER, "§2.7, §2.8", pagemap_dump)
def no_owner(s: Scene) -> None:
    s.u64(chunk_of(s.medium[0]) + OWNER, 0)


@breaks(HEADER, "§2.7, §2.8", pagemap_dump)
def owner_beyond_all_numbers(s: Scene) -> None:
    s.u64(s.superslab + OWNER, 64 << 11)


@breaks(HEADER, "§2.7, §2.8", pagemap_dump)
def owner_not_an_allocator_address(s: Scene) -> None:
    s.u64(s.superslab + OWNER, s.a.address + 8)


@breaks(HEADER, "§2.7, §2.8", pagemap_dump)
def owner_never_made(s: Scene) -> None:
    s.u64(s.superslab + OWNER, 7 << 11)


# Superslabs (§2.8).

VISITS = "a superslab's list visits each free slab once, and used counts the others"


def superslab_dump(s: Scene) -> str:
    return f"superslab {s.superslab:#x} of allocator 1: used="


@breaks(VISITS, "§2.8", superslab_dump)
def free_slabs_cut_off(s: Scene) -> None:
    s.u8(s.superslab + SUPER_HEAD, 0)


@breaks(VISITS, "§2.8", superslab_dump)
def free_slabs_in_a_circle(s: Scene) -> None:
    free = s.heap.memory.u8[s.superslab + SUPER_HEAD]
    s.u8(s.superslab + META + 8 * free + META_NEXT, 7)  # itself: index + 7 + 1 modulo 8


@breaks(VISITS, "§2.8", superslab_dump)
def slab_free_and_in_use(s: Scene) -> None:
    s.u8(s.superslab + SUPER_HEAD, s.pair[0] % CHUNK // SLAB)


@breaks(VISITS, "§2.8", superslab_dump)
def one_slab_too_many_used(s: Scene) -> None:
    s.u16(s.superslab + SUPER_USED, s.heap.memory.u16[s.superslab + SUPER_USED >> 1] + 2)


@breaks(VISITS, "§2.8", superslab_dump)
def short_slab_not_used(s: Scene) -> None:
    s.u16(s.superslab + SUPER_USED, s.heap.memory.u16[s.superslab + SUPER_USED >> 1] - 1)


STATUS = "a superslab is on the list of its status, and never empty"


@breaks(STATUS, "§2.8", superslab_dump)
def available_list_lost(s: Scene) -> None:
    s.u64(s.a.address + AVAILABLE, 0)


@breaks(STATUS, "§2.8", superslab_dump)
def on_the_wrong_list(s: Scene) -> None:
    s.u64(s.a.address + AVAILABLE, 0)
    s.u64(s.a.address + ONLY_SHORT, s.superslab)


@breaks(STATUS, "§2.8", superslab_dump)
def on_both_lists(s: Scene) -> None:
    s.u64(s.a.address + ONLY_SHORT, s.superslab)


@breaks(STATUS, "§2.8", superslab_dump)
def on_the_list_of_another_allocator(s: Scene) -> None:
    s.u64(s.b.address + AVAILABLE, s.superslab)


@breaks(STATUS, "§2.8", superslab_dump)
def chunk_next_to_itself(s: Scene) -> None:
    s.u64(s.superslab + CHUNK_NEXT, s.superslab)


@breaks(STATUS, "§2.8", superslab_dump)
def wrong_prev_of_a_superslab(s: Scene) -> None:
    s.u64(s.superslab + CHUNK_PREV, chunk_of(s.medium[0]))


@breaks(STATUS, "§2.8", superslab_dump)
def empty_and_listed(s: Scene) -> None:
    empty_the_superslab(s)


@breaks(STATUS, "§2.8", superslab_dump)
def empty_and_not_listed(s: Scene) -> None:
    empty_the_superslab(s)
    s.u64(s.a.address + AVAILABLE, 0)


def empty_the_superslab(s: Scene) -> None:
    """All metadata as if every slab were free, in a list 1, 2, 3, ..."""
    for index in range(8):
        s.u64(s.superslab + META + 8 * index, 0)
    s.u8(s.superslab + SUPER_HEAD, 1)
    s.u16(s.superslab + SUPER_USED, 0)


# Slabs (§2.8).

OBJECTS = "a slab's objects are allocated, on the free list or bump space, each once"


def tiny_dump(s: Scene) -> str:
    return f"slab {slab_of(s.tiny[0]):#x} (short) of allocator 1: used="


def pair_dump(s: Scene) -> str:
    return f"slab {slab_of(s.pair[0]):#x} of allocator 1: used="


@breaks(OBJECTS, "§2.8", tiny_dump)
def one_object_too_many_used(s: Scene) -> None:
    s.u16(meta(s.tiny[0]) + META_USED, 4)


@breaks(OBJECTS, "§2.8", tiny_dump)
def free_list_between_objects(s: Scene) -> None:
    s.u16(s.tiny[0], s.tiny[1] % SLAB + 16)


@breaks(OBJECTS, "§2.8", tiny_dump)
def free_list_into_the_header(s: Scene) -> None:
    s.u16(s.tiny[0], 128)


@breaks(OBJECTS, "§2.8", tiny_dump)
def free_list_into_bump_space(s: Scene) -> None:
    s.u16(s.tiny[0], s.tiny[4] % SLAB + 64)


@breaks(OBJECTS, "§2.8", tiny_dump)
def free_list_in_a_circle(s: Scene) -> None:
    s.u16(s.tiny[1], s.tiny[0] % SLAB)


@breaks(OBJECTS, "§2.8", tiny_dump)
def free_object_lost(s: Scene) -> None:
    s.u16(meta(s.tiny[0]) + META_HEAD, s.tiny[1] % SLAB)


@breaks(OBJECTS, "§2.8", tiny_dump)
def bump_pointer_too_far(s: Scene) -> None:
    s.u16(s.tiny[1], s.tiny[4] % SLAB + 2 * 64 + 1)


@breaks(OBJECTS, "§2.8", tiny_dump)
def objects_of_another_size(s: Scene) -> None:
    s.u8(meta(s.tiny[0]) + META_SIZECLASS, 4)


@breaks(OBJECTS, "§2.8", tiny_dump)
def size_class_of_no_slab(s: Scene) -> None:
    s.u8(meta(s.tiny[0]) + META_SIZECLASS, 23)


NODE = "the list node lies in free memory, at the end of the free list"


@breaks(NODE, "§2.8", tiny_dump)
def node_not_at_the_slabs_end(s: Scene) -> None:
    s.u16(meta(s.tiny[0]) + META_LINK, s.tiny[2] % SLAB)


@breaks(NODE, "§2.8", lambda s: f"slab {slab_of(s.pair[2]):#x} of allocator 1: used=1 head=0x0 link=0x200")
def node_in_a_live_object(s: Scene) -> None:
    """Of the first slab on the list: its free object's `prev` is all ones, and so ends the free list."""
    s.u16(meta(s.pair[2]) + META_LINK, s.pair[3] % SLAB)


SPACE = "a slab is on its class's list exactly while it has free space"


@breaks(SPACE, "§2.8", tiny_dump)
def slab_list_lost(s: Scene) -> None:
    s.u64(class_head(s.a, 3), TERMINATOR)


@breaks(SPACE, "§2.8", pair_dump)
def second_slab_cut_off(s: Scene) -> None:
    s.u64(s.pair[2] + 8, TERMINATOR)  # the one freed last is first


@breaks(SPACE, "§2.8", pair_dump)
def wrong_prev(s: Scene) -> None:
    s.u64(s.pair[0], s.pair[0])


@breaks(SPACE, "§2.8", lambda s: f"slab {slab_of(s.pair[2]):#x} of allocator 1: used=1")
def wrong_prev_of_the_first(s: Scene) -> None:
    """It is read as the end of the free list, so the next object handed out would be a live one."""
    s.u16(s.pair[2], s.pair[3] % SLAB)


@breaks(SPACE, "§2.8", tiny_dump)
def wrong_prev_of_the_first_with_bump_space(s: Scene) -> None:
    s.u64(slab_of(s.tiny[0]) + SLAB - 16, 0)


@breaks(SPACE, "§2.8", pair_dump)
def slab_list_in_a_circle(s: Scene) -> None:
    s.u64(s.pair[0] + 8, s.pair[2])


@breaks(SPACE, "§2.8", lambda s: f"slab {slab_of(s.pair[1]):#x} of allocator 1: used=2")
def full_slab_listed(s: Scene) -> None:
    """Its free object was taken, and its node is still on the list."""
    word = meta(s.pair[0])
    s.u16(word + META_USED, 2)
    s.u16(word + META_HEAD, SLAB - 1)


@breaks(SPACE, "§2.8", pair_dump)
def slab_on_the_list_of_another_class(s: Scene) -> None:
    s.u64(class_head(s.a, 14), s.pair[2])
    s.u64(class_head(s.a, 15), TERMINATOR)


# Medium slabs (§2.7).

STACK = "a medium slab's stack holds each free object once"


def medium_dump(s: Scene) -> str:
    return f"medium slab {chunk_of(s.medium[0]):#x} of allocator 1: free="


@breaks(STACK, "§2.7", medium_dump)
def one_medium_object_too_many_free(s: Scene) -> None:
    s.u16(chunk_of(s.medium[0]) + MEDIUM_FREE, 2)


@breaks(STACK, "§2.7", medium_dump)
def free_index_of_no_object(s: Scene) -> None:
    s.u16(chunk_of(s.medium[0]) + MEDIUM_STACK + 2 * 2, 1)


@breaks(STACK, "§2.7", medium_dump)
def free_index_twice(s: Scene) -> None:
    slab = chunk_of(s.medium[0])
    s.u8(slab + MEDIUM_HEAD, 1)
    s.u16(slab + MEDIUM_FREE, 2)
    s.u16(slab + MEDIUM_STACK + 2 * 1, s.heap.memory.u16[slab + MEDIUM_STACK + 2 * 2 >> 1])


@breaks(STACK, "§2.7", pagemap_dump)
def small_class_in_a_medium_slab(s: Scene) -> None:
    s.u8(chunk_of(s.medium[0]) + MEDIUM_SIZECLASS, 3)


LISTED = "a medium slab is on its class's list exactly while it has free and allocated objects"


@breaks(LISTED, "§2.7", medium_dump)
def medium_list_lost(s: Scene) -> None:
    s.u64(class_head(s.a, 23), 0)


@breaks(LISTED, "§2.7", medium_dump)
def wrong_prev_of_a_medium_slab(s: Scene) -> None:
    s.u64(chunk_of(s.medium[0]) + CHUNK_PREV, s.superslab)


@breaks(LISTED, "§2.7", medium_dump)
def medium_slab_next_to_itself(s: Scene) -> None:
    s.u64(chunk_of(s.medium[0]) + CHUNK_NEXT, chunk_of(s.medium[0]))


@breaks(LISTED, "§2.7", medium_dump)
def medium_slab_on_the_list_of_another_class(s: Scene) -> None:
    s.u64(class_head(s.a, 22), s.heap.memory.u64[class_head(s.a, 23) >> 3])
    s.u64(class_head(s.a, 23), 0)


@breaks(LISTED, "§2.7", medium_dump)
def empty_medium_slab(s: Scene) -> None:
    """Its three objects are entered as free; the list may have it, for it is not full."""
    slab = chunk_of(s.medium[0])
    s.u8(slab + MEDIUM_HEAD, 0)
    s.u16(slab + MEDIUM_FREE, 3)
    for slot in range(3):
        s.u16(slab + MEDIUM_STACK + 2 * slot, (CHUNK - (3 - slot) * 2048) // 256)


# Chunks (§2.5).

BLOCKS = "every chunk is in use, or in one block of one stack"


def freed_stack(s: Scene) -> int:
    """Address of the head of the stack of blocks of 2 chunks."""
    assert s.heap.memory.u64[STACKS + 16 >> 3] == s.freed
    return STACKS + 16


@breaks(BLOCKS, "§2.5", pagemap_dump)
def stack_lost(s: Scene) -> None:
    s.u64(freed_stack(s), 0)


@breaks(BLOCKS, "§2.5", pagemap_dump)
def stack_in_a_circle(s: Scene) -> None:
    s.u64(s.freed, s.freed)


@breaks(BLOCKS, "§2.5", pagemap_dump)
def block_in_use_on_a_stack(s: Scene) -> None:
    s.u64(s.freed, s.large)


@breaks(BLOCKS, "§2.5", pagemap_dump)
def block_not_at_a_multiple_of_its_size(s: Scene) -> None:
    s.u64(freed_stack(s), s.freed + CHUNK)


@breaks(BLOCKS, "§2.5", pagemap_dump)
def block_on_the_stack_of_another_size(s: Scene) -> None:
    head = freed_stack(s)
    s.u64(head, 0)
    s.u64(head - 16, s.freed)


@breaks(BLOCKS, "§2.5", pagemap_dump)
def chunk_in_use_entered_as_free(s: Scene) -> None:
    """A large object is in no list; so nothing but the stacks can miss it."""
    for chunk in range(4):
        s.pagemap(s.large + chunk * CHUNK, 0)


# Messages (§2.2).

REACHES = "the queue reaches from front to back"


def a_dump(s: Scene) -> str:
    return f"<Allocator 1 at {s.a.address:#x}, classroom>\n  queue: front -> "


def b_dump(s: Scene) -> str:
    return f"<Allocator 2 at {s.b.address:#x}, classroom>\n  queue: front -> "


def queue_dump(s: Scene) -> str:
    """Both messages are there to be seen."""
    return f"{s.a.address + STUB:#x} -> {s.queued[0]:#x} -> {s.queued[1]:#x}; back="


@breaks(REACHES, "§2.2", queue_dump)
def back_is_not_the_newest(s: Scene) -> None:
    s.u64(s.a.address + BACK, s.queued[0])


@breaks(REACHES, "§2.2", a_dump)
def link_of_a_producer_missing(s: Scene) -> None:
    s.u64(s.queued[0], 0)


@breaks(REACHES, "§2.2", a_dump)
def queue_in_a_circle(s: Scene) -> None:
    s.u64(s.queued[1], s.queued[0])
    s.u64(s.a.address + BACK, s.queued[0])


@breaks(REACHES, "§2.2", b_dump)
def stub_behind_itself(s: Scene) -> None:
    s.u64(s.b.address + STUB, s.b.address + STUB)


@breaks(REACHES, "§2.2", b_dump)
def no_front(s: Scene) -> None:
    s.u64(s.b.address + FRONT, 0)


ONCE = "each message is an object on its way to its owner, once"


@breaks(ONCE, "§2.2", queue_dump)
def message_to_another_allocator(s: Scene) -> None:
    s.u64(s.queued[0] + 8, s.b.address)


@breaks(ONCE, "§2.2", a_dump)
def message_that_is_no_object(s: Scene) -> None:
    """The queue's newest message is between two objects; it has the right target."""
    wrong = s.queued[1] + 16
    s.u64(s.queued[0], wrong)
    s.u64(wrong, 0)
    s.u64(wrong + 8, s.a.address)
    s.u64(s.a.address + BACK, wrong)


@breaks(ONCE, "§2.2", b_dump)
def message_in_queue_and_bucket(s: Scene) -> None:
    """The bucket's last message is the queue's last."""
    s.u64(s.cached[0], s.queued[1])
    s.u64(s.bucket + 8, s.queued[1])


@breaks(ONCE, "§2.2", lambda s: f"slab {slab_of(s.queued[0]):#x}")
def message_that_is_free_already(s: Scene) -> None:
    """A message's next and a free object's link are the same bytes: null is a link to the slab's first object."""
    newest = s.queued[1]
    assert s.messages[0] % SLAB == s.heap.memory.u64[newest >> 3] == 0
    s.u16(meta(newest) + META_HEAD, newest % SLAB)
    s.u16(meta(newest) + META_USED, 4)


BUCKET = "a message lies in the bucket of its target, and their bytes are counted"


@breaks(BUCKET, "§2.2", b_dump)
def too_many_bytes_counted(s: Scene) -> None:
    s.u64(s.b.address + CACHED, 3 * 128)


@breaks(BUCKET, "§2.2", b_dump)
def bucket_forgotten(s: Scene) -> None:
    s.u64(s.bucket + 8, s.bucket)


@breaks(BUCKET, "§2.2", lambda s: f"bucket 2: {s.cached[0]:#x} -> {s.cached[1]:#x}")
def messages_in_the_wrong_bucket(s: Scene) -> None:
    s.u64(s.bucket + 16, s.cached[0])
    s.u64(s.bucket + 24, s.cached[1])
    s.u64(s.bucket, 0)
    s.u64(s.bucket + 8, s.bucket)


# The tests.


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_law_is_named(case: Case) -> None:
    with scene() as s:
        case.poke(s)
        with pytest.raises(sn.LawBroken) as broken:
            s.heap.check()
        error = broken.value
        assert (error.law, error.section) == (case.law, case.section), str(error)
        assert case.dump(s) in error.dump
        assert str(error) == f"law “{error.law}” ({error.section}) is broken: {error.reason}\n{error.dump}"


def test_every_law_is_broken_here() -> None:
    assert {(case.law, case.section) for case in CASES} == {(law.name, law.section) for law in LAWS}
    assert len({law.name for law in LAWS}) == len(LAWS)


POINTERS: dict[str, Callable[[Scene], int]] = {
    "list of available superslabs": lambda s: s.a.address + AVAILABLE,
    "list of superslabs with a short slab": lambda s: s.a.address + ONLY_SHORT,
    "next superslab": lambda s: s.superslab + CHUNK_NEXT,
    "list of slabs": lambda s: class_head(s.a, 3),
    "next slab": lambda s: s.pair[0] + 8,
    "list of medium slabs": lambda s: class_head(s.a, 23),
    "next medium slab": lambda s: chunk_of(s.medium[0]) + CHUNK_NEXT,
    "stack of blocks": freed_stack,
    "next block": lambda s: s.freed,
    "front of a queue": lambda s: s.a.address + FRONT,
    "back of a queue": lambda s: s.a.address + BACK,
    "first message": lambda s: s.a.address + STUB,
    "next message": lambda s: s.queued[0],
    "behind the newest message": lambda s: s.queued[1],
    "first of a bucket": lambda s: s.bucket,
    "last of a bucket": lambda s: s.bucket + 8,
    "next in a bucket": lambda s: s.cached[0],
    "target of a message": lambda s: s.cached[0] + 8,
    "owner of a superslab": lambda s: s.superslab + OWNER,
    "owner of a medium slab": lambda s: chunk_of(s.medium[0]) + OWNER,
}


@pytest.mark.parametrize("pointer", POINTERS)
@pytest.mark.parametrize("value", [1 << 20, FAR, (1 << 64) - 8], ids=hex)
def test_a_pointer_out_of_the_heap_breaks_a_law(pointer: str, value: int) -> None:
    """The first address behind the reserve, and ones that no computer has."""
    with scene() as s:
        s.u64(POINTERS[pointer](s), value)
        with pytest.raises(sn.LawBroken):
            s.heap.check()


def test_a_pointer_out_of_the_heap_is_called_that() -> None:
    with scene() as s:
        s.u64(s.a.address + AVAILABLE, FAR)
        with pytest.raises(sn.LawBroken, match="a pointer leads out of the heap") as broken:
            s.heap.check()
        assert (broken.value.law, broken.value.section) == (STATUS, "§2.8")


def test_laws_hold_of_a_heap_without_anything() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        heap.check()
        heap.acquire()
        heap.check()
