"""Data that shows itself: by ``print``, and in a notebook that names it (§2.2).

    Finding, Told, Result        data; they know no printer
             │ Shown
             ▼
    the registry   ◄── showing   text and HTML for each kind, entered when the explorer is imported

The law: data know nothing of how they are shown. Whatever shows them knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Protocol, TypeVar

__all__ = ["Printer", "Shown", "show_by"]

T = TypeVar("T", bound="Shown")


class Printer(Protocol):
    """What IPython prints with."""

    def text(self, text: str) -> object:
        """Print a text."""


class Shown:
    """Data with printers that are entered elsewhere; a subclass is shown by the printers of its base."""

    def __str__(self) -> str:
        return _text(self)

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        """Show it where there is no HTML."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return _html(self)


def show_by(kind: type[T], text: Callable[[T], str], html: Callable[[T], str]) -> None:
    """Enter the printers of a kind of data."""
    _text.register(kind, text)
    _html.register(kind, html)


@singledispatch
def _text(data: Shown) -> str:
    """Data as plain text."""
    raise TypeError(f"no printer was entered for {type(data).__name__}; call show_by")


@singledispatch
def _html(data: Shown) -> str:
    """Data as HTML."""
    raise TypeError(f"no printer was entered for {type(data).__name__}; call show_by")
