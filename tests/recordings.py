"""What tests of recordings and pictures share: programs that do all, and readers that ask no code of it.

drive(heap)             calls of three allocators that meet every kind of change
Bytes(recording)        a heap's bytes, made again from the stores of the events, by hand
Reader(bytes, config)   metadata words, lists, queues, read off bytes by hand
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import pysnmalloc as sn
from pysnmalloc.recording.events import Event
from pysnmalloc.recording.recording import Recording

RESERVE = 1 << 22
SIZES = (16, 16, 40, 48, 200, 1000, 1024, 1500, 3000, 9000, 20000)


def drive(heap: sn.Heap, calls: int = 600, seed: int = 1) -> list[int]:
    """Make random calls by three allocators, and return all addresses."""
    rng = random.Random(seed)
    allocators = [heap.acquire(number) for number in (1, 2, 5)]
    live, addresses = list[int](), list[int]()
    for _ in range(calls):
        allocator = rng.choice(allocators)
        if live and rng.random() < 0.45:
            allocator.free(live.pop(rng.randrange(len(live))))
        else:
            live.append(allocator.malloc(rng.choice(SIZES)))
            addresses.append(live[-1])
    for allocator in allocators:
        allocator.post()
    return addresses


def recorded(calls: int = 600, seed: int = 1) -> tuple[sn.Heap, Recording]:
    """A recorded heap after random calls."""
    recording = Recording()
    heap = sn.Heap(sn.CLASSROOM, record=recording, reserve=RESERVE)
    drive(heap, calls, seed)
    return heap, recording


def apply(data: bytearray, event: Event) -> None:
    """Make an event's stores, each of which must find what it says was there."""
    for address, width, before, after in event.writes:
        assert int.from_bytes(data[address : address + width], "little") == before, event
        data[address : address + width] = after.to_bytes(width, "little")
    if event.kind in ("Decommitted", "Zeroed"):
        start, length = vars_of(event)["start"], vars_of(event)["length"]
        assert isinstance(start, int)
        assert isinstance(length, int)
        data[start : start + length] = bytes(length)


def vars_of(event: Event) -> dict[str, object]:
    """An event's fields by name."""
    return {name: getattr(event, name) for name in type(event).__annotations__}


def first_bytes(config: sn.Config, reserve: int) -> bytearray:
    """A heap's bytes before anything happened: zeroes, and the bump pointer at the first chunk behind the page map."""
    data = bytearray(reserve)
    behind = (1 << config.number_bits + config.allocator_bits) + (reserve >> config.chunk_bits)
    first = -(-behind // config.chunk_size) * config.chunk_size
    data[64:72] = first.to_bytes(8, "little")
    return data


def rebuilt(events: Iterable[Event], config: sn.Config = sn.CLASSROOM, reserve: int = RESERVE) -> bytearray:
    """A heap's bytes, made from the events alone."""
    data = first_bytes(config, reserve)
    for event in events:
        apply(data, event)
    return data


class Reader:
    """Reads structures off bytes, with the offsets of the paper's code written out."""

    def __init__(self, data: bytes | bytearray | memoryview[int], config: sn.Config) -> None:
        self.data = data
        self.config = config
        self.pagemap = 1 << config.number_bits + config.allocator_bits

    def word(self, address: int, width: int = 8) -> int:
        return int.from_bytes(bytes(self.data[address : address + width]), "little")

    def chunk(self, address: int) -> int:
        return address // self.config.chunk_size * self.config.chunk_size

    def kind(self, address: int) -> int:
        """The page map's byte."""
        return self.data[self.pagemap + address // self.config.chunk_size]

    def metadata(self, slab: int) -> tuple[int, int, int, int, int]:
        """The fields used, head, link, sizeclass, next."""
        chunk = self.chunk(slab)
        word = self.word(chunk + 88 + 8 * ((slab - chunk) // self.config.slab_size))
        return word & 0xFFFF, word >> 16 & 0xFFFF, word >> 32 & 0xFFFF, word >> 48 & 0xFF, word >> 56

    def size(self, sizeclass: int) -> int:
        """Bytes of an object, by the paper's formula."""
        sizeclass += 1
        mantissa, exponent = sizeclass & 3, sizeclass >> 2
        leading = int(exponent != 0)
        return (mantissa + 4 * leading) << (4 + exponent - leading)

    def objects(self, slab: int) -> range:
        """Addresses of all objects of a slab in use: they end flush with it."""
        size = self.size(self.metadata(slab)[3])
        header = -(-(88 + 8 * self.config.slab_count) // 64) * 64 if slab == self.chunk(slab) else 0
        count = (self.config.slab_size - header) // size
        end = slab + self.config.slab_size
        return range(end - count * size, end, size)

    def free_list(self, slab: int) -> list[int]:
        """Addresses on the free list, in order, and last what ends it: an odd offset."""
        _, entry, link, _, _ = self.metadata(slab)
        entries = list[int]()
        while entry % 2 == 0:
            entries.append(slab + entry)
            full = self.config.slab_size - 1
            entry = full if entry == link else self.word(slab + entry, 2) & full
        return [*entries, entry]

    def states(self, slab: int) -> dict[int, str]:
        """What each object of a slab is, in the words of the pictures."""
        *free, end = self.free_list(slab)
        bump = slab + end - 1 if end & 2 == 0 else slab + self.config.slab_size
        found = {}
        for address in self.objects(slab):
            if address in free:
                place = free.index(address)
                after = free[place + 1] - slab if place + 1 < len(free) else end
                found[address] = f"free, {place + 1} on the list, link {after:#06x}"
            else:
                found[address] = "never allocated" if address >= bump else "allocated"
        return found

    def chain(self, message: int) -> list[int]:
        """Messages from one on, by their next."""
        found = list[int]()
        while message:
            found.append(message)
            message = self.word(message)
        return found

    def bucket(self, number: int, index: int) -> list[int]:
        """Messages in a bucket of an allocator."""
        block = number << self.config.allocator_bits
        at = block + 192 + 16 * index
        last, message, found = self.word(at + 8), at, list[int]()
        while message != last:
            message = self.word(message)
            found.append(message)
        return found

    def target(self, message: int) -> int:
        return self.word(message + 8) >> self.config.allocator_bits
