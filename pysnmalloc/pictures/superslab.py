"""A superslab: the fields of its header, and every metadata word, decoded (§2.8).

     slab  objects      head    link    class  next
        0  48 B  3/17  0x0161  0x03f0      2
        1  16 B  1/64  0x0011  0x03f0      0
        2  free                                   3

The ``next`` bytes of the free full-length slabs form a list that begins at the
superslab's head. Index 0, the short slab, ends it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..chunklist import KIND, NEXT, OWNER, PREV
from ..inspection.survey import Survey
from .picture import Picture
from .svg import WIDTH, Canvas
from .text import Page

__all__ = ["SlabWord", "SuperslabPicture"]

FEW = 16  # slabs; if there are more, only those in use are listed
LISTED = 20


@dataclass(frozen=True, slots=True)
class SlabWord:
    """A slab's metadata word, decoded.

    The five fields are as stored. ``head``, ``link`` and ``sizeclass`` have a meaning only while the slab is in use,
    and ``next`` only while it is free.

    Attributes:
        index: index of the slab in its superslab; 0 is the short slab.
        address: address of the slab, where it starts; its word is in the superslab's header.
        used: number of allocated objects.
        head: if even, the offset in the slab of the first free object; if odd, the bump pointer plus 1, or all ones if
            the slab is full.
        link: offset in the slab of its list node; out of date while the slab is full.
        sizeclass: number of its objects' size class.
        next: in a free full-length slab, the index of the next free one minus its own index minus 1, modulo the
            number of slabs.
        size: bytes of each object, 0 if the slab is not in use.
        capacity: how many objects it can hold, 0 if it is not in use.
        after: for a free full-length slab, the index of the next free one; 0 for the last, and for all other slabs.
    """

    index: int
    address: int
    used: int
    head: int
    link: int
    sizeclass: int
    next: int
    size: int
    capacity: int
    after: int

    @property
    def words(self) -> str:
        """The metadata word as text."""
        if self.size:
            return (
                f"{self.used} of {self.capacity} objects of {self.size} B, head {self.head:#06x}, "
                f"link {self.link:#06x}, sizeclass {self.sizeclass}"
            )
        if self.index == 0:
            return "free, short"
        return f"free, next {self.next}: slab {self.after}" if self.after else f"free, next {self.next}: the last"


@dataclass(frozen=True, slots=True)
class SuperslabPicture(Picture):
    """A superslab, as its bytes describe it.

    Attributes:
        address: address of the chunk, where the superslab and its header start.
        owner: number of the allocator that owns it.
        kind: the kind of the chunk, as its header says: 3, a superslab.
        next, prev: addresses of its neighbours on its allocator's list of superslabs with space, 0 at the ends; they
            have no meaning when it is full, since it is on no list then.
        head: index of the first free full-length slab, 0 if there is none.
        used: twice the number of full-length slabs in use, plus 1 if the short slab is in use.
        status: what is free: ``empty``, ``available``, ``only short`` or ``full``.
        free: indices of its free full-length slabs, in the order of their list.
        slabs: every slab's metadata word, by index.
    """

    address: int
    owner: int
    kind: int
    next: int
    prev: int
    head: int
    used: int
    status: str
    free: tuple[int, ...]
    slabs: tuple[SlabWord, ...]

    @classmethod
    def of(cls, survey: Survey, superslab: int) -> SuperslabPicture:
        """Read a superslab."""
        u64, free = survey.memory.u64, set(survey.free_slabs(superslab))
        if not survey.superslab.used(superslab) & 1:
            free.add(0)
        owner, kind, after, before = (u64[superslab + field >> 3] for field in (OWNER, KIND, NEXT, PREV))
        return cls(
            address=superslab,
            owner=owner >> survey.config.allocator_bits,
            kind=kind,
            next=after,
            prev=before,
            head=survey.superslab.head(superslab),
            used=survey.superslab.used(superslab),
            status=survey.superslab.status(superslab).value,
            free=tuple(survey.free_slabs(superslab)),
            slabs=tuple(
                _word(survey, superslab, index, free=index in free) for index in range(survey.config.slab_count)
            ),
        )

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return f"superslab {self.address:#x}"

    @property
    def title(self) -> str:
        """The title of the picture."""
        return f"Superslab at {self.address:#x} of allocator {self.owner}: {self.status}"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        in_use = sum(slab.size > 0 for slab in self.slabs)
        return f"{in_use} of {len(self.slabs)} slabs are in use. {self._free()}."

    def _free(self) -> str:
        """Describe the list of free full-length slabs."""
        free = self.free
        if len(free) > 12:
            return f"free slabs: {' → '.join(map(str, free[:10]))} → ... {len(free) - 10} more"
        return f"free slabs: {' → '.join(map(str, free))}" if free else "no full-length slab is free"

    def _header(self) -> dict[str, str]:
        """Return the header's fields."""
        return {
            "owner": f"allocator {self.owner}",
            "kind": str(self.kind),
            "next": f"{self.next:#x}",
            "prev": f"{self.prev:#x}",
            "head": str(self.head),
            "used": f"{self.used} = 2×{self.used // 2}+{self.used % 2}",
        }

    def facts(self) -> dict[str, str]:
        """Return the header, and every metadata word."""
        return self._header() | {f"slab {slab.index}": slab.words for slab in self.slabs}

    def _listed(self) -> tuple[SlabWord, ...]:
        """Return the slabs that get a line of their own."""
        if len(self.slabs) <= FEW:
            return self.slabs
        return tuple(slab for slab in self.slabs if slab.size)[:LISTED]

    # As SVG.

    def draw(self, canvas: Canvas) -> None:
        """Draw the header, the slabs, and their metadata words."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        for index, (name, value) in enumerate(self._header().items()):
            x = 10 + 124 * index
            canvas.words(x, 48, name, kind="dim", size=11)
            canvas.box(x, 53, 118, 24, "header", fact=name, value=value, words=[value], size=11)
        canvas.bottom += 12
        if len(self.slabs) > FEW:
            self._draw_grid(canvas)
        self._draw_rows(canvas)
        canvas.lines(self._free(), kind="", gap=6)

    def _draw_grid(self, canvas: Canvas) -> None:
        """Draw every slab as a small box, filled if it is in use."""
        columns, top = 16, canvas.bottom
        width, height = (WIDTH - 60) / columns, 20
        for slab in self.slabs:
            row, column = divmod(slab.index, columns)
            x, y = 50 + column * width, top + row * (height + 3)
            if column == 0:
                canvas.words(42, y + 14, str(slab.index), kind="dim", size=11, anchor="end")
            label = f"{slab.size}" if slab.size else ("short" if slab.index == 0 else f"→{slab.after}")
            kind = "used" if slab.size else "bump"
            fact = f"slab {slab.index}"
            canvas.box(x, y, width - 3, height, kind, fact=fact, value=slab.words, words=[label], size=10)
        canvas.lines("filled: in use, with its objects' size in bytes · dashed: free, with the next free slab", gap=0)
        canvas.bottom += 6

    def _draw_rows(self, canvas: Canvas) -> None:
        """Draw metadata words, one row for each."""
        columns = {"slab": 10, "used": 60, "objects": 250, "head": 390, "link": 470, "sizeclass": 550, "next": 650}
        y = canvas.bottom + 14
        for name, x in columns.items():
            canvas.words(x, y, name, kind="dim", size=11)
        grid = len(self.slabs) > FEW
        for slab in self._listed():
            y = canvas.bottom + 6
            fact = "" if grid else f"slab {slab.index}"
            value = "" if grid else slab.words
            canvas.words(10, y + 16, str(slab.index), size=12)
            kind = "free" if slab.size else "bump"
            canvas.box(60, y, 180, 22, kind, fact=fact, value=value, words=[] if slab.size else ["free"])
            if slab.size:
                canvas.box(61, y + 1, 178 * slab.used / slab.capacity, 20, "fill")
                canvas.words(150, y + 15, f"{slab.used} of {slab.capacity}", size=11, anchor="middle")
                canvas.words(250, y + 16, f"{slab.size} bytes", size=12)
                canvas.words(390, y + 16, f"{slab.head:#06x}", size=12)
                canvas.words(470, y + 16, f"{slab.link:#06x}", size=12)
                canvas.words(550, y + 16, str(slab.sizeclass), size=12)
            elif slab.index:
                canvas.words(650, y + 16, f"{slab.next} → {slab.after or 'end'}", size=12)
        rest = sum(slab.size > 0 for slab in self.slabs) - len(self._listed())
        if grid and rest > 0:
            canvas.lines(f"... and {rest} more slabs in use")

    # As text.

    def write(self, page: Page) -> None:
        """Write the header, and the metadata words."""
        header = (f"{page.marked(name).strip()}{name}={value}" for name, value in self._header().items())
        page.paragraph("  ".join(header))
        if len(self.slabs) > FEW:
            spans = [("#" if slab.size else ".", "used" if slab.size else "bump") for slab in self.slabs]
            page.grid(spans, columns=64, label=lambda index: f"slab {index}")
        wide = page.width >= 60
        if wide and self._listed():
            page.row(("  slab  objects             head    link    class  next", "dim"))
        for slab in self._listed():
            mark = page.marked(f"slab {slab.index}")
            if not slab.size:
                page.row((f"{mark}{slab.index:4}  {slab.words}", "bump"))
            elif wide:
                objects = f"{slab.used}/{slab.capacity} of {slab.size} B"
                words = f"{objects:18}  {slab.head:#06x}  {slab.link:#06x}  {slab.sizeclass:5}"
                page.row((f"{mark}{slab.index:4}  ", ""), (words, "used"))
            else:
                page.paragraph(f"{mark}{slab.index:4}  {slab.words}", indent=" " * 8, kind="used")
        rest = sum(slab.size > 0 for slab in self.slabs) - len(self._listed())
        if len(self.slabs) > FEW and rest > 0:
            page.paragraph(f"  ... and {rest} more slabs in use")
        page.paragraph(self._free(), indent="  ")


def _word(survey: Survey, superslab: int, index: int, *, free: bool) -> SlabWord:
    """Decode a metadata word."""
    slab = superslab + index * survey.config.slab_size
    fields = survey.metaslab.fields(slab)
    in_use = not free and fields.sizeclass < survey.config.num_small
    return SlabWord(
        index=index,
        address=slab,
        used=fields.used,
        head=fields.head,
        link=fields.link,
        sizeclass=fields.sizeclass,
        next=fields.next,
        size=survey.table.sizes[fields.sizeclass] if in_use else 0,
        capacity=survey.table.capacity(fields.sizeclass, short=index == 0) if in_use else 0,
        after=0 if in_use or index == 0 else (index + fields.next + 1) % survey.config.slab_count,
    )
