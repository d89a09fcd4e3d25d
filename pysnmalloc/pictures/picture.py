"""A picture: what is to be seen of a structure, read from the bytes once, shown in several ways (§2).

    bytes ──► SlabPicture (a frozen record) ──► facts    {"head": "0x0041", "object 0x22040": "free ..."}
                                            ├─► text     for terminals, with colour or without
                                            └─► SVG      for pages and notebooks, light and dark

The law: text and SVG show the facts and nothing else. What changed between two
pictures of one thing is where their facts differ, and is marked by more than
colour. A picture stays as it was when the heap goes on.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Protocol

from .svg import Canvas
from .text import Page

__all__ = ["Picture", "changes"]

Facts = Mapping[str, str]
GONE = "(not there)"
QUIET = {GONE, "never allocated"}  # objects that come and go with their slab
WIDEST = 100  # columns of text; longer lines are hard to read


class _ConsoleOptions(Protocol):
    """What rich says of its console."""

    @property
    def max_width(self) -> int:
        """Columns."""


class _Printer(Protocol):
    """What IPython prints with."""

    def text(self, text: str) -> object:
        """Print a text."""


class Picture(ABC):
    """Something to be seen of a heap. ``print`` it, or name it in a notebook."""

    __slots__ = ()

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it is a picture of: pictures of one subject can be compared."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it shows, in a few words."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What is to be seen, in a sentence or two, for those who do not see it."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Everything that is shown: names and values, in words."""

    @abstractmethod
    def draw(self, canvas: Canvas) -> None:
        """Draw it."""

    @abstractmethod
    def write(self, page: Page) -> None:
        """Write it."""

    def svg(self, changed: frozenset[str] = frozenset(), *, styled: bool = True) -> str:
        """Return it as an SVG element, the ``changed`` facts marked.

        Args:
            changed: names of facts.
            styled: with its style sheet; a page of many pictures needs one only.
        """
        canvas = Canvas(changed)
        self.draw(canvas)
        return canvas.svg(self.title, self.description, styled=styled)

    def text(self, width: int = 80, changed: frozenset[str] = frozenset(), *, colour: bool = False) -> str:
        """Return it as text, at most ``width`` columns wide."""
        page = self._page(width, changed)
        return page.ansi() if colour else page.plain()

    def _page(self, width: int, changed: frozenset[str]) -> Page:
        """Write it all, and behind it what changed and is not marked where it stands."""
        page = Page(width, changed)
        page.title(self.title)
        self.write(page)
        facts = self.facts()
        for name in sorted((changed & facts.keys()) - page.told):
            page.paragraph(f"* {name}: {facts[name]}", kind="changed", indent="  ")
        return page

    def __str__(self) -> str:
        return self.text(min(shutil.get_terminal_size().columns, WIDEST))

    def __rich_console__(self, console: object, options: _ConsoleOptions) -> Iterator[str]:
        """Show it on a console of rich's, in colour."""
        yield self._page(min(options.max_width, WIDEST), frozenset()).markup()

    def _repr_pretty_(self, printer: _Printer, _cycle: bool) -> None:
        """Show it where there is no HTML."""
        printer.text(str(self))

    def _repr_svg_(self) -> str:
        """Show it in a notebook."""
        return self.svg()

    def _repr_html_(self) -> str:
        """Show it in a notebook, where the page decides between light and dark."""
        return f'<div class="snm-figure">{self.svg()}</div>'


def changes(before: Picture | None, after: Picture) -> dict[str, tuple[str, str]]:
    """Return what changed between two pictures of one thing: by name, the value before and the value after."""
    if before is None:
        return {}
    old, new = before.facts(), after.facts()
    pairs = {name: (old.get(name, GONE), new.get(name, GONE)) for name in old | new}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and set(pair) != QUIET}
