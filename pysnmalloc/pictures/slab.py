"""A slab: its objects in rows, the free list in order, bump pointer, list node, metadata word (§2.8).

    head 0x0081  free list 0x080 -> 0x040 -> bump 0x0c1

     0x000  #  2  1  .        # allocated    1, 2: first, second on the free list    . never allocated

The last object ends flush with the slab's end. The bytes before the first object are
the superslab's header, or left over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

from ..chunklist import OWNER
from ..inspection.survey import Survey
from ..metaslab import BUMP_BIT, NODE_SIZE
from .picture import Picture
from .svg import WIDTH, Canvas
from .text import Page

__all__ = ["Cell", "SlabPicture", "list_words"]

MANY = 128  # objects; if there are more, one box is drawn for each run of equal objects
LABEL = 60  # units to the left of the rows
ARROWS = 9  # a free list with more entries is described in words only


@dataclass(frozen=True, slots=True)
class Cell:
    """One object of a slab.

    Attributes:
        offset: its offset in the slab.
        state: ``used``, ``free`` or ``bump`` (never allocated).
        place: its position on the free list, from 1; 0 if it is not on the list.
        after: the link stored in an object on the free list.
    """

    offset: int
    state: str
    place: int = 0
    after: int = 0

    @property
    def words(self) -> str:
        """The state as text."""
        if self.state == "free":
            return f"free, {self.place} on the list, link {self.after:#06x}"
        return "allocated" if self.state == "used" else "never allocated"


@dataclass(frozen=True, slots=True)
class SlabPicture(Picture):
    """A slab, as its bytes describe it.

    Attributes:
        address: address of the slab, where it starts.
        slab_size: bytes of the slab, including the superslab's header in a short slab.
        index: index of the slab in its superslab; 0 is the short slab.
        owner: number of the allocator that owns its superslab.
        header: bytes of the slab that the superslab's header takes.
        first: offset in the slab of its first object, 0 if it is not in use.
        size: bytes of each object, 0 if it is not in use.
        sizeclass: number of its objects' size class, as stored.
        used: number of allocated objects.
        head: as stored: if even, the offset of the first free object; if odd, the bump pointer plus 1, or all ones
            if the slab is full.
        link: as stored: the offset of its list node; out of date if the slab is full or not in use.
        next: as stored: the byte that links free full-length slabs, relative to the slab's own index plus 1; out of
            date while the slab is in use.
        node: offset of its list node, -1 if it is on no list.
        entries: the entries and the end of the free list, as stored.
        cells: its objects, by ascending offset; none if it is not in use.
    """

    address: int
    slab_size: int
    index: int
    owner: int
    header: int
    first: int
    size: int
    sizeclass: int
    used: int
    head: int
    link: int
    next: int
    node: int
    entries: tuple[int, ...]
    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, survey: Survey, slab: int) -> SlabPicture:
        """Read a slab of a superslab."""
        config, fields = survey.config, survey.metaslab.fields(slab)
        chunk = slab & ~(config.chunk_size - 1)
        short = slab == chunk
        in_use = survey.in_use(slab) and fields.sizeclass < config.num_small
        first = survey.table.first_head(fields.sizeclass, short=short) - BUMP_BIT if in_use else 0
        size = survey.table.sizes[fields.sizeclass] if in_use else 0
        entries = tuple(survey.free_entries(slab)) if in_use else ()
        return cls(
            address=slab,
            slab_size=config.slab_size,
            index=(slab - chunk) >> config.slab_bits,
            owner=survey.memory.u64[chunk + OWNER >> 3] >> config.allocator_bits,
            header=config.superslab_header if short else 0,
            first=first,
            size=size,
            sizeclass=fields.sizeclass,
            used=fields.used,
            head=fields.head,
            link=fields.link,
            next=fields.next,
            node=fields.link if in_use and not survey.metaslab.is_full(fields.head) else -1,
            entries=entries,
            cells=tuple(_cells(range(first, config.slab_size, size), entries)) if in_use else (),
        )

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return f"slab {self.address:#x}"

    @property
    def title(self) -> str:
        """The title of the picture."""
        name = "Short slab" if self.index == 0 else f"Slab {self.index}"
        what = f"objects of {self.size} bytes" if self.cells else "not in use"
        return f"{name} at {self.address:#x} of allocator {self.owner}: {what}"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        if not self.cells:
            return f"The slab is not in use; its next byte is {self.next}."
        count = {state: sum(cell.state == state for cell in self.cells) for state in ("used", "free", "bump")}
        return (
            f"{len(self.cells)} objects: {count['used']} allocated, {count['free']} on the free list, {count['bump']} "
            f"never allocated. {self._list()}. {self._node()}."
        )

    def facts(self) -> dict[str, str]:
        """Return the metadata word, and every object."""
        word = self._word()
        return word | {f"object {self.address + cell.offset:#x}": cell.words for cell in self.cells}

    def _word(self) -> dict[str, str]:
        """Return the fields of the metadata word that have a meaning now."""
        if not self.cells:
            return {"used": str(self.used), "next": str(self.next)}
        return {
            "used": f"{self.used} of {len(self.cells)}",
            "head": f"{self.head:#06x}",
            "link": f"{self.link:#06x}",
            "sizeclass": f"{self.sizeclass} ({self.size} B)",
        }

    def _list(self) -> str:
        """Describe the free list."""
        return "free list: " + list_words(self.entries, 12) if self.entries else "no free list"

    def _node(self) -> str:
        """Describe the list node."""
        if self.node < 0:
            return "full: on no list of slabs"
        where = "in the last 16 bytes" if self.node == self.slab_size - NODE_SIZE else "in a free object"
        return f"list node at {self.node:#06x}, {where}"

    # As SVG.

    def draw(self, canvas: Canvas) -> None:
        """Draw the metadata word, the objects, and the list in words."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        for index, (name, value) in enumerate(self._word().items()):
            x = 10 + 185 * index
            canvas.words(x, 48, name, kind="dim", size=11)
            canvas.box(x, 53, 175, 24, "header", fact=name, value=value, words=[value], size=12)
        canvas.bottom += 14
        if not self.cells:
            canvas.box(LABEL, canvas.bottom, WIDTH - LABEL - 10, 30, "bump", words=["not in use"])
            return
        if self.first:
            self._draw_front(canvas)
        if len(self.cells) > MANY:
            self._draw_runs(canvas)
        else:
            self._draw_cells(canvas)
        canvas.lines(f"{self._list()}; {self._node()}", kind="", gap=8)
        free = "open: free" if len(self.cells) > MANY else "numbered: free, by place on the list"
        canvas.lines(f"filled: allocated · {free} · dashed: never allocated · ◆ list node", gap=0)

    def _draw_front(self, canvas: Canvas) -> None:
        """Draw the bytes before the first object."""
        y, width = canvas.bottom, WIDTH - LABEL - 10
        what = f"superslab's header, {self.header} bytes" if self.header else ""
        left = self.first - self.header
        slack = f"{left} bytes left over" if left else ""
        canvas.words(LABEL - 8, y + 15, "0x0000", kind="dim", size=11, anchor="end")
        canvas.box(LABEL, y, width, 22, "header" if what else "bump", words=[" · ".join(filter(None, (what, slack)))])
        canvas.bottom += 4

    def _draw_cells(self, canvas: Canvas) -> None:
        """Draw each object as a box."""
        columns = 16 if len(self.cells) > 8 else 8
        gap = 18 if self._links() else 4
        width, height, top = (WIDTH - LABEL - 10) / columns, 38, canvas.bottom + gap - 4
        for index, cell in enumerate(self.cells):
            row, column = divmod(index, columns)
            x, y = LABEL + column * width, top + row * (height + gap)
            if column == 0:
                canvas.words(LABEL - 8, y + 22, f"{cell.offset:#06x}", kind="dim", size=11, anchor="end")
            node = "◆" if cell.offset <= self.node < cell.offset + self.size else ""
            mark = {"used": "■", "free": str(cell.place), "bump": "·"}[cell.state]
            canvas.box(
                x,
                y,
                width - 2,
                height,
                cell.state,
                fact=f"object {self.address + cell.offset:#x}",
                value=cell.words,
                words=[f"{cell.offset:03x}", f"{mark}{node}"],
                data={"node": "true" if node else ""},
            )
        self._draw_links(canvas, columns, width, top)

    def _links(self) -> list[tuple[int, int]]:
        """Return pairs of objects, by index, that follow each other on a free list short enough to be drawn."""
        index_of = {cell.offset: index for index, cell in enumerate(self.cells)}
        stops = [index_of[at] for entry in self.entries if (at := entry & ~BUMP_BIT) in index_of]
        return list(pairwise(stops)) if len(stops) <= ARROWS else []

    def _draw_links(self, canvas: Canvas, columns: int, width: float, top: float) -> None:
        """Draw a short free list as arrows from object to object, and to the bump pointer."""
        for start, end in self._links():
            (row1, column1), (row2, column2) = divmod(start, columns), divmod(end, columns)
            right = (row1, column1) < (row2, column2)
            x1 = LABEL + (column1 + (0.75 if right else 0.25)) * width - 1
            x2 = LABEL + (column2 + (0.25 if right else 0.75)) * width - 1
            y1, y2 = top + row1 * 56, top + row2 * 56
            if row1 < row2:
                y1 += 38
            canvas.arrow(x1, y1, x2, y2 if row1 <= row2 else y2 + 38, bend=13 if row1 == row2 else 0)

    def _draw_runs(self, canvas: Canvas) -> None:
        """Draw adjacent objects of the same state as one box, in rows of 64 objects."""
        columns, top = 64, canvas.bottom
        width, height = (WIDTH - LABEL - 10) / columns, 10
        for row, first in enumerate(range(0, len(self.cells), columns)):
            y, column = top + row * (height + 2), 0
            cells = self.cells[first : first + columns]
            if row % 4 == 0:
                canvas.words(LABEL - 8, y + 10, f"{cells[0].offset:#06x}", kind="dim", size=11, anchor="end")
            for state, group in groupby(cells, key=lambda cell: cell.state):
                run = list(group)
                words = run[0].words if state != "free" else "free"
                data = {"first": f"{self.address + run[0].offset:#x}", "count": str(len(run)), "value": words}
                canvas.box(LABEL + column * width, y, len(run) * width - 1, height, state, data=data)
                column += len(run)
            for column, cell in enumerate(cells):
                fact = f"object {self.address + cell.offset:#x}"
                if fact in canvas.changed:
                    x = LABEL + column * width
                    canvas.box(x, y, width - 1, height, cell.state, fact=fact, value=cell.words)

    # As text.

    def write(self, page: Page) -> None:
        """Write the metadata word, the objects, and the list in words."""
        page.paragraph("  ".join(f"{page.marked(name).strip()}{name}={value}" for name, value in self._word().items()))
        if not self.cells:
            return
        if self.first:
            what = f"header of {self.header} bytes" if self.header else ""
            left = f"{self.first - self.header} bytes left over" if self.first > self.header else ""
            page.row(("0x0000".rjust(6) + "  ", "dim"), (" and ".join(filter(None, (what, left))), "header"))
        spans = [(self._sign(cell), cell.state) for cell in self.cells]
        columns = 64 if len(spans) > MANY else 16
        gap = " " if columns == 16 else ""
        page.grid(spans, columns=columns, gap=gap, label=lambda index: f"{self.cells[index].offset:#06x}")
        page.paragraph(self._list(), indent="  ")
        page.paragraph(self._node())
        page.paragraph(
            "# allocated  1-9 free, by place on the list (+ later)  . never allocated  @ list node", kind="dim"
        )

    def _sign(self, cell: Cell) -> str:
        """Return an object as one character."""
        if cell.state == "bump":
            return "@" if cell.offset <= self.node < cell.offset + self.size else "."
        return "#" if cell.state == "used" else _digit(cell.place)


def _digit(place: int) -> str:
    """Return a position on the free list as one character."""
    return str(place) if place < 10 else "+"


def _cells(offsets: range, entries: tuple[int, ...]) -> list[Cell]:
    """Return the objects, with their states as the free list implies."""
    end = entries[-1]
    bump = end - BUMP_BIT if end & 2 == 0 and end & BUMP_BIT else offsets.stop
    places = {entry: place for place, entry in enumerate(entries[:-1], start=1)}
    cells = []
    for offset in offsets:
        if offset in places:
            place = places[offset]
            cells.append(Cell(offset, "free", place, entries[place]))
        else:
            cells.append(Cell(offset, "bump" if offset >= bump else "used"))
    return cells


def list_words(entries: tuple[int, ...], most: int) -> str:
    """Return a free list's entries as text, without the middle if there are many."""
    shown = [f"{entry:#06x}" for entry in entries]
    if entries:
        end = entries[-1]
        shown[-1] = "end mark -1" if end & 2 else f"bump {end:#06x}"
    if len(shown) > most:
        shown = [*shown[: most - 2], f"... {len(shown) - most + 1} more ...", shown[-1]]
    return " → ".join(shown)
