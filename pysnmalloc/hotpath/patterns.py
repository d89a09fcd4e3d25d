"""The hot path in one place: malloc and free, line by line, and their messages (§2.1, §2.2, §2.8).

    malloc                                      free
      inbox?          ─► receive                  inbox?               ─► receive
      used, head, base = bins[size]               used, head, base = slabs[p // slab_size]
      head odd?       ─► bump, or new slab        used < 2, base 0?    ─► head(p): not our slab
      p = base + head                             used < 2?            ─► put_back: was full, or
      p.link = -1?    ─► take_last: full now      p.link = head            this is its last object
      head = p.link, used += 1                    head = p - base, used -= 1

    another's object: free_remote ─► remote cache ─► post ~ ~ ~► receive_batch ─► free_messages

The steps of ``freelist``, ``remotecache`` and ``messagequeue``, on the same bytes; a test
compares them. They are fast because what can be kept is not computed again:

* A cell is a view of one word, with no dimensions: ``head[()]`` reads 16 bits of
  the heap without an index. Tables find a slab's cells, by size and by address.
* Poison instead of checks: what the fast path must not touch has head odd (like
  bump space) or used 0 (like the last object). An entry with used 0 says what to
  do in the place of ``head``: the cells of a full slab, or a function that frees.
* ``inbox`` is front.next as a C integer; its truth value tests 8 bytes.
* 65536 is a slab's size, since a constant is faster than a name; for configurations
  that have another it is replaced. ``//`` of small ints is faster than ``>>``.

The functions are patterns. Each allocator has its own of them (``binding``), whose
names are filled in with tables and views of its own (``fastpath``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..atomics import AtomicCounts, AtomicsLock

__all__ = [
    "Bin",
    "Cells",
    "Entry",
    "Filled",
    "Free",
    "Full",
    "WordCell",
    "abroad",
    "free",
    "free_messages",
    "malloc",
    "put_back",
    "receive_batch",
    "take_last",
]

WordCell: TypeAlias = "memoryview[int]"  #: of one word
Cells = tuple[WordCell, WordCell, int]  #: of a slab: used, head, its address
Bin = list[Any]  #: the same three, of the first slab of a size class; a list has no types by place
Free = Callable[[int], None]  #: frees an object
#: Of a full slab: used, head, link, its bin, the head of its list, the objects but one, its cells.
Full = tuple[WordCell, WordCell, WordCell, Bin, WordCell, int, Cells]
Entry = tuple[WordCell, Any, int]
"""What ``free`` finds by slab number. Any, since to ask for the type would cost more than all the rest:

* own, with space: Cells
* own, full: a cell that is always 0, Full, the slab's address
* another's, no slab: a cell that is always 0, Free, 0
"""

#: How an own slab gets full: its used and head as one cell, what they are then, its entry, its bin, head of its list.
Filled = tuple[WordCell, int, Entry, Bin, WordCell]

# Filled in by each allocator. The plain code of the concepts, for all that is rare:
plain_malloc: Callable[[int], int]
plain_free: Free
free_unknown: Free  # frees an object of a slab without an entry
free_other: Callable[[int, int, Entry], None]  # frees a message that is not of an own slab with two objects or more
receive: Callable[[], None]
post: Callable[[], None]

# Tables by size, and by slab number.
bins: tuple[Bin, ...]
rounded: list[int]  # object sizes
no_slab: Cells
slabs: list[Entry]
filled: list[Filled]  # right for own slabs
classes: list[int]  # size classes of own slabs

# The heap's bytes: all of them by address // 2 or address // 8, and single words.
u16: memoryview[int]
u64: memoryview[int]
prevs: memoryview[int]  # the two words of a list node; all ones, which end a list, are -1 here
nexts: memoryview[int]
targets: memoryview[int]  # the second word of a message
inbox: object  # true when a message waits
front: WordCell  # of the message queue
cached: WordCell  # bytes in the remote cache

# What else there is to know of messages.
lock: AtomicsLock
counts: AtomicCounts
departed: list[int]  # how many, by size class
arrived: list[int]
stub: int
most: int  # as many are a batch
limit: int  # so many bytes in the remote cache are posted
superslab: int  # the page map's value for one


def malloc(size: int) -> int:
    """Allocate. See ``Allocator.malloc``."""
    if inbox:
        receive()
    if size < 0:
        return plain_malloc(size)  # it would be an index from the end
    try:  # all of it, since behind a `try` there is a jump
        used, head, base = bins[size]
        offset = head[()]
        if offset & 1:
            if (behind := offset + rounded[size]) < 65536:
                head[()] = behind
                used[()] = used[()] + 1
                return base + offset - 1  # type: ignore[no-any-return]
            return plain_malloc(size)  # there is no slab, or this one gets full
        taken: int = base + offset
        link = u16[taken // 2]
        if link != 0xFFFF:  # -1, the end mark
            head[()] = link
            used[()] = used[()] + 1  # += is two steps of the interpreter more
            return taken
    except IndexError:
        return plain_malloc(size)
    return take_last(taken)


def free(address: int) -> None:
    """Free. See ``Allocator.free``."""
    if inbox:
        receive()
    try:
        used, head, base = slabs[address // 65536]
        count = used[()]
        if count > 1:
            # A ValueError where a negative address found a slab, before anything is stored.
            head[()], u16[address // 2] = address - base, head[()]
            used[()] = count - 1
            return None
    except (IndexError, ValueError):
        # Of no slab here, which a base behind the address says too; one name less to fetch.
        return put_back(address, 0, None, address + 1)  # type: ignore[arg-type]
    if base:
        return put_back(address, count, head, base)
    free_here: Free = head
    return free_here(address)


def take_last(taken: int) -> int:
    """Allocate the last free object, which is the list node, as ``SlabList.pop_front`` does."""
    index = taken // 65536
    used_and_head, when_full, slabs[index], bin, list_head = filled[index]
    used_and_head[()] = when_full
    after = nexts[taken // 8]
    list_head[()] = after
    if after >= 0:  # else the bin keeps this slab, whose head is odd now
        prevs[after // 8] = -1
        bin[:] = slabs[after // 65536]
    return taken


def put_back(address: int, count: int, slab: Full, base: int) -> None:
    """Free the first object of a full slab, as ``SlabList.insert`` does; leave the rest to the plain code."""
    if address < base:
        return free_unknown(address)  # or a negative one found a slab
    if count:
        return plain_free(address)  # its last object: the slab goes back to the superslab
    used, head, link, bin, list_head, left, cells = slab
    used[()] = left
    head[()] = link[()] = address - base
    node = address // 8
    first = list_head[()]
    prevs[node] = -1
    nexts[node] = first
    if first >= 0:
        prevs[first // 8] = address
    list_head[()] = address
    bin[:] = cells
    slabs[address // 65536] = cells
    return None


def abroad(
    kind: WordCell,
    owner_word: WordCell,
    owner: int,
    sizeclass_byte: WordCell,
    sizeclass: int,
    size: int,
    last: WordCell,
) -> Free:
    """Return the function that frees a slab's objects while it is another's, as ``RemoteCache.dealloc`` does (§2.2).

    Args:
        kind: of the slab's chunk in the page map. This and the next ones tell whether the slab still is what it was.
        owner_word: its superslab's owner.
        owner: what that was.
        sizeclass_byte: in its metadata.
        sizeclass: what that was.
        size: of its objects, in bytes.
        last: the last message of the owner's bucket in the remote cache.
    """

    def free_remote(address: int) -> None:
        if address < 0 or kind[()] != superslab or owner_word[()] != owner or sizeclass_byte[()] != sizeclass:
            return free_unknown(address)
        departed[sizeclass] += 1
        targets[address // 8] = owner
        u64[last[()] // 8] = address
        last[()] = address
        total = cached[()] + size
        cached[()] = total
        if total >= limit:
            post()
        return None

    return free_remote


def receive_batch() -> list[int]:
    """Take messages out of the queue, as ``MessageQueue.dequeue_batch`` does; the newest stays (§2.2)."""
    batch: list[int] = []
    message = front[()]
    after = 0
    with lock:  # so that each load acquires, as in `Atomics.load_links`
        for _ in range(most):
            after = u64[message // 8]
            if not after:
                break
            batch.append(message)
            message = after
    counts.loads += len(batch) + (not after)
    front[()] = message
    return batch


def free_messages(batch: list[int]) -> None:
    """Free a batch as ``free`` does, each run of messages of one slab with one load and store of its metadata."""
    run = count = before = link = 0
    used, head, base = no_slab
    batch.append(stub)  # which is no object: the last run ends there
    for message in batch:
        slab = message // 65536
        if slab == run and count > 1:
            u16[message // 2] = link
            link = message - base
            count -= 1
            continue
        if count:  # the run is over: all of it is in the objects but these
            head[()] = link
            used[()] = count
            arrived[classes[run]] += before - count
        try:
            used, head, base = slabs[slab]
        except IndexError:
            used, head, base = no_slab
        run, before = slab, used[()]
        if before > 1:
            u16[message // 2] = head[()]
            link = message - base
            count = before - 1
        else:
            count = 0
            free_other(message, slab, (used, head, base))
