"""The hot path in one place: malloc and free as closures, and their messages (§2.1, §2.2, §2.8).

    malloc                                      free
      inbox?          ─► receive                  inbox?          ─► receive
      used, head, base = bins[size]               used, head, base, otherwise = slabs[p // slab_size]
      head odd?       ─► bump, or new slab        used 0 or 1?    ─► otherwise(p):
      p = base + head                                 put_back, free_remote, the plain code, ...
      p.link = -1?    ─► take_last: full now      p.link = head, head = p - base, used -= 1
      head = p.link, used += 1

    another's object: free_remote ─► remote cache ─► post ~ ~ ~► receive_batch ─► free_messages

The steps are those of ``freelist``, ``remotecache`` and ``messagequeue`` on the same bytes, which
a test compares. They are fast because nothing is computed twice:

* A cell is a view of a single word, without dimensions. ``head[()]`` reads 16 bits of the heap
  without an index. Tables map sizes and addresses to the cells of a slab.
* Poison replaces checks. Cells whose ``head`` is odd, as in bump space, keep malloc from taking
  an object. Cells whose ``used`` is 0 keep free from pushing one, and name the function to call.
* ``inbox`` is front.next as a C integer, whose truth value tests 8 bytes at once.
* ``//`` on small ints is faster than ``>>``.

``hot_path`` builds the closures of one allocator, over tables that only its thread uses. On
free-threaded Python, an object that two threads share costs three times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ..allocator import demand_size
from ..atomics import AtomicCounts, AtomicsLock
from ..errors import integer
from ..interruption import Run, Section
from ..memory import NULL
from ..pagemap import SUPERSLAB

__all__ = [
    "Bin",
    "Cells",
    "Foreign",
    "FreeFunction",
    "HotPath",
    "Own",
    "Rare",
    "Tables",
    "WordCell",
    "hot_path",
    "poison",
]

T = TypeVar("T")
WordCell: TypeAlias = "memoryview[int]"  #: a view of one word
FreeFunction = Callable[[int], None]  #: a function that frees an object
CutOffFunction = Callable[[str, BaseException], None]  #: refuses every call after the named one, which an error cut off
Cells = tuple[WordCell, WordCell, int, FreeFunction]
"""What free reads of a slab: used; head; the slab's address; the function that frees an object if used is 0 or 1."""
Bin = list[Any]  #: the items of ``Cells`` of the first slab of a size class, which the type of a list cannot tell apart
Own = tuple[Cells, WordCell, WordCell, int, int, Bin, WordCell]
"""What changes when a slab of this allocator becomes full, and back: its cells; its link; used and head as one cell;
their value if it is full; used if one object is free; the bin of its size class; the head of its list."""


class Foreign(NamedTuple):
    """What a function reads when it frees an object of another allocator's slab.

    Attributes:
        kind: the page map's byte of the chunk. Kind, owner and size class show whether the slab has changed.
        owner_word: the word of the superslab that holds the owner.
        owner: the owner's address.
        sizeclass_byte: the byte of the slab's metadata that holds the size class.
        sizeclass: the size class.
        size: the bytes of an object.
        last: the word that holds the last message in the owner's bucket of the remote cache.
    """

    kind: WordCell
    owner_word: WordCell
    owner: int
    sizeclass_byte: WordCell
    sizeclass: int
    size: int
    last: WordCell


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one allocator's closures. ``FastAllocator`` keeps the lists consistent with the heap.

    Attributes:
        bins: by size: the bin of its class, which is the first slab with space, or poison.
        rounded: by size: the bytes of an object.
        no_slab: the cells of no slab, of which all poison is made.
        slabs: by slab number: the cells of this allocator's slab if it has space, otherwise poison.
        own: by slab number: for this allocator's slab, what changes when the slab becomes full.
        classes: by slab number: the size class of this allocator's slab, otherwise -1.
        verified: the slabs of others of which this allocator freed objects since the last post, by number, each
            with the poison that verifies it again.
        slab_size: the bytes of a slab.
        end_mark: -1 in the 16 bits of a link: the free list is empty after this object.
        u16, u64: the heap as words.
        prevs, nexts: the first and second words of list nodes, signed, so that the end of a list reads as -1.
        targets: the second words of messages.
        front: the word that holds the front of the message queue.
        stub: the address of the queue's stub.
        batch: the number of messages that are received at once, at most.
        cached: the word that holds the bytes in the remote cache.
        limit: the bytes in the remote cache at which it is posted.
        departed: messages sent, by size class.
        arrived: messages received, by size class.
        lock: the lock that emulates atomic operations.
        counts: the counts of atomic operations.
    """

    bins: tuple[Bin, ...]
    rounded: list[int]
    no_slab: Cells
    slabs: list[Cells]
    own: list[Own]
    classes: list[int]
    verified: list[tuple[int, Cells]]
    slab_size: int
    end_mark: int
    u16: memoryview[int]
    u64: memoryview[int]
    prevs: memoryview[int]
    nexts: memoryview[int]
    targets: memoryview[int]
    front: WordCell
    stub: int
    batch: int
    cached: WordCell
    limit: int
    departed: list[int]
    arrived: list[int]
    lock: AtomicsLock
    counts: AtomicCounts


@dataclass(frozen=True, slots=True)
class Rare:
    """The functions that the hot path calls in rare cases.

    Attributes:
        section: runs each of them, so that nothing cuts it in two.
        malloc: allocates without receiving messages.
        take_lone: allocates from the lone chunk, or returns 0; needs no section.
        free_lone: gives back the lone chunk with its only object, or returns False; see ``lone``.
        undo: frees what it allocated, without receiving messages.
        free: frees the last object of a slab, or a medium one.
        free_unknown: frees an object of a slab that the tables did not know, or returns the function that does.
        free_message: frees a message's object outside a run.
        keep: keeps a free that comes from inside another call; returns whether there is one.
        post: posts the remote cache.
        is_inside: returns whether this thread is in the middle of a call; raises if the heap is closed, or if a call
            was cut off.
        watch: returns an object that is true while another message is linked after the one at an address.
    """

    section: Section
    malloc: Callable[[int], int]
    take_lone: Callable[[int], int]
    free_lone: Callable[[int, bool], bool]
    undo: FreeFunction
    free: FreeFunction
    free_unknown: Callable[[int], FreeFunction | None]
    free_message: FreeFunction
    keep: Callable[[int], bool]
    post: Callable[[], None]
    is_inside: Callable[[], bool]
    watch: Callable[[int], object]


class HotPath(NamedTuple):
    """The closures of one allocator.

    Attributes:
        malloc: ``Allocator.malloc``.
        free: ``Allocator.free``.
        receive_now: receives, inside a section.
        apart: runs a section.
        rare_free: frees the last object of a slab, or a medium one.
        cut_off: refuses every later call, since one was cut off.
        close: makes later calls of ``malloc`` and ``free`` call ``receive``, which refuses them.
        full: the poison of this allocator's full slabs.
        unknown: the poison of slabs that the tables do not know.
        abroad: returns the poison of a slab of another allocator.
    """

    malloc: Callable[[int], int]
    free: FreeFunction
    receive_now: Callable[[], None]
    apart: Run
    rare_free: FreeFunction
    cut_off: CutOffFunction
    close: Callable[[], None]
    full: Cells
    unknown: Cells
    abroad: Callable[[Foreign], Cells]


def poison(tables: Tables, free: FreeFunction) -> Cells:
    """Return poison: cells from which malloc takes no object, and with which ``free`` frees the slab's objects."""
    used, head, base, _ = tables.no_slab
    return used, head, base, free


def hot_path(tables: Tables, rare: Rare) -> HotPath:
    """Build the closures of an allocator, in the thread that will use them."""
    bins, rounded, slabs = tables.bins, tables.rounded, tables.slabs
    slab_size, end_mark, u16 = tables.slab_size, tables.end_mark, tables.u16
    keep, is_inside, watch, front = rare.keep, rare.is_inside, rare.watch, tables.front
    receive_batch, free_messages = _receive_batch(tables), _free_messages(tables, rare)
    take_lone, free_lone, undo = rare.take_lone, rare.free_lone, rare.undo
    malloc_in_section, free_in_section = rare.malloc, rare.free
    run, thread = rare.section.run, rare.section.thread  # the state of the thread in which these closures run
    away = object()  # the inbox while a section is changing what the tables show, and after one was cut off
    ahead = watch(front[()])
    inbox = away  # until the first call, since the closures are made while a section changes the allocator

    def malloc(size: int) -> int:
        """Allocate. See ``Allocator.malloc``."""
        head: WordCell
        base: int
        if inbox:
            receive()
        try:
            if size < 0:
                raise IndexError  # it would count from the end
            used, head, base, _ = bins[size]
            offset = head[()]
            if offset & 1:
                if (behind := offset + rounded[size]) < slab_size:
                    head[()] = behind
                    used[()] = used[()] + 1
                    return base + offset - 1
                taken = 0  # there is no slab with space, or this one becomes full
            else:
                taken = base + offset
                link = u16[taken // 2]
                if link != end_mark:
                    head[()] = link
                    used[()] = used[()] + 1  # += takes the interpreter two more steps
                    return taken
        except BaseException as error:
            taken = spoil("malloc", error)
        return take_last(taken, size)

    def free(address: int) -> None:
        """Free. See ``Allocator.free``."""
        if inbox and receive_or_keep(address):
            return None
        try:
            used, head, base, otherwise = slabs[address // slab_size]
            count = used[()]
            if count > 1:
                # A negative address that found a slab raises ValueError here, before anything is stored.
                head[()], u16[address // 2] = address - base, head[()]
                used[()] = count - 1
                return None
        except BaseException as error:
            spoil("free", error)
            otherwise = free_unknown
        return otherwise(address)

    def spoil(call: str, error: BaseException) -> int:
        """Tell an argument that the tables do not have from a failure between two stores, which cuts the call off."""
        if not isinstance(error, Exception) or isinstance(error, MemoryError):
            cut_off(call, error)
            raise error
        return NULL

    def cut_off(call: str, error: BaseException) -> None:
        """Refuse every later call, since this one was cut off, perhaps between two stores."""
        nonlocal inbox
        inbox = away
        rare.section.cut_off(call, error)

    # What is rare runs in a section.

    def apart(call: str, undo: Callable[[T], None] | None, work: Callable[..., T], *arguments: object) -> T:
        """Run a section. While it changes what the tables show, ``malloc`` and ``free`` stay away from them."""
        nonlocal inbox
        inbox = away
        result = run(call, undo, work, *arguments)
        inbox = ahead
        return result

    def rare_malloc(size: int) -> int:
        """Allocate where no slab has space."""
        if type(size) is not int or size < 0:
            size = demand_size(size)
        taken = take_lone(size) if thread.frame is None else NULL
        return taken or apart("malloc", undo, malloc_in_section, size)

    def rare_free(address: int) -> None:
        """Free the last object of a slab, or a medium one."""
        if type(address) is not int:
            address = integer(address, "free", "address")
        if thread.frame is None:  # no call is under way
            if not free_lone(address, False):
                apart("free", None, free_in_section, address)
        elif not keep(address):
            apart("free", None, free_in_section, address)

    def free_unknown(address: int) -> None:
        """Free an object of a slab that the tables do not know, or that is at no address."""
        address = integer(address, "free", "address")
        if thread.frame is None or not keep(address):
            otherwise = apart("free", None, rare.free_unknown, address)
            if otherwise is not None:
                otherwise(address)

    def post() -> None:
        """Post the remote cache; from inside another call, leave it to a later one."""
        if not is_inside():
            apart("post", None, rare.post)

    def receive() -> None:
        """Receive as ``Allocator.receive`` does, and watch the new front. Raise if another call is under way."""
        if receive_outside():
            rare.section.demand_outside("malloc")

    def receive_or_keep(address: int) -> bool:
        """Receive, or keep a free that comes from inside another call; return whether it was kept."""
        return receive_outside() and keep(address)

    def receive_outside() -> bool:
        """Receive if there is a message, unless the call comes from inside another; return whether it does."""
        nonlocal inbox
        if is_inside():
            return True
        inbox = ahead  # it is still away if an exception left the last section
        if inbox:
            apart("receive", None, receive_now)
        return False

    def receive_now() -> None:
        """Receive, inside a section, and watch the new front."""
        nonlocal ahead
        batch = receive_batch()
        newest = front[()]
        # Only this thread receives, so no watch is needed if messages are already waiting.
        ahead = tables.u64[newest // 8] != NULL or watch(newest)
        free_messages(batch)
        if tables.cached[()] >= tables.limit:
            rare.post()

    def close() -> None:
        """Make ``malloc`` and ``free`` call ``receive``, which refuses, even if a caller has kept them."""
        nonlocal inbox
        inbox = away

    full, unknown = poison(tables, _put_back(tables, free, free_unknown, cut_off)), poison(tables, free_unknown)
    take_last = _take_last(tables, full, malloc, rare_malloc, cut_off)
    abroad = _abroad(tables, free_unknown, post, cut_off)
    return HotPath(malloc, free, receive_now, apart, rare_free, cut_off, close, full, unknown, abroad)


def _take_last(
    tables: Tables,
    full: Cells,
    malloc: Callable[[int], int],
    rare_malloc: Callable[[int], int],
    cut_off: CutOffFunction,
) -> Callable[[int, int], int]:
    """Build ``take_last``."""
    bins, slabs, own, slab_size = tables.bins, tables.slabs, tables.own, tables.slab_size
    prevs, nexts, u16, end_mark = tables.prevs, tables.nexts, tables.u16, tables.end_mark

    def take_last(taken: int, size: int) -> int:
        """Allocate a slab's last free object, which is the list node, as ``SlabList.pop_front`` does.

        For 0, there is no such object: allocate where no slab has space.
        """
        if not taken:
            return rare_malloc(size)
        _, first, base, _ = bins[size]
        if base + first[()] != taken or u16[taken // 2] != end_mark:
            return malloc(size)  # a handler or a finalizer ran since this function was called, and changed the slab
        try:
            index = taken // slab_size
            _, _, used_and_head, when_full, _, bin, list_head = own[index]
            used_and_head[()] = when_full
            slabs[index] = full
            after = nexts[taken // 8]
            list_head[()] = after
            if after >= 0:  # otherwise the bin keeps this slab, whose head is odd now
                prevs[after // 8] = -1
                bin[0], bin[1], bin[2], bin[3] = slabs[after // slab_size]
        except BaseException as error:
            cut_off("malloc", error)
            raise
        return taken

    return take_last


def _put_back(tables: Tables, free: FreeFunction, free_unknown: FreeFunction, cut_off: CutOffFunction) -> FreeFunction:
    """Build ``put_back``."""
    slabs, own, slab_size = tables.slabs, tables.own, tables.slab_size
    prevs, nexts = tables.prevs, tables.nexts

    def put_back(address: int) -> None:
        """Free an object of a full slab, and list the slab as ``SlabList.insert`` does."""
        index = address // slab_size
        if index < 0:
            return free_unknown(address)  # a negative index counts from the end of the tables
        if slabs[index][3] is not put_back:
            return free(address)  # as in ``take_last``: the slab is no longer full
        try:
            cells, link, _, _, left, bin, list_head = own[index]
            used, head, base, _ = cells
            used[()] = left
            head[()] = link[()] = address - base
            node = address // 8
            first = list_head[()]
            prevs[node] = -1
            nexts[node] = first
            if first >= 0:
                prevs[first // 8] = address
            list_head[()] = address
            bin[0], bin[1], bin[2], bin[3] = cells  # a slice would be an object that the collector counts
            slabs[index] = cells
        except BaseException as error:
            cut_off("free", error)
            raise
        return None

    return put_back


def _abroad(
    tables: Tables, free_unknown: FreeFunction, post: Callable[[], None], cut_off: CutOffFunction
) -> Callable[[Foreign], Cells]:
    """Build ``abroad``."""
    u64, targets, cached, limit = tables.u64, tables.targets, tables.cached, tables.limit
    departed, slabs, verified, slab_size = tables.departed, tables.slabs, tables.verified, tables.slab_size
    superslab = SUPERSLAB

    def abroad(slab: Foreign) -> Cells:
        """Return the poison of a slab that another allocator owns, whose objects become messages (§2.2)."""
        kind, owner_word, owner, sizeclass_byte, sizeclass, size, last = slab

        def free_verified(address: int) -> None:
            """Turn the object into a message, as ``RemoteCache.dealloc`` does."""
            try:
                u64[last[()] // 8] = address
                last[()] = address
                targets[address // 8] = owner
                departed[sizeclass] += 1
                total = cached[()] + size
                cached[()] = total
            except ValueError:  # a negative address that found a slab; nothing was stored
                total = NULL
            except BaseException as error:
                cut_off("free", error)
                raise
            if not total:
                return free_unknown(address)
            if total >= limit:
                post()
            return None

        def free_remote(address: int) -> None:
            """Verify the slab, then free. The slab cannot change before the post, since its owner counts the object."""
            if address < 0 or kind[()] != superslab or owner_word[()] != owner or sizeclass_byte[()] != sizeclass:
                return free_unknown(address)
            index = address // slab_size
            verified.append((index, doubtful))
            slabs[index] = sure
            return free_verified(address)

        doubtful, sure = poison(tables, free_remote), poison(tables, free_verified)
        return doubtful

    return abroad


def _receive_batch(tables: Tables) -> Callable[[], list[int]]:
    """Build ``receive_batch``."""
    u64, front, most, lock, counts = tables.u64, tables.front, tables.batch, tables.lock, tables.counts

    def receive_batch() -> list[int]:
        """Take messages from the queue, as ``MessageQueue.dequeue_batch`` does. The newest message stays (§2.2)."""
        batch: list[int] = []
        message = front[()]
        after = 0
        with lock:  # makes each load acquire, as in `Atomics.load_links`
            for _ in range(most):
                after = u64[message // 8]
                if not after:
                    break
                batch.append(message)
                message = after
        counts.loads += len(batch) + (not after)
        front[()] = message
        return batch

    return receive_batch


def _free_messages(tables: Tables, rare: Rare) -> Callable[[list[int]], None]:
    """Build ``free_messages``."""
    slabs, no_slab, slab_size, u16 = tables.slabs, tables.no_slab, tables.slab_size, tables.u16
    classes, arrived, stub = tables.classes, tables.arrived, tables.stub
    free_message = rare.free_message

    def free_messages(batch: list[int]) -> None:
        """Free a batch as ``free`` does, but load and store a slab's metadata only once per run of its messages."""
        run = count = before = link = 0
        used, head, base, _ = no_slab
        batch.append(stub)  # not an object, so the last run ends there
        for message in batch:
            slab = message // slab_size
            if slab == run and count > 1:
                u16[message // 2] = link
                link = message - base
                count -= 1
                continue
            if count:  # the run is over: store what is not in its objects
                head[()] = link
                used[()] = count
                arrived[classes[run]] += before - count
            try:
                used, head, base, _ = slabs[slab]
            except IndexError:
                used, head, base, _ = no_slab
            run, before = slab, used[()]
            if before > 1:
                u16[message // 2] = head[()]
                link = message - base
                count = before - 1
            else:
                count = 0
                free_message(message)

    return free_messages
