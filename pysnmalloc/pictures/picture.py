"""A picture: facts about a structure, read from the bytes once and shown in several ways (§2).

    bytes ──► SlabPicture (a frozen record) ──► facts    {"head": "0x0041", "object 0x22040": "free ..."}
                                            ├─► text     for terminals, with or without colour
                                            └─► SVG      for pages and notebooks, light and dark

The law: text and SVG show the facts and nothing else. Two pictures of one subject
differ where their facts differ, and such a change is marked by more than colour. A
picture does not change when the heap does.
"""

from __future__ import annotations

import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Protocol

from .signs import encodable
from .svg import Canvas
from .text import Page

__all__ = ["Picture", "changes"]

Facts = Mapping[str, str]
GONE = "(not there)"
QUIET = {GONE, "never allocated"}  # objects that come and go with their slab
WIDEST = 100  # columns of text, since longer lines are hard to read


class _ConsoleOptions(Protocol):
    """What rich reports about its console."""

    @property
    def max_width(self) -> int:
        """Columns."""


class _Printer(Protocol):
    """The printer that IPython passes."""

    def text(self, text: str) -> object:
        """Print a text."""


class Picture(ABC):
    """A picture of a part of a heap. ``print`` it, or make it the last expression of a notebook's cell."""

    __slots__ = ()

    @property
    @abstractmethod
    def subject(self) -> str:
        """The subject of the picture. Pictures of the same subject can be compared."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The title, in a few words."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What the picture shows, in a sentence or two, for readers who cannot see it."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Return everything that is shown, as names and values in words."""

    @abstractmethod
    def draw(self, canvas: Canvas) -> None:
        """Draw the picture on a canvas."""

    @abstractmethod
    def write(self, page: Page) -> None:
        """Write the picture on a page."""

    def svg(self, changed: frozenset[str] = frozenset(), *, styled: bool = True) -> str:
        """Return the picture as an SVG element, with the ``changed`` facts marked.

        Args:
            changed: names of the facts to mark.
            styled: whether to include the style sheet; a page of many pictures needs it only once.
        """
        canvas = Canvas(changed)
        self.draw(canvas)
        return canvas.svg(self.title, self.description, styled=styled)

    def text(self, width: int = 80, changed: frozenset[str] = frozenset(), *, colour: bool = False) -> str:
        """Return the picture as text, at most ``width`` columns wide."""
        page = self._page(width, changed)
        return page.ansi() if colour else page.plain()

    def _page(self, width: int, changed: frozenset[str]) -> Page:
        """Write the picture, then every changed fact that is not marked in it."""
        page = Page(width, changed)
        page.title(self.title)
        self.write(page)
        facts = self.facts()
        for name in sorted((changed & facts.keys()) - page.told):
            page.paragraph(f"* {name}: {facts[name]}", kind="changed", indent="  ")
        return page

    def __str__(self) -> str:
        # Printed text must not fail where standard output lacks arrows, as on Windows when it is redirected.
        text = self.text(min(shutil.get_terminal_size().columns, WIDEST))
        return encodable(text, getattr(sys.stdout, "encoding", None) or "utf-8")

    def __rich_console__(self, console: object, options: _ConsoleOptions) -> Iterator[str]:
        """Show the picture on a console of rich, in colour."""
        yield self._page(min(options.max_width, WIDEST), frozenset()).markup()

    def _repr_pretty_(self, printer: _Printer, _cycle: bool) -> None:
        """Show the picture where HTML is not available."""
        printer.text(str(self))

    def _repr_svg_(self) -> str:
        """Show the picture in a notebook."""
        return self.svg()

    def _repr_html_(self) -> str:
        """Show the picture in a notebook whose page decides between light and dark."""
        return f'<div class="snm-figure">{self.svg()}</div>'


def changes(before: Picture | None, after: Picture) -> dict[str, tuple[str, str]]:
    """Return what changed between two pictures of one subject: for each name, the values before and after."""
    if before is None:
        return {}
    old, new = before.facts(), after.facts()
    pairs = {name: (old.get(name, GONE), new.get(name, GONE)) for name in old | new}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and set(pair) != QUIET}
