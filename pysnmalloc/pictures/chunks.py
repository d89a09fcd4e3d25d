"""Chunks: the map of the heap, and the bytes of the page map (§2.4, §2.5).

    S1 3/8   S2 8/8   M1 5/7   L  ─  F         superslabs and medium slabs, with their owner and
                                               how much is used; large objects; free chunks

The page map's bytes are S, M, L(n) for a large object, and J(m) for a start at least 2^m chunks back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ..inspection.statistics import ChunkEntry
from ..inspection.survey import Survey
from ..pagemap import JUMP, MEDIUM, NOT_OURS, SUPERSLAB
from .picture import Picture
from .svg import WIDTH, Canvas
from .text import Page

__all__ = ["HeapMap", "PageMapPicture"]

MOST = 1000  # the most chunks that are drawn
LETTERS = {"superslab": "S", "medium": "M", "large": "L", "jump": "·", "free": "F"}
KINDS = {"superslab": "used", "medium": "header", "large": "home", "jump": "home", "free": "bump"}


@dataclass(frozen=True, slots=True)
class HeapMap(Picture):
    """All chunks that were ever handed out.

    Attributes:
        chunk_size: bytes of each chunk.
        bump: address of the first chunk never handed out.
        entries: the chunks.
    """

    chunk_size: int
    bump: int
    entries: tuple[ChunkEntry, ...]

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return "heap map"

    @property
    def title(self) -> str:
        """The title of the picture."""
        count = len(self.entries)
        return f"Heap map: {count:,} chunk{'s' * (count != 1)} of {self.chunk_size:,} bytes"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        if not self.entries:
            return "No chunk was ever handed out"
        names = ("superslab", "medium", "large", "jump", "free")
        count = {name: sum(entry.kind == name for entry in self.entries) for name in names}
        large = f" ({count['large'] + count['jump']} chunks)" if count["large"] else ""
        nouns = {"superslab": "superslab", "medium": "medium slab", "large": "large object", "free": "free chunk"}
        words = [f"{count[kind]} {noun}{'s' * (count[kind] != 1)}" for kind, noun in nouns.items()]
        return f"{words[0]}, {words[1]}, {words[2]}{large}, {words[3]}"

    def facts(self) -> dict[str, str]:
        """Return the bump pointer, and every chunk."""
        return {"bump": f"{self.bump:#x}"} | {f"chunk {entry.address:#x}": words_of(entry) for entry in self.entries}

    def draw(self, canvas: Canvas) -> None:
        """Draw every chunk as a box, filled by how much of it is used."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        canvas.bottom = 38
        columns, height = _columns(len(self.entries))
        width, top = (WIDTH - 96) / columns, canvas.bottom
        for place, entry in enumerate(self.entries[:MOST]):
            row, column = divmod(place, columns)
            x, y = 86 + column * width, top + row * (height + 4)
            if column == 0:
                canvas.words(78, y + height / 2 + 4, f"{entry.address:#x}", kind="dim", size=11, anchor="end")
            fact, owner = f"chunk {entry.address:#x}", entry.owner or ""
            words = [f"{LETTERS[entry.kind]}{owner}"]
            if height > 40 and entry.owner:
                words = [f"{entry.kind}", f"of {owner}", f"{entry.used}/{entry.capacity}"]
            elif height > 40:
                words = [{"jump": "...", "large": "large"}.get(entry.kind, entry.kind)]
            canvas.box(x, y, width - 4, height, KINDS[entry.kind], fact=fact, value=words_of(entry), words=words)
            if entry.owner and entry.capacity:
                canvas.box(x + 2, y + height - 5, (width - 8) * entry.used / entry.capacity, 3, "bar")
        if len(self.entries) > MOST:
            canvas.lines(f"... and {len(self.entries) - MOST:,} more chunks")
        canvas.lines(f"{self.description}; bump pointer at {self.bump:#x}.", kind="")
        if self.entries:
            canvas.lines("S superslab, M medium slab, and owner · L large object · “·” more of it · F free", gap=0)

    def write(self, page: Page) -> None:
        """Write every chunk as one word, or on a line of its own if there are few."""
        if len(self.entries) <= 12:
            for entry in self.entries:
                fact = f"chunk {entry.address:#x}"
                page.paragraph(
                    f"{page.marked(fact)}{entry.address:#x} {words_of(entry)}", kind=KINDS[entry.kind], indent=" " * 6
                )
        else:
            cells = [(f"{LETTERS[entry.kind]}{entry.owner or ''}", KINDS[entry.kind]) for entry in self.entries[:MOST]]
            page.grid(cells, columns=16, gap=" ", label=lambda index: f"{self.entries[index].address:#x}")
            if len(self.entries) > MOST:
                page.paragraph(f"... and {len(self.entries) - MOST:,} more chunks")
            page.paragraph("S superslab, M medium slab, and owner; L large object, · more of it; F free", kind="dim")
        page.paragraph(f"{page.marked('bump').strip()}{self.description}; bump pointer at {self.bump:#x}.")


def words_of(entry: ChunkEntry) -> str:
    """Describe a chunk."""
    if entry.kind == "superslab":
        return f"superslab of allocator {entry.owner}, {entry.used} of {entry.capacity} slabs in use"
    if entry.kind == "medium":
        return f"medium slab of allocator {entry.owner}, {entry.used} of {entry.capacity} objects in use"
    return {"large": "large object", "jump": "more of the large object", "free": "free"}[entry.kind]


def _columns(count: int) -> tuple[int, int]:
    """Return how many chunks are in a row, and how high each is drawn."""
    if count <= 8:
        return max(count, 4), 62
    return (8, 54) if count <= 16 else (16, 34) if count <= 256 else (32, 24)


@dataclass(frozen=True, slots=True)
class PageMapPicture(Picture):
    """The bytes of the page map.

    Attributes:
        base: address of the byte for chunk 0.
        chunk_bits: log2 of a chunk's bytes.
        first: address of the first chunk.
        values: its byte and those after it, one for each chunk ever handed out.
        path: the chunks whose bytes are read to find the start of an object.
    """

    base: int
    chunk_bits: int
    first: int
    values: tuple[int, ...]
    path: tuple[int, ...] = ()

    @classmethod
    def of(cls, survey: Survey, address: int | None) -> PageMapPicture:
        """Read the bytes for all chunks ever handed out and, given an address, the path to its object's start."""
        path = list[int]()
        if address is not None:
            chunk = address & ~(survey.config.chunk_size - 1)
            path.append(chunk)
            while (kind := survey.pagemap.get(chunk)) >= JUMP and len(path) < 64:
                chunk -= 1 << (kind - JUMP)
                path.append(chunk)
        values = tuple(survey.pagemap.get(chunk) for chunk in survey.chunks)
        return cls(survey.layout.pagemap, survey.config.chunk_bits, survey.layout.first_chunk, values, tuple(path))

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return "page map"

    @property
    def title(self) -> str:
        """The title of the picture."""
        return f"Page map: {len(self.values):,} byte{'s' * (len(self.values) != 1)}, one per chunk"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        if not self.values:
            return "No chunk was ever handed out"
        if not self.path:
            return "The bytes for all chunks that were ever handed out"
        steps = " → ".join(f"{chunk:#x} {self._meaning_at(chunk)}" for chunk in self.path)
        return f"From a chunk to the start of its object: {steps}"

    def _meaning_at(self, chunk: int) -> str:
        """Return what a chunk's byte means."""
        index = (chunk - self.first) >> self.chunk_bits
        return self.meaning(self.values[index]) if 0 <= index < len(self.values) else "not ours"

    def meaning(self, value: int) -> str:
        """Return what a byte means: ``S``, ``M``, ``L3``, ``J1``, or ``–`` for not ours."""
        named = {NOT_OURS: "–", SUPERSLAB: "S", MEDIUM: "M"}
        if value in named:
            return named[value]
        return f"J{value - JUMP - self.chunk_bits}" if value >= JUMP else f"L{value - self.chunk_bits}"

    def facts(self) -> dict[str, str]:
        """Return every byte."""
        return {f"chunk {chunk:#x}": f"{value} = {self.meaning(value)}" for chunk, value in self._bytes()}

    def _bytes(self) -> list[tuple[int, int]]:
        """Return the chunks and their bytes."""
        return [(self.first + (index << self.chunk_bits), value) for index, value in enumerate(self.values)]

    def draw(self, canvas: Canvas) -> None:
        """Draw every byte as a box."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        canvas.bottom = 38
        columns, top = 16, canvas.bottom
        width, height = (WIDTH - 96) / columns, 36
        place_of: dict[int, tuple[float, float]] = {}
        for index, (chunk, value) in enumerate(self._bytes()[:MOST]):
            row, column = divmod(index, columns)
            x, y = 86 + column * width, top + row * (height + 14)
            place_of[chunk] = (x + (width - 3) / 2, y)
            if column == 0:
                canvas.words(78, y + 22, f"{chunk:#x}", kind="dim", size=11, anchor="end")
            kind = {NOT_OURS: "bump", SUPERSLAB: "used", MEDIUM: "header"}.get(value, "home")
            fact, words = f"chunk {chunk:#x}", [self.meaning(value), str(value)]
            canvas.box(x, y, width - 3, height, kind, fact=fact, value=f"{value} = {words[0]}", words=words)
        for start, end in pairwise(self.path):
            if start in place_of and end in place_of:
                (x1, y1), (x2, y2) = place_of[start], place_of[end]
                canvas.arrow(x1, y1 + 2, x2, y2 + 2, bend=14 if y1 == y2 else 0)
        if len(self.values) > MOST:
            canvas.lines(f"... and {len(self.values) - MOST:,} more")
        canvas.lines(f"{self.description}.", kind="")
        if self.values:
            canvas.lines(
                "S superslab · M medium slab · Ln large object of 2^n chunks · Jm start at least 2^m chunks back · "
                "– not ours",
                gap=0,
            )

    def write(self, page: Page) -> None:
        """Write the meaning of every byte."""
        kinds = {NOT_OURS: "bump", SUPERSLAB: "used", MEDIUM: "header"}
        cells = [(self.meaning(value), kinds.get(value, "home")) for value in self.values[:MOST]]
        page.grid(cells, columns=16, gap=" ", label=lambda index: f"{self.first + (index << self.chunk_bits):#x}")
        if len(self.values) > MOST:
            page.paragraph(f"... and {len(self.values) - MOST:,} more")
        page.paragraph(f"{self.description}.", indent="  ")
        page.paragraph("S superslab  M medium slab  Ln large, 2^n chunks  Jm 2^m chunks back  – not ours", kind="dim")
