"""A medium slab: its objects, and the stack of free ones in its header (§2.7).

    head 2, free 1     stack[2:] = 20       the next object is at 20 × 256 bytes

An object is free while its index is in the stack at ``head`` or after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..chunklist import OWNER
from ..config import MEDIUM_UNIT
from ..inspection.survey import Survey
from .picture import Picture
from .svg import WIDTH, Canvas
from .text import Page

__all__ = ["MediumPicture"]


@dataclass(frozen=True, slots=True)
class MediumPicture(Picture):
    """A medium slab, as its bytes describe it.

    Attributes:
        address: address of the chunk, where the slab and its header start.
        owner: number of the allocator that owns it.
        size: bytes of each object.
        sizeclass: number of its objects' size class.
        free: number of free objects.
        head: index of the stack's top, which is the number of allocated objects.
        objects: addresses of the objects.
        stack: indices of the free objects, beginning with the next to be taken.
    """

    address: int
    owner: int
    size: int
    sizeclass: int
    free: int
    head: int
    objects: tuple[int, ...]
    stack: tuple[int, ...]

    @classmethod
    def of(cls, survey: Survey, slab: int) -> MediumPicture:
        """Read a medium slab."""
        sizeclass = survey.medium.sizeclass(slab)
        size, slots = survey.table.sizes[sizeclass], survey.table.capacity(sizeclass)
        end = slab + survey.config.chunk_size
        return cls(
            address=slab,
            owner=survey.memory.u64[slab + OWNER >> 3] >> survey.config.allocator_bits,
            size=size,
            sizeclass=sizeclass,
            free=survey.medium.free(slab),
            head=survey.medium.head(slab),
            objects=tuple(range(end - slots * size, end, size)),
            stack=survey.medium.stack(slab),
        )

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return f"medium slab {self.address:#x}"

    @property
    def title(self) -> str:
        """The title of the picture."""
        return f"Medium slab at {self.address:#x} of allocator {self.owner}: objects of {self.size:,} bytes"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        return f"{self.free} of {len(self.objects)} objects are free. {self._stack()}."

    def facts(self) -> dict[str, str]:
        """Return the header's fields, and every object."""
        return self._header() | {f"object {address:#x}": self._state(address) for address in self.objects}

    def _header(self) -> dict[str, str]:
        """Return the header's fields."""
        return {
            "head": str(self.head),
            "free": f"{self.free} of {len(self.objects)}",
            "sizeclass": f"{self.sizeclass} ({self.size:,} B)",
        }

    def _state(self, address: int) -> str:
        """Describe an object."""
        index = (address - self.address) // MEDIUM_UNIT
        return f"free, stack[{self.head + self.stack.index(index)}]" if index in self.stack else "allocated"

    def _stack(self) -> str:
        """Describe the stack."""
        shown = " ".join(map(str, self.stack[:12])) + (" ..." if len(self.stack) > 12 else "")
        return f"stack[{self.head}:] = {shown or 'nothing'}, in units of {MEDIUM_UNIT} bytes"

    def draw(self, canvas: Canvas) -> None:
        """Draw the header and the objects."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        for index, (name, value) in enumerate(self._header().items()):
            left = 10 + 185 * index
            canvas.words(left, 48, name, kind="dim", size=11)
            canvas.box(left, 53, 175, 24, "header", fact=name, value=value, words=[value], size=12)
        canvas.bottom += 12
        columns, top = min(len(self.objects), 16 if len(self.objects) > 8 else 8), canvas.bottom
        width = (WIDTH - 20) / columns
        for place, address in enumerate(self.objects):
            row, column = divmod(place, columns)
            state = self._state(address)
            free = state != "allocated"
            words = [f"{(address - self.address) // MEDIUM_UNIT}", "free" if free else "■"]
            x, y = 10 + column * width, top + row * 40
            kind = "free" if free else "used"
            canvas.box(x, y, width - 3, 36, kind, fact=f"object {address:#x}", value=state, words=words)
        canvas.lines(self._stack(), kind="")

    def write(self, page: Page) -> None:
        """Write the header and the objects."""
        page.paragraph(
            "  ".join(f"{page.marked(name).strip()}{name}={value}" for name, value in self._header().items())
        )
        cells = [(".", "free") if self._state(at) != "allocated" else ("#", "used") for at in self.objects]
        page.grid(cells, columns=32, gap=" ", label=lambda index: f"{self.objects[index] - self.address:#x}")
        page.paragraph(self._stack(), indent="  ")
        page.paragraph("# allocated   . free", kind="dim")
