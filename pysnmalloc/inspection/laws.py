"""The laws: what holds for every structure between calls, each written once, as code.

    @law("used counts the slabs in use", "§2.8")
    def _(survey):                 yields (reason, dump) for each breach;
        for superslab in ...:      if the law holds, it yields nothing
            if ...: yield reason, dump

``Heap.check`` runs all laws, in this order, and raises ``LawBroken`` for the first
breach. The laws read only the heap's bytes, so they can be run on any heap while
no thread is in a call. Tests run them after every step.

A broken list may be endless, so every walk stops one step after the largest
number of steps that could be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from ..allocator import Allocator, Shared
from ..chunklist import KIND, OWNER, Kind
from ..errors import LawBroken
from ..messagequeue import TARGET
from ..metaslab import BUMP_BIT
from ..pagemap import JUMP, MEDIUM, NOT_OURS, SUPERSLAB
from ..slablist import TERMINATOR
from ..superslab import Status
from .survey import Survey, hexes

__all__ = ["LAWS", "Law", "check_laws"]

Breach = tuple[str, str]  # a reason, and a dump of the structure


@dataclass(frozen=True)
class Law:
    """One law: its name, the paper's section, and the code that finds breaches.

    Attributes:
        name: what holds, as a sentence.
        section: the section or sections of the paper that state it, such as ``§2.8``.
        breaches: a function of a survey of the heap that yields a reason and a dump for each breach.
    """

    name: str
    section: str
    breaches: Callable[[Survey], Iterator[Breach]]

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to find the law again, for pickle and copy: by its name, since its code has none."""
        return _law_named, (self.name,)


LAWS: list[Law] = []
"""All laws, in the order in which they are checked. Each may rely on those before it."""


def _law_named(name: str) -> Law:
    """Return the law of a name."""
    return next(each for each in LAWS if each.name == name)


def law(name: str, section: str) -> Callable[[Callable[[Survey], Iterator[Breach]]], None]:
    """Register a function as a law."""

    def enter(breaches: Callable[[Survey], Iterator[Breach]]) -> None:
        LAWS.append(Law(name, section, breaches))

    return enter


def check_laws(shared: Shared, allocators: Iterable[Allocator]) -> None:
    """Raise ``LawBroken`` for the first law that does not hold. Cost: a walk over the whole heap."""
    survey = Survey(shared, allocators)
    for each in LAWS:
        try:
            breach = next(each.breaches(survey), None)
        except IndexError:
            breach = ("a pointer leads out of the heap", survey.dump_pagemap())
        if breach is not None:
            raise LawBroken(each.name, each.section, *breach)


@law("the bump pointer is at a chunk of the reserve, or at its end", "§2.5")
def _(survey: Survey) -> Iterator[Breach]:
    """Chunks before it were handed out; chunks after it never were."""
    first, end, size = survey.layout.first_chunk, survey.layout.end, survey.config.chunk_size
    if not first <= survey.bump <= end or survey.bump % size:
        yield f"it is {survey.bump:#x}; the chunks lie from {first:#x} to {end:#x}", f"bump pointer: {survey.bump:#x}"


# The page map.


@law("the page map knows every chunk", "§2.4")
def _(survey: Survey) -> Iterator[Breach]:
    """Each byte is a kind; a large object has its length and its jumps; the byte at the bump pointer is 0.

    After a fork, there may be jumps that lead to no length: a lost thread was entering or removing that object.
    """
    pagemap, bits = survey.pagemap, survey.config.chunk_bits
    begin = rest = 0
    for chunk in survey.chunks:
        kind = pagemap.get(chunk)
        if rest:
            start, _bits = pagemap.large_start(chunk)
            jump = (chunk - start >> bits).bit_length() - 1
            if kind != JUMP + bits + jump or start != begin:
                yield (
                    f"chunk {chunk:#x} is inside the large object at {begin:#x}, but its byte is {kind}",
                    (survey.dump_pagemap()),
                )
            rest -= 1
        elif survey.lost and kind >= JUMP + bits and pagemap.large_start(chunk) == (0, 0):
            continue
        elif kind not in (NOT_OURS, SUPERSLAB, MEDIUM):
            begin, rest = chunk, (1 << max(kind - bits, 0)) - 1
            if not bits <= kind < 48 or chunk + (1 << kind) > survey.chunks.stop:
                yield (
                    f"chunk {chunk:#x} has the byte {kind}, which is not a kind of chunk",
                    survey.dump_pagemap(),
                )
    if pagemap.get(survey.chunks.stop) != NOT_OURS:
        yield (
            f"chunk {survey.chunks.stop:#x} was never handed out, but the page map has an entry for it",
            survey.dump_pagemap(),
        )


@law("a chunk's header agrees with the page map", "§2.7, §2.8")
def _(survey: Survey) -> Iterator[Breach]:
    """The header of a superslab or medium slab has the right kind and an existing owner."""
    for kind, name, expected in ((SUPERSLAB, "superslab", Kind.SUPER), (MEDIUM, "medium slab", Kind.MEDIUM)):
        for chunk in survey.chunks:
            if survey.pagemap.get(chunk) == kind:
                header, owner = (survey.memory.u64[chunk + field >> 3] for field in (KIND, OWNER))
                if header != expected or owner not in survey.known:
                    yield (
                        f"{name} {chunk:#x} has kind {header} and owner {owner:#x} in its header",
                        (survey.dump_pagemap()),
                    )


# Superslabs.


@law("a superslab's list visits each free slab once, and used counts the others", "§2.8")
def _(survey: Survey) -> Iterator[Breach]:
    """The list leads in relative steps, through slabs without objects, to index 0."""
    count = survey.config.slab_count
    for superslab, _owner in survey.of_kind(SUPERSLAB):
        free = survey.free_slabs(superslab)
        fields = [survey.metaslab.fields(superslab + i * survey.config.slab_size) for i in range(count)]
        in_use = [i for i in range(1, count) if fields[i].used]
        expected = 2 * len(in_use) + (fields[0].used > 0)
        if sorted(free + in_use) != list(range(1, count)):
            yield (
                f"the free list {free} and the slabs in use {in_use} do not make up all slabs, each once",
                (survey.dump_superslab(superslab)),
            )
        if survey.superslab.used(superslab) != expected:
            yield (
                f"used is {survey.superslab.used(superslab)}, not {expected}",
                survey.dump_superslab(superslab),
            )


@law("a superslab is on the list of its status, and never empty", "§2.8")
def _(survey: Survey) -> Iterator[Breach]:
    """Available and only-short superslabs are on their owner's lists; full superslabs are on none."""
    for allocator in survey.allocators.values():
        lists = {Status.AVAILABLE: allocator.available, Status.ONLY_SHORT: allocator.only_short}
        for status, chunks in lists.items():
            expected = {
                c for c, o in survey.of_kind(SUPERSLAB) if o is allocator and survey.superslab.status(c) is status
            }
            listed = survey.listed(chunks)
            wrong = survey.wrong_prev(listed)
            if sorted(listed) != sorted(expected) or wrong:
                yield (
                    f"list “{status.value}” of allocator {allocator.number}: {hexes(listed)}, not {hexes(expected)}; "
                    f"wrong prev in {hexes(wrong)}",
                    "\n".join(map(survey.dump_superslab, sorted(expected | set(listed) & set(survey.chunks)))),
                )
    for superslab, _owner in survey.of_kind(SUPERSLAB):
        if survey.superslab.status(superslab) is Status.EMPTY:
            yield "it is empty, but was not given back", survey.dump_superslab(superslab)


# Slabs.


@law("a slab's objects are allocated, on the free list or bump space, each once", "§2.8")
def _(survey: Survey) -> Iterator[Breach]:
    """Used * size + free list + bump space + front = the slab; entries are objects, in range and distinct."""
    slab_size = survey.config.slab_size
    for slab, _owner in survey.slabs():
        fields = survey.metaslab.fields(slab)
        if fields.sizeclass >= survey.config.num_small:
            yield f"size class {fields.sizeclass} is not a small class", survey.dump_slab(slab)
            return
        size = survey.table.sizes[fields.sizeclass]
        first = survey.table.first_head(fields.sizeclass, short=survey.is_short(slab)) - BUMP_BIT
        *entries, end = survey.free_entries(slab)
        full = end == survey.metaslab.full
        bump = slab_size if full else end - BUMP_BIT
        wrong = [entry for entry in (*entries, bump) if entry < first or (slab_size - entry) % size]
        if wrong or end & BUMP_BIT == 0 or any(entry >= bump for entry in entries):
            yield (
                f"the free list has entries that are not objects of {size} bytes from {first:#x}",
                (survey.dump_slab(slab)),
            )
        elif len(set(entries)) != len(entries):
            yield "the free list visits an object twice", survey.dump_slab(slab)
        elif fields.used + len(entries) != (bump - first) // size:
            yield (
                (
                    f"used={fields.used} and {len(entries)} free objects do not add up to the "
                    f"{(bump - first) // size} objects before the bump pointer"
                ),
                survey.dump_slab(slab),
            )


@law("the list node lies in free memory, at the end of the free list", "§2.8")
def _(survey: Survey) -> Iterator[Breach]:
    """``link`` is the slab's last 16 bytes while bump space remains, else the last object on the free list."""
    for slab, _owner in survey.slabs():
        link, (*entries, end) = survey.metaslab.fields(slab).link, survey.free_entries(slab)
        if end == survey.metaslab.full and not entries:
            continue  # a full slab has no node
        expected = entries[-1] if end == survey.metaslab.full else survey.metaslab.node_at_end
        if link != expected:
            yield f"link is {link:#x}, not {expected:#x}", survey.dump_slab(slab)


@law("a slab is on its class's list exactly while it has free space", "§2.8")
def _(survey: Survey) -> Iterator[Breach]:
    """Each list holds the nodes of the owner's slabs of one class that are not full, and is doubly linked."""
    expected: dict[tuple[int, int], set[int]] = {}
    for slab, owner in survey.slabs():
        fields = survey.metaslab.fields(slab)
        if not survey.metaslab.is_full(fields.head):
            expected.setdefault((owner.address, fields.sizeclass), set()).add(slab + fields.link)
    most = len(survey.chunks) * survey.config.slab_count + 1
    for allocator in survey.allocators.values():
        for sizeclass, slabs in enumerate(allocator.small_classes):
            nodes = list(islice(slabs.walk(), most))
            should = expected.get((allocator.address, sizeclass), set())
            broken = [b for a, b in pairwise((TERMINATOR, *nodes)) if survey.memory.u64[b >> 3] != a]
            if sorted(nodes) != sorted(should) or broken:
                yield (
                    (
                        f"allocator {allocator.number}, class {sizeclass}: the list is {hexes(nodes)}, "
                        f"not {hexes(should)}; wrong prev in {hexes(broken)}"
                    ),
                    "\n".join(survey.dump_slab(survey.metaslab.slab_of(node)) for node in sorted({*nodes, *should})),
                )


# Medium slabs.


@law("a medium slab's stack holds each free object once", "§2.7")
def _(survey: Survey) -> Iterator[Breach]:
    """Free = slots - head, and the entries of stack[head:] are distinct objects."""
    for slab, _owner in survey.of_kind(MEDIUM):
        sizeclass = survey.medium.sizeclass(slab)
        if not survey.config.num_small <= sizeclass < survey.config.num_sizeclasses:
            yield f"size class {sizeclass} is not a medium class", survey.dump_pagemap()
            return
        slots, units = survey.table.capacity(sizeclass), survey.table.sizes[sizeclass] // 256
        objects = {survey.config.chunk_size // 256 - slot * units for slot in range(1, slots + 1)}
        stack = survey.medium.stack(slab)
        if survey.medium.free(slab) != slots - survey.medium.head(slab):
            yield f"free and head do not add up to {slots}", survey.dump_medium(slab)
        elif len(set(stack)) != len(stack) or not objects.issuperset(stack):
            yield "the free indices are not those of distinct objects", survey.dump_medium(slab)


@law("a medium slab is on its class's list exactly while it has free and allocated objects", "§2.7")
def _(survey: Survey) -> Iterator[Breach]:
    """A medium slab is never empty, since an empty one is given back."""
    for allocator in survey.allocators.values():
        own = [slab for slab, owner in survey.of_kind(MEDIUM) if owner is allocator]
        for medium_class, slabs in enumerate(allocator.medium_classes):
            sizeclass = medium_class + survey.config.num_small
            should = {s for s in own if survey.medium.sizeclass(s) == sizeclass and not survey.medium.full(s)}
            listed = survey.listed(slabs)
            wrong = survey.wrong_prev(listed)
            if sorted(listed) != sorted(should) or wrong:
                yield (
                    f"allocator {allocator.number}'s list of class {sizeclass}: {hexes(listed)}, not {hexes(should)}; "
                    f"wrong prev in {hexes(wrong)}",
                    "\n".join(map(survey.dump_medium, sorted({*listed, *should}))),
                )
        for slab in own:
            if survey.medium.empty(slab):
                yield "it is empty, but was not given back", survey.dump_medium(slab)


# Large objects.


@law("every chunk is in use, or in one block of one stack", "§2.5")
def _(survey: Survey) -> Iterator[Breach]:
    """Free blocks are aligned, do not overlap, and together are the chunks that the page map calls not ours.

    After a fork, some blocks may be missing: those that threads of the parent were just moving.
    """
    free: list[int] = []
    any_allocator = next(iter(survey.allocators.values()), None)
    large = any_allocator.large if any_allocator is not None else None
    stacks = [*enumerate(large.stacks), *enumerate(large.skipped)] if large is not None else []
    for large_class, stack in stacks:
        size = survey.config.chunk_size << large_class
        for block in islice(stack.walk(), len(survey.chunks) + 1):
            if block % size or block not in survey.chunks:
                yield (
                    f"stack {large_class} holds {block:#x}, which is not a block of {size} bytes",
                    survey.dump_pagemap(),
                )
                return
            free.extend(range(block, block + size, survey.config.chunk_size))
    should = [chunk for chunk in survey.chunks if survey.pagemap.get(chunk) == NOT_OURS]
    twice = len(set(free)) != len(free)
    astray = not set(should) >= set(free) if survey.lost else sorted(free) != should
    if any_allocator is not None and (twice or astray):
        yield f"the stacks hold the chunks {hexes(free)}, not {hexes(should)}", survey.dump_pagemap()


# Messages.


@law("the queue reaches from front to back", "§2.2")
def _(survey: Survey) -> Iterator[Breach]:
    """Between calls no producer is in the middle of an enqueue, so the list is connected."""
    for allocator in survey.allocators.values():
        most = (survey.chunks.stop - survey.chunks.start) // 16 + 2
        reached = list(islice(allocator.queue.walk(), most))
        if len(set(reached)) != len(reached):
            yield "the links from front form a cycle", survey.dump_allocator(allocator)
        elif not reached or reached[-1] != allocator.queue.back():
            yield f"the links from front lead to {hexes(reached[-1:])}, not to back", survey.dump_allocator(allocator)


@law("each message is an object on its way to its owner, once", "§2.2")
def _(survey: Survey) -> Iterator[Breach]:
    """Each occurs once in all queues and buckets together, and none is free in its slab."""
    seen: set[int] = set()
    for allocator in survey.allocators.values():
        for message in survey.flying(allocator):
            chunk = message & ~(survey.config.chunk_size - 1)
            target, owner = survey.memory.u64[message + TARGET >> 3], survey.memory.u64[chunk + OWNER >> 3]
            if survey.object_size(message) is None or target != owner:
                yield (
                    f"message {message:#x} to {target:#x} is not an object of that owner",
                    survey.dump_allocator(allocator),
                )
            if message in seen:
                yield f"message {message:#x} is on its way twice", survey.dump_allocator(allocator)
            seen.add(message)
    for slab, _owner in survey.slabs():
        *entries, _end = survey.free_entries(slab)
        twice = seen.intersection(slab + entry for entry in entries)
        if twice:
            yield f"{hexes(twice)} are on their way and free already", survey.dump_slab(slab)
    for slab, _owner in survey.of_kind(MEDIUM):
        twice = seen.intersection(slab + 256 * index for index in survey.medium.stack(slab))
        if twice:
            yield f"{hexes(twice)} are on their way and free already", survey.dump_medium(slab)


@law("a message lies in the bucket of its target, and their bytes are counted", "§2.2")
def _(survey: Survey) -> Iterator[Breach]:
    """Between posts, every message is in its bucket of round 0."""
    for allocator in survey.allocators.values():
        total = 0
        for index in range(survey.config.buckets):
            for message in allocator.cache.walk(index):
                total += survey.object_size(message) or 0
                if allocator.cache.index(survey.memory.u64[message + TARGET >> 3], 0) != index:
                    yield f"message {message:#x} is in the wrong bucket, {index}", survey.dump_allocator(allocator)
        if total != allocator.cache.cached():
            yield (
                f"{total} bytes are cached, but {allocator.cache.cached()} are counted",
                survey.dump_allocator(allocator),
            )
