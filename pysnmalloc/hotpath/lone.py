"""A lone chunk: a superslab or medium slab that comes and goes with a single object (§2.5, §2.7, §2.8).

    malloc(64)   stack ─► superslab ─► page map ─► available ─► short slab ─► list of its class ─► object
    free(p)      the same way back, and the chunk's pages to the operating system

Everybody first tries this loop: ``free(malloc(64))`` on an empty heap. The plain code makes
some forty calls for each pair. In this module, each way is a dozen stores to words that are
known beforehand, if the chunk is as it was left: the head of the stack still holds the chunk,
with the incarnation number of the allocator's own push. Otherwise the plain code does the work.

The law: the bytes and the counts are those of the plain code. ``FastAllocator`` makes a lone
chunk when the plain code has returned the same chunk twice in a row. It is taken only after a
push by the functions here. After a push by the plain code, another allocator may use the chunk
and push it again before its number can be read.

A way needs no section (``interruption``) if it makes no call and no jump backward from its first
test to its last store, and holds both locks. The steps of the stack are therefore written out in
each function, and all tests and stores stand between taking the locks and giving them up. A chunk
whose pages must be decommitted is given back in a section, since that is a call.

The operating system sees one difference, although the bytes are the same. If the object lies
in the first page, a lone superslab touches only that page and the list node. The node's words
are then zeroed, and its page stays committed, since decommitting the page and touching it
again would take longer than everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..atomics import AtomicCounts, AtomicsLock
from ..large import Commitment
from ..memory import NULL
from ..pagemap import MEDIUM, NOT_OURS, SUPERSLAB
from ..stack import ONCE_MORE
from .closures import Bin, Cells, HotPath, Tables, WordCell, poison

__all__ = ["Lone", "LoneMedium", "LoneSuperslab", "Stack", "lone_mediumslab", "lone_superslab"]


@dataclass(frozen=True, slots=True)
class Lone:
    """A chunk that comes and goes with one object, and the functions that take it and give it back.

    Attributes:
        chunk: its address.
        sizeclass: the size class of the object.
        sizes: the request sizes that this class serves.
        take: takes the chunk and allocates its object, or returns 0 if the plain code must do so.
        give_back: frees the object with its chunk and returns True, or returns False if the plain code must do so.
            Its second argument says whether a section is under way, without which it decommits no page.
    """

    chunk: int
    sizeclass: int
    sizes: range
    take: Callable[[], int]
    give_back: Callable[[int, bool], bool]


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack of free chunks, and what changes when one allocator pops or pushes a chunk.

    Attributes:
        chunk: the address of the chunk.
        top, incarnation: the two words of the stack's head.
        link: the first word of the chunk.
        kind: the chunk's byte in the page map.
        owner: this allocator's address.
        lock: the lock that emulates atomic operations.
        counts: the counts of atomic operations.
        commitment: the count of committed bytes.
        amount: the bytes of a chunk that are committed only while it is in use.
    """

    chunk: int
    top: WordCell
    incarnation: WordCell
    link: WordCell
    kind: WordCell
    owner: int
    lock: AtomicsLock
    counts: AtomicCounts
    commitment: Commitment
    amount: int


@dataclass(frozen=True, slots=True)
class LoneSuperslab:
    """The words of a superslab whose only slab in use is the short slab, with a single object.

    Attributes:
        used: the superslab's field, which is 1 while only the short slab is in use.
        next: the superslab's link in its list.
        metadata: the short slab's word of metadata.
        taken: the value of that word just after the first object was allocated.
        slab_used, head: two fields of that word.
        list_head: the head of the size class's list of slabs.
        prev, next_node: the two words of the list node at the slab's end.
        node: the address of that node.
        available, only_short: the heads of the allocator's two lists of superslabs.
        cells: the slab's cells, for the tables.
        bin: the bin of the size class.
        object: the address of the slab's first object.
        lone_head: the value of ``head`` while no other object has been allocated.
        in_first_page: whether that object lies in the chunk's first page, which is never decommitted.
    """

    used: WordCell
    next: WordCell
    metadata: WordCell
    taken: int
    slab_used: WordCell
    head: WordCell
    list_head: WordCell
    prev: WordCell
    next_node: WordCell
    node: int
    available: WordCell
    only_short: WordCell
    cells: Cells
    bin: Bin
    object: int
    lone_head: int
    in_first_page: bool


def lone_superslab(
    tables: Tables,
    stack: Stack,
    words: LoneSuperslab,
    sizeclass: int,
    sizes: range,
    decommit: Callable[[], None],
    hot: HotPath,
) -> Lone:
    """Build ``take`` and ``give_back`` of a lone superslab."""
    chunk, top, incarnation, link, kind = stack.chunk, stack.top, stack.incarnation, stack.link, stack.kind
    owner, lock, counts, commitment, amount = stack.owner, stack.lock, stack.counts, stack.commitment, stack.amount
    cut_off, index = hot.cut_off, chunk // tables.slab_size
    slabs, classes, unknown = tables.slabs, tables.classes, hot.unknown
    used, after, metadata, taken = words.used, words.next, words.metadata, words.taken
    slab_used, head, list_head, node = words.slab_used, words.head, words.list_head, words.node
    prev, next_node, available, only_short = words.prev, words.next_node, words.available, words.only_short
    cells, bin, object = words.cells, words.bin, words.object
    lone_head, in_first_page = words.lone_head, words.in_first_page
    # The incarnation number and the link after the last push that was made here. Those of the plain code's push are not
    # known: when it has ended, another allocator may already have used the chunk and pushed it again.
    number = below = -1

    def take() -> int:
        """Take the superslab and its short slab, and allocate the slab's first object."""
        with commitment.lock, lock:  # one step, as the compare-exchange is
            if available[()] or only_short[()] or list_head[()] >= 0:
                return NULL
            if top[()] != chunk or incarnation[()] != number:
                return NULL
            try:
                top[()] = below
                incarnation[()] = number + 1 & ONCE_MORE
                counts.loads += 3
                counts.compare_exchanges += 1
                commitment.committed += amount
                link[()] = owner  # the first word of a chunk in use
                kind[()] = SUPERSLAB
                available[()] = chunk
                used[()] = 1
                metadata[()] = taken
                prev[()] = next_node[()] = -1
                list_head[()] = node
                slabs[index] = cells
                bin[0], bin[1], bin[2], bin[3] = cells
                classes[index] = sizeclass
            except BaseException as error:
                cut_off("malloc", error)
                raise
        return object

    def give_back(address: int, inside: bool) -> bool:
        """Free the last object, and give back the slab and the superslab."""
        nonlocal number, below
        clean = False
        while address // tables.slab_size == index:
            with commitment.lock, lock:
                if not clean and (
                    used[()] != 1
                    or slab_used[()] != 1
                    or list_head[()] != node
                    or next_node[()] >= 0  # zero once its page was decommitted
                    or available[()] != chunk
                    or after[()]
                ):
                    return False
                if clean or (in_first_page and head[()] == lone_head):
                    try:
                        below = top[()]
                        link[()] = below
                        number = incarnation[()] + 1 & ONCE_MORE
                        top[()] = chunk
                        incarnation[()] = number
                        counts.loads += 2
                        counts.stores += 1
                        counts.compare_exchanges += 1
                        commitment.committed -= amount
                        kind[()] = NOT_OURS
                        slab_used[()] = 0
                        list_head[()] = -1
                        used[()] = available[()] = NULL
                        prev[()] = next_node[()] = 0
                        slabs[index] = unknown
                        bin[0], bin[1], bin[2], bin[3] = unknown
                        classes[index] = -1
                    except BaseException as error:
                        cut_off("free", error)
                        raise
                    return True
            if not inside:
                return False
            decommit()
            clean = True  # in a section, nothing comes between the tests and the stores
        return False

    return Lone(chunk, sizeclass, sizes, take, give_back)


@dataclass(frozen=True, slots=True)
class LoneMedium:
    """The words of a medium slab with a single object.

    Attributes:
        free: the number of free objects.
        head: the number of allocated objects.
        slots: the number of objects for which the slab has space.
        next: the slab's link in its list.
        list_head: the head of that list.
        object: the address of the object on top of the stack of indices.
    """

    free: WordCell
    head: WordCell
    slots: int
    next: WordCell
    list_head: WordCell
    object: int


def lone_mediumslab(
    tables: Tables,
    stack: Stack,
    words: LoneMedium,
    sizeclass: int,
    sizes: range,
    decommit: Callable[[], None],
    hot: HotPath,
) -> Lone:
    """Build ``take`` and ``give_back`` of a lone medium slab."""
    chunk, top, incarnation, link, kind = stack.chunk, stack.top, stack.incarnation, stack.link, stack.kind
    owner, lock, counts, commitment, amount = stack.owner, stack.lock, stack.counts, stack.commitment, stack.amount
    cut_off, slabs, index = hot.cut_off, tables.slabs, words.object // tables.slab_size
    free, head, after, list_head = words.free, words.head, words.next, words.list_head
    ours, unknown = poison(tables, hot.rare_free), hot.unknown
    slots, left, object = words.slots, words.slots - 1, words.object
    number = below = -1  # as in a lone superslab

    def take() -> int:
        """Take the medium slab, and allocate the object on top of its stack."""
        with commitment.lock, lock:
            if list_head[()] or top[()] != chunk or incarnation[()] != number:
                return NULL
            try:
                top[()] = below
                incarnation[()] = number + 1 & ONCE_MORE
                counts.loads += 3
                counts.compare_exchanges += 1
                commitment.committed += amount
                link[()] = owner
                kind[()] = MEDIUM
                head[()] = 1
                free[()] = left
                list_head[()] = chunk
                slabs[index] = ours
            except BaseException as error:
                cut_off("malloc", error)
                raise
        return object

    def give_back(address: int, inside: bool) -> bool:
        """Free the only object, and give back the medium slab."""
        nonlocal number, below
        if not inside or address != object or head[()] != 1 or list_head[()] != chunk or after[()]:
            return False
        decommit()
        with commitment.lock, lock:
            try:
                below = top[()]
                link[()] = below
                number = incarnation[()] + 1 & ONCE_MORE
                top[()] = chunk
                incarnation[()] = number
                counts.loads += 2
                counts.stores += 1
                counts.compare_exchanges += 1
                commitment.committed -= amount
                kind[()] = NOT_OURS
                head[()] = 0
                free[()] = slots
                list_head[()] = NULL
                slabs[index] = unknown
            except BaseException as error:
                cut_off("free", error)
                raise
        return True

    return Lone(chunk, sizeclass, sizes, take, give_back)
