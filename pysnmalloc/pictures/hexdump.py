"""A hexdump that names the fields in its bytes (§2.2, §2.4, §2.7, §2.8).

    0x22050  01 00 03 00 00 00 00 00  31 01 ...     head used slab 0: used head ...

A name follows from where the bytes are: the heap's own block, an allocator's
block, the page map, a chunk's header, or a free object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from ..allocator import AVAILABLE, ONLY_SHORT
from ..chunklist import KIND, NEXT, OWNER, PREV
from ..config import BUCKETS_OFFSET, MEDIUM_STACK_OFFSET, METADATA_OFFSET
from ..inspection.survey import Survey
from ..mediumslab import FREE as MEDIUM_FREE
from ..mediumslab import HEAD as MEDIUM_HEAD
from ..mediumslab import SIZECLASS as MEDIUM_SIZECLASS
from ..memory import BUMP, LOW_MEMORY_EPOCH, NULL, STACKS
from ..messagequeue import BACK, FRONT, STUB
from ..metaslab import HEAD, LINK, NODE_SIZE, SIZECLASS, USED
from ..metaslab import NEXT as META_NEXT
from ..pagemap import MEDIUM, SUPERSLAB
from ..remotecache import CACHED
from ..superslab import HEAD_BYTE, USED_BYTE
from .picture import Picture
from .svg import Canvas
from .text import Page

__all__ = ["Field", "HexPicture", "fields_of"]

ROW = 16
MOST = 1024  # bytes


@dataclass(frozen=True, slots=True)
class Field:
    """A named range of bytes.

    Attributes:
        address: address of its first byte.
        width: number of bytes: 1, 2 or 8.
        name: its name, after the structure that it is a field of, if any: ``slab 3: head``, ``bump``.
        value: its value as a little-endian number.
    """

    address: int
    width: int
    name: str
    value: int

    @property
    def key(self) -> str:
        """The name of the fact."""
        return f"{self.name} at {self.address:#x}"

    @property
    def owner(self) -> str:
        """The structure that it is a field of, if the name has one: ``slab 3:``."""
        head, colon, _ = self.name.rpartition(": ")
        return head + colon

    @property
    def short(self) -> str:
        """The name without the structure."""
        return self.name.rpartition(": ")[2]

    @property
    def words(self) -> str:
        """The value as text: bytes in decimal, words in hexadecimal."""
        return str(self.value) if self.width == 1 else f"{self.value:#x}"


@dataclass(frozen=True, slots=True)
class HexPicture(Picture):
    """Bytes, and the fields in them.

    Attributes:
        start: address of the first byte.
        data: the bytes from there on, at most 1024.
        fields: the fields that lie entirely in these bytes, by address.
    """

    start: int
    data: bytes
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, survey: Survey, start: int, length: int) -> HexPicture:
        """Read at most 1024 bytes."""
        data = bytes(survey.memory.range(start, start + min(length, MOST)))
        inside = [field for field in fields_of(survey, start, start + len(data)) if field.address >= start]
        return cls(start, data, tuple(field for field in inside if field.address + field.width <= start + len(data)))

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return f"bytes {self.start:#x}"

    @property
    def title(self) -> str:
        """The title of the picture."""
        return f"{len(self.data)} bytes from {self.start:#x}"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        return f"{len(self.fields)} named fields among {len(self.data)} bytes"

    def facts(self) -> dict[str, str]:
        """Return every named field, and the rows of bytes."""
        rows = {f"bytes {address:#x}": data.hex(" ") for address, data in self._rows() if data}
        return {field.key: field.words for field in self.fields} | rows

    def _rows(self, width: int = ROW) -> list[tuple[int, bytes]]:
        """Return rows of bytes. An empty row stands for several rows of zeroes without names."""
        rows = list[tuple[int, bytes]]()
        for offset in range(0, len(self.data), width):
            at, data = self.start + offset, self.data[offset : offset + width]
            dull = not any(data) and not self._names(at, width)
            if not dull:
                rows.append((at, data))
            elif not rows or rows[-1][1]:
                rows.append((at, b""))
        return rows

    def _names(self, row: int, width: int = ROW) -> list[Field]:
        """Return the fields that begin in a row."""
        return [field for field in self.fields if row <= field.address < row + width]

    def draw(self, canvas: Canvas) -> None:
        """Draw rows of bytes, with each field under its bytes."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        canvas.bottom = 36
        each = 41.0
        for row, data in self._rows():
            y, fact = canvas.bottom + 6, f"bytes {row:#x}"
            if not data:
                canvas.words(84, y + 12, "... zeroes without names ...", kind="dim", size=11)
                continue
            canvas.words(76, y + 15, f"{row:#x}", kind="dim", size=11, anchor="end")
            canvas.box(84, y, each * len(data), 22, "free", fact=fact, value=data.hex(" "))
            for index, byte in enumerate(data):
                canvas.words(
                    84 + each * (index + 0.5),
                    y + 15,
                    f"{byte:02x}",
                    size=12,
                    anchor="middle",
                    kind="" if byte else "dim",
                )
            names = self._names(row)
            for index, field in enumerate(names):
                x, width = 84 + each * (field.address - row), each * field.width - 1
                words = [word if len(word) * 6 < width else "" for word in (field.short, field.words)]
                if field.owner and (not index or field.owner != names[index - 1].owner):
                    canvas.words(x + 2, y + 34, field.owner.rstrip(": "), size=9.5, kind="dim")
                canvas.box(
                    x,
                    y + (38 if field.owner else 24),
                    width,
                    30,
                    "header",
                    fact=field.key,
                    value=field.words,
                    words=words,
                    size=9.5,
                )

    def write(self, page: Page) -> None:
        """Write rows of bytes, with the fields of each row below it."""
        row_bytes = ROW if page.width >= 60 else ROW // 2
        for at, data in self._rows(row_bytes):
            if not data:
                page.row(("          ... zeroes without names", "dim"))
                continue
            page.row((f"{at:#08x}  ", "dim"), (data[:8].hex(" ") + "  " + data[8:].hex(" "), ""))
            for owner, fields in groupby(self._names(at, row_bytes), key=lambda field: field.owner):
                words = (f"{page.marked(field.key).strip()}{field.short}={field.words}" for field in fields)
                page.paragraph(f"          {owner}{'  '.join(words)}", indent=" " * 12, kind="header")


def fields_of(survey: Survey, start: int, end: int) -> list[Field]:
    """Return the fields of a range of the heap, by address."""
    layout, chunk_size = survey.layout, survey.config.chunk_size
    named = dict[int, tuple[int, str]]()
    if start < layout.pagemap:
        block = 1 << survey.config.allocator_bits
        for at in range(start // block * block, min(end, layout.pagemap), block):
            named |= {at + offset: what for offset, what in _block(survey, at)}
    if start < layout.first_chunk and end > layout.pagemap:
        for chunk in survey.chunks:
            named[survey.pagemap.entry(chunk)] = (1, f"page map, chunk {chunk:#x}")
    first = max(start, layout.first_chunk) // chunk_size * chunk_size
    for chunk in range(first, min(end, survey.chunks.stop), chunk_size):
        named |= {chunk + offset: what for offset, what in _header(survey, chunk)}
        named |= dict(_objects(survey, chunk, start, end))
    fields = []
    for address in sorted(named):
        width, name = named[address]
        if start <= address < end:
            value = int.from_bytes(survey.memory.range(address, address + width), "little")
            fields.append(Field(address, width, name, value))
    return fields


def _block(survey: Survey, at: int) -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield the fields of an allocator's block, or of the heap's own block, which has number 0."""
    config = survey.config
    if at == NULL:
        yield BUMP, (8, "bump")
        yield LOW_MEMORY_EPOCH, (8, "low-memory notices")
        for n in range(config.num_large):
            yield STACKS + 16 * n, (8, f"stack {n}: top")
            yield STACKS + 16 * n + 8, (8, f"stack {n}: count")
        return
    if at not in survey.known:
        return
    words = ((BACK, "back"), (STUB, "stub: next"), (FRONT, "front"), (CACHED, "cached"))
    for offset, name in (*words, (AVAILABLE, "available"), (ONLY_SHORT, "only short")):
        yield offset, (8, name)
    for index in range(config.buckets):
        yield BUCKETS_OFFSET + 16 * index, (8, f"bucket {index}: first")
        yield BUCKETS_OFFSET + 16 * index + 8, (8, f"bucket {index}: last")
    for sizeclass in range(config.num_sizeclasses):
        yield BUCKETS_OFFSET + 16 * config.buckets + 8 * sizeclass, (8, f"list of class {sizeclass}")


def _header(survey: Survey, chunk: int) -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield the fields of a chunk's header."""
    kind = survey.pagemap.get(chunk)
    if kind not in (SUPERSLAB, MEDIUM):
        return
    for offset, name in ((OWNER, "owner"), (KIND, "kind"), (NEXT, "next"), (PREV, "prev")):
        yield offset, (8, name)
    if kind == MEDIUM:
        yield MEDIUM_FREE, (2, "free")
        yield MEDIUM_HEAD, (1, "head")
        yield MEDIUM_SIZECLASS, (1, "class")
        for slot in range(survey.table.capacity(survey.medium.sizeclass(chunk))):
            yield MEDIUM_STACK_OFFSET + 2 * slot, (2, f"stack {slot}")
        return
    yield HEAD_BYTE, (1, "head")
    yield USED_BYTE, (2, "used")
    for slab in range(survey.config.slab_count):
        at = METADATA_OFFSET + 8 * slab
        for offset, width, name in ((USED, 2, "used"), (HEAD, 2, "head"), (LINK, 2, "link"), (SIZECLASS, 1, "class")):
            yield at + offset, (width, f"slab {slab}: {name}")
        yield at + META_NEXT, (1, f"slab {slab}: next")


def _objects(survey: Survey, chunk: int, start: int, end: int) -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield the links and list nodes in the free objects of a superslab's slabs."""
    if survey.pagemap.get(chunk) != SUPERSLAB:
        return
    size = survey.config.slab_size
    for slab in range(max(chunk, start // size * size), min(chunk + survey.config.chunk_size, end), size):
        fields = survey.metaslab.fields(slab)
        if not survey.in_use(slab):
            continue
        for entry in survey.free_entries(slab)[:-1]:
            yield slab + entry, (2, "link")
        if not survey.metaslab.is_full(fields.head):
            yield slab + fields.link, (8, "node: prev")
            yield slab + fields.link + NODE_SIZE // 2, (8, "node: next")
