"""Data that shows itself: by ``print``, and in a notebook that names it (§2.2).

    Finding, Told, Result        data; they know no printer
             │ Shown
             ▼
    the registry   ◄── showing   text and HTML for each kind, entered when the explorer is imported

The law: data know nothing of how they are shown. Whatever shows them knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

__all__ = ["Printer", "Shown", "show_by"]

T = TypeVar("T", bound="Shown")

_texts: dict[type, Callable[..., str]] = {}
_pages: dict[type, Callable[..., str]] = {}


class Printer(Protocol):
    """What IPython prints with."""

    def text(self, text: str) -> object:
        """Print a text."""


class Shown:
    """Data with printers that are entered elsewhere."""

    def __str__(self) -> str:
        return _texts[type(self)](self)

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        """Show it where there is no HTML."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return _pages[type(self)](self)


def show_by(kind: type[T], text: Callable[[T], str], html: Callable[[T], str]) -> None:
    """Enter the printers of a kind of data."""
    _texts[kind], _pages[kind] = text, html
