"""A lone chunk: the superslab or medium slab of a single object, which comes and goes with it (§2.5, §2.7, §2.8).

    malloc(64)   stack ─► superslab ─► page map ─► available ─► short slab ─► list of its class ─► object
    free(p)      the same way back, and the chunk's pages to the operating system

That is the first loop that everybody tries, ``free(malloc(64))`` on an empty heap. The plain
code takes some forty calls for it. Here each way is a dozen stores to words that are known
beforehand, since the chunk is found as it was left: the head of the stack still holds it, with
the incarnation number of our own push. Where anything else is found, the plain code does it.

The law: the bytes, the counts and the order of stores before the push are those of the plain
code. The two ways are learned: ``FastAllocator`` makes a lone chunk when the plain code has
given back the same chunk twice in a row.

One page differs for the operating system, not for the bytes. An object of the first page and
the list node are all that a lone superslab touches, so the node's words are stored as zeroes
and its page stays, to be used again at once: giving it back and getting it again would take
longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..atomics import AtomicCounts, AtomicsLock
from ..large import Commitment
from ..memory import NULL
from ..pagemap import MEDIUM, NOT_OURS, SUPERSLAB
from ..stack import ONCE_MORE
from .closures import Bin, Cells, FreeFunction, Tables, WordCell, poison

__all__ = ["Lone", "LoneMedium", "LoneSuperslab", "Stack", "lone_mediumslab", "lone_superslab"]


@dataclass(frozen=True, slots=True)
class Lone:
    """A chunk that comes and goes with one object, once the plain code has shown how.

    Attributes:
        chunk: its address.
        sizeclass: the size class of the object.
        sizes: the requests that this class serves.
        wait: notes that the plain code has just given the chunk back.
        take: takes the chunk and allocates its object; returns 0 where the plain code must do it.
        give_back: frees the object and gives the chunk back; returns whether it did, else the plain code must.
    """

    chunk: int
    sizeclass: int
    sizes: range
    wait: Callable[[], None]
    take: Callable[[], int]
    give_back: Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack of free chunks, and what a pop and a push of one allocator change.

    Attributes:
        chunk: the chunk that comes and goes.
        top, incarnation: the two words of the stack's head.
        link: the first word of the chunk.
        kind: the chunk's byte in the page map.
        owner: this allocator's address.
        lock: the lock of the atomic operations.
        counts: counts of atomic operations.
        commitment: the count of committed bytes.
        amount: bytes of a chunk that are committed while it is in use.
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


Ends = tuple[Callable[[], None], Callable[[int], bool], Callable[[], None]]


def ends_of(stack: Stack) -> Ends:
    """Build ``wait``, ``pop`` and ``push`` for a chunk: the steps of ``ChunkStack``, ``PageMap`` and ``Commitment``."""
    chunk, top, incarnation, link, kind = stack.chunk, stack.top, stack.incarnation, stack.link, stack.kind
    owner, lock, counts, commitment, amount = stack.owner, stack.lock, stack.counts, stack.commitment, stack.amount
    number = below = -1  # the incarnation number and the link, as our own push left them

    def wait() -> None:
        """Note how the plain code has left the stack."""
        nonlocal number, below
        number, below = incarnation[()], link[()]

    def pop(is_now: int) -> bool:
        """Take the chunk if nothing has happened to the stack since it was pushed."""
        with lock:  # one step, as the compare-exchange is
            if top[()] != chunk or incarnation[()] != number:
                return False
            top[()] = below
            incarnation[()] = number + 1 & ONCE_MORE
        counts.loads += 3
        counts.compare_exchanges += 1
        with commitment.lock:
            commitment.committed += amount
        link[()] = owner  # the first word of a chunk in use
        kind[()] = is_now
        return True

    def push() -> None:
        """Give the chunk back. The lock publishes what was stored before."""
        nonlocal number, below
        with commitment.lock:
            commitment.committed -= amount
        with lock:
            below = top[()]
            link[()] = below
            number = incarnation[()] + 1 & ONCE_MORE
            top[()] = chunk
            incarnation[()] = number
        counts.loads += 2
        counts.stores += 1
        counts.compare_exchanges += 1

    return wait, pop, push


@dataclass(frozen=True, slots=True)
class LoneSuperslab:
    """The words of a superslab whose short slab has one object, and nothing else.

    Attributes:
        used: of the superslab: 1 while the short slab is in use.
        next: of the superslab in its list.
        metadata: the word of the short slab.
        taken: what that word is when the first object was just allocated.
        slab_used, head: two fields of it.
        list_head: the head of the size class's list of slabs.
        prev, next_node: the two words of the list node at the slab's end.
        node: its address.
        available, only_short: the heads of the allocator's two lists of superslabs.
        cells: of the slab, for the tables.
        bin: of the size class.
        object: the address of the slab's first object.
        lone_head: ``head`` while no other object was ever allocated.
        in_first_page: whether that object lies in the chunk's first page, which is never given back.
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
) -> Lone:
    """Build the two ways of a lone superslab."""
    wait, pop, push = ends_of(stack)
    chunk, kind, index = stack.chunk, stack.kind, stack.chunk // tables.slab_size
    slabs, classes, no_slab = tables.slabs, tables.classes, tables.no_slab
    used, after, metadata, taken = words.used, words.next, words.metadata, words.taken
    slab_used, head, list_head, node = words.slab_used, words.head, words.list_head, words.node
    prev, next_node, available, only_short = words.prev, words.next_node, words.available, words.only_short
    cells, bin, object = words.cells, words.bin, words.object
    lone_head, in_first_page = words.lone_head, words.in_first_page

    def take() -> int:
        """Take the superslab, its short slab and the slab's first object."""
        if available[()] or only_short[()] or list_head[()] >= 0 or not pop(SUPERSLAB):
            return NULL
        available[()] = chunk
        used[()] = 1
        metadata[()] = taken
        prev[()] = next_node[()] = -1
        list_head[()] = node
        bin[:] = slabs[index] = cells
        classes[index] = sizeclass
        return object

    def give_back(address: int) -> bool:
        """Free the last object, and give slab and superslab back."""
        if (
            address // tables.slab_size != index
            or used[()] != 1
            or slab_used[()] != 1
            or list_head[()] != node
            or next_node[()] >= 0
            or available[()] != chunk
            or after[()]
        ):
            return False
        slab_used[()] = 0
        list_head[()] = -1
        used[()] = available[()] = NULL
        bin[:] = slabs[index] = no_slab
        classes[index] = -1
        kind[()] = NOT_OURS
        if in_first_page and head[()] == lone_head:
            prev[()] = next_node[()] = 0
        else:
            decommit()
        push()
        return True

    return Lone(chunk, sizeclass, sizes, wait, take, give_back)


@dataclass(frozen=True, slots=True)
class LoneMedium:
    """The words of a medium slab that has one object.

    Attributes:
        free: the number of free objects.
        head: the number of allocated objects.
        slots: how many objects the slab has.
        next: of the slab in its list.
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
    rare_free: FreeFunction,
) -> Lone:
    """Build the two ways of a lone medium slab."""
    wait, pop, push = ends_of(stack)
    chunk, kind, slabs, index = stack.chunk, stack.kind, tables.slabs, words.object // tables.slab_size
    free, head, after, list_head = words.free, words.head, words.next, words.list_head
    ours, no_slab = poison(tables, rare_free), tables.no_slab
    slots, left, object = words.slots, words.slots - 1, words.object

    def take() -> int:
        """Take the medium slab and the object on top of its stack."""
        if list_head[()] or not pop(MEDIUM):
            return NULL
        head[()] = 1
        free[()] = left
        list_head[()] = chunk
        slabs[index] = ours
        return object

    def give_back(address: int) -> bool:
        """Free the only object, and give the medium slab back."""
        if address != object or head[()] != 1 or list_head[()] != chunk or after[()]:
            return False
        head[()] = 0
        free[()] = slots
        list_head[()] = NULL
        slabs[index] = no_slab
        kind[()] = NOT_OURS
        decommit()
        push()
        return True

    return Lone(chunk, sizeclass, sizes, wait, take, give_back)
