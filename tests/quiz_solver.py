"""A student who solves the quiz: reads the question's text, knows the paper, never calls the library.

Free lists are lists, size classes are enumerated, numbers are digits. What a
question does not say, the student does not know; so a question that leaves
something out cannot be solved here, and one that says something wrong is
answered wrong. Postings are solved by the naive model of the allocator.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.model import Address, Model, ModelConfig

PAPER = {"slab": 1 << 16, "chunk": 1 << 24, "header": 2176, "page": 1 << 12}
SLAB = 1024  # of the classroom
FULL = 1023
CLASSROOM = ModelConfig(slab_bits=10, slab_count_bits=3, page_bits=8, remote_cache=1024, bucket_bits=2)


@dataclass(frozen=True)
class Sheet:
    """What stands on the paper."""

    topic: str
    setting: str
    state: tuple[str, ...]
    calls: tuple[str, ...]
    asked: str


def number(text: str, pattern: str) -> int:
    """The number at a pattern's group, decimal or hexadecimal."""
    found = re.search(pattern, text)
    assert found, f"{pattern!r} is not in {text!r}"
    return int(found[1].replace(",", ""), 0)


def solve(sheet: Sheet) -> int:
    """Answer a question."""
    return SOLVERS[sheet.topic](sheet)


# Size classes: multiples of 16 whose binary digits are all in the first three.

SIZES = [size for size in range(16, PAPER["chunk"], 16) if size == size >> (n := size.bit_length() - 3) << n]


def class_of(size: int) -> int:
    return next(index for index, each in enumerate(SIZES) if each >= size)


def slab_objects(size: int, *, short: bool) -> list[int]:
    """Offsets, worked out from the slab's end backwards."""
    offsets: list[int] = []
    at = PAPER["slab"] - size
    while at >= (PAPER["header"] if short else 0):
        offsets.insert(0, at)
        at -= size
    return offsets


def sizeclass(sheet: Sheet) -> int:
    asked = sheet.asked
    if sheet.calls:
        size = number(sheet.calls[0], r"malloc\(([\d,]+)\)")
        found = class_of(size)
        if "number of the class" in asked:
            return found
        return SIZES[found] - size if "were not requested" in asked else SIZES[found]
    if "of class" in asked:
        return SIZES[number(asked, r"of class (\d+)")]
    size = number(asked, r"([\d,]+) bytes")
    if "medium slab" in asked:
        starts = range(PAPER["chunk"] - size, PAPER["page"] - 1, -size)
        return len(starts) if "How many" in asked else starts[-1]
    offsets = slab_objects(size, short="the short slab" in asked)
    return len(offsets) if "How many" in asked else offsets[0]


# Slabs.


class Slab:
    """A free list as a list, first to be used first, and the bump pointer."""

    def __init__(self, size: int, drawn: str, used: int = 0, link: int = 0) -> None:
        *self.freed, end = (int(entry.split(" ")[-1].strip("()"), 16) for entry in drawn.split(" -> "))
        self.size = size
        self.bump = SLAB if end == FULL else end - 1
        self.used, self.link = used, link
        self.stored = 0
        self.names: dict[str, int] = {}

    @property
    def head(self) -> int:
        if self.freed:
            return self.freed[0]
        return FULL if self.bump == SLAB else self.bump + 1

    def take(self) -> int:
        self.used += 1
        if self.freed:
            return self.freed.pop(0)
        self.bump += self.size
        return self.bump - self.size

    def put(self, offset: int) -> None:
        self.used -= 1
        self.stored = self.head
        if self.head == FULL:
            self.link = offset
        self.freed.insert(0, offset)

    def call(self, text: str) -> None:
        if found := re.fullmatch(r"(\w) = malloc\((\d+)\)", text):
            assert int(found[2]) == self.size
            assert found[1] not in self.names, "a name is used twice"
            self.names[found[1]] = self.take()
        else:
            found = re.fullmatch(r"free\((\w+)\)", text)
            assert found, text
            self.put(int(found[1], 16) if found[1].startswith("0x") else self.names[found[1]])


def line(sheet: Sheet, label: str) -> str:
    """What stands behind a label of the state."""
    (found,) = (each.removeprefix(label).strip() for each in sheet.state if each.startswith(label))
    return found


def freelist(sheet: Sheet) -> int:
    slab = Slab(number(sheet.setting, r"objects of (\d+)"), line(sheet, "free list"))
    assert slab.head == int(line(sheet, "head"), 16)
    for call in sheet.calls:
        slab.call(call)
    if "first 16 bits" in sheet.asked:
        return slab.stored
    if "How many" in sheet.asked:
        return len(slab.freed) + len(range(slab.bump, SLAB, slab.size))
    return slab.names[sheet.asked[-2]]


def metadata(sheet: Sheet) -> int:
    digits = line(sheet, "metadata word").removeprefix("0x").replace("_", "")
    assert len(digits) == 16
    fields = {
        name: int(digits[a:b], 16)
        for name, a, b in (
            ("next", 0, 2),
            ("sizeclass", 2, 4),
            ("link", 4, 8),
            ("head", 8, 12),
            ("used", 12, 16),
        )
    }
    size = number(sheet.setting, r"objects of (\d+)")
    assert SIZES[fields["sizeclass"]] == size
    if sheet.calls:
        slab = Slab(size, line(sheet, "free list"), fields["used"], fields["link"])
        assert slab.head == fields["head"]
        for call in sheet.calls:
            slab.call(call)
        fields |= {"used": slab.used, "head": slab.head, "link": slab.link}
    found = re.match(r"What is (\w+)", sheet.asked)
    assert found
    return fields[found[1]]


def superslab(sheet: Sheet) -> int:
    header, _, in_use, nexts = sheet.state
    used = [word == "used" for word in in_use.split()]
    relative = nexts.split()[1:]
    order, index = [], number(header, r"head (\d)")
    while index:
        order.append(index)
        index = (index + 1 + int(relative[index])) % 8
    assert sorted(order) == [i for i in range(1, 8) if not used[i]]
    names: dict[str, int] = {}
    last = 0
    for call in sheet.calls:
        if found := re.fullmatch(r"(\w) = malloc\((\d+)\)", call):
            slab = 0 if int(found[2]) <= 192 and not used[0] else order.pop(0)
            used[slab] = True
            names[found[1]] = slab
        else:
            slab = number(call, r"slab (\d)")
            assert used[slab], "freed twice"
            used[slab] = False
            if slab:
                last = ((order[0] if order else 0) - slab - 1) % 8
                order.insert(0, slab)
    if "Which slab" in sheet.asked:
        return names[number_name(sheet.asked)]
    if "next byte of slab" in sheet.asked:
        assert number(sheet.asked, r"slab (\d)") == order[0]
        return last
    if "head" in sheet.asked:
        return order[0] if order else 0
    return sum(2 if index else 1 for index in range(8) if used[index])


def number_name(asked: str) -> str:
    found = re.search(r"take for (\w)\?", asked)
    assert found
    return found[1]


# Page map: by definition, with no powers of two taken for granted.


def jump(distance: int) -> int:
    """The largest m for which the start is at least 2^m chunks back."""
    return max(m for m in range(40) if 2**m <= distance)


def pagemap(sheet: Sheet) -> int:
    asked = sheet.asked
    if "How many chunks" in asked:
        chunks = 1
        while chunks << 20 < number(sheet.calls[0], r"malloc\((\w+)\)"):
            chunks *= 2
        return chunks
    known = {int(a): (b, int(c)) for a, b, c in re.findall(r"chunk +(\d+) has ([JL])\((\d+)\)", " ".join(sheet.state))}
    if "At which address" in asked:
        chunk = number(asked, r"contains (0x[\d_a-f]+)") // 0x10_0000
        while chunk in known:
            chunk -= 2 ** known[chunk][1]
        return chunk * 0x10_0000
    ((start, (kind, log)),) = known.items()
    assert kind == "L"
    chunk = number(asked, r"hunk (\d+)")
    assert start <= chunk < start + 2**log
    assert start % 2**log == 0
    if "byte" in asked:
        return 64 + 20 + jump(chunk - start) if chunk > start else 20 + log
    if "What is m" in asked:
        return jump(chunk - start)
    path = [chunk]
    while path[-1] != start:
        path.append(path[-1] - 2 ** jump(path[-1] - start))
    return path[1] if "To which chunk" in asked else len(path) - 1


# The queue: three lists and the free list.


def queue(sheet: Sheet) -> int:
    slab = Slab(number(sheet.setting, r"objects of (\d+)"), line(sheet, "alice's free list"))
    drawn = re.fullmatch(r"front -> (.*) <- back", line(sheet, "alice's queue"))
    assert drawn
    messages = [None if each == "stub" else int(each, 16) for each in drawn[1].split(" -> ")]
    buckets: dict[str, list[int | None]] = {"bob": [], "carol": []}
    home: dict[str, int] = {}
    for call in sheet.calls:
        if found := re.fullmatch(r"(\w+)\.free\((\w+)\)", call):
            buckets[found[1]].append(int(found[2], 16))
        elif found := re.fullmatch(r"(\w+)\.post\(\)", call):
            messages += buckets[found[1]]
            buckets[found[1]] = []
        else:
            found = re.fullmatch(r"(\w) = alice\.malloc\((\d+)\)", call)
            assert found, call
            out = [message for message in messages[:-1] if message is not None]
            messages = messages[-1:]
            for message in out:
                slab.put(message)
            home[found[1]] = len(out)
            slab.names[found[1]] = slab.take()
    if "back" in sheet.asked:
        return messages[-1] or 0
    if "front" in sheet.asked:
        return messages[0] or 0
    if "How many" in sheet.asked:
        return home[sheet.asked[-2]]
    return slab.names[sheet.asked[-2]]


# The radix tree: digits, and the model's own posts.


def digit(value: int, place: int, base: int) -> int:
    for _ in range(place):
        value //= base
    return value % base


def radix(sheet: Sheet) -> int:
    asked = sheet.asked
    if "into which bucket" in asked:
        base = number(sheet.setting, r"has (\d+) buckets")
        by_address = "at address" in asked
        name = number(asked, r"at address (\w+)" if by_address else r"number (\d+)")
        if by_address:
            name //= number(sheet.setting, r"alignment of ([\d,]+)")
        return digit(name, number(asked, r"round (\d)"), base)
    targets = [int(each) for each in re.findall(r"\d+", sheet.calls[0].partition(":")[0])]
    sender = number(sheet.calls[1], r"(\d+)\.post")
    if "rounds" in asked:
        rounds, left = 1, [target for target in targets if digit(target, 0, 4) == digit(sender, 0, 4)]
        while left:
            left = [target for target in left if digit(target, rounds, 4) == digit(sender, rounds, 4)]
            rounds += 1
        return rounds
    if "hops" in asked:
        target, hops = number(asked, r"object of (\d+)"), 0
        while sender != target:
            _, sent = posted(sender, targets)
            sender, targets = next((to, owners) for to, owners in sent.items() if target in owners)
            hops += 1
        return hops
    batches, sent = posted(sender, targets)
    if "How many lists" in asked:
        return batches
    target = number(asked, r"object of (\d+)")
    return next(to for to, owners in sent.items() if target in owners)


def posted(sender: int, targets: list[int]) -> tuple[int, dict[int, list[int]]]:
    """Let the model free and post; return the number of lists, and by receiver whose objects it got, in order."""
    model = Model(CLASSROOM)
    allocators = {each: model.allocator(each) for each in {sender, *targets}}
    objects: dict[Address | None, int] = {}
    for target in targets:
        if target != sender:
            address = allocators[target].malloc(16)
            objects[address] = target
            allocators[sender].free(address)
    allocators[sender].post()
    sent = {each: [objects[at] for at in one.queue if at is not None] for each, one in allocators.items()}
    return allocators[sender].batches, {each: owners for each, owners in sent.items() if owners}


SOLVERS: dict[str, Callable[[Sheet], int]] = {
    "sizeclass": sizeclass,
    "freelist": freelist,
    "metadata": metadata,
    "superslab": superslab,
    "pagemap": pagemap,
    "queue": queue,
    "radix": radix,
}
