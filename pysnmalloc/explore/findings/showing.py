"""Showing: each kind of data and its printers, put together (§2.2)."""

from __future__ import annotations

from .finding import Finding
from .html import finding_html, result_html, told_html
from .result import Result
from .shown import show_by
from .text import finding_text, result_text, told_text
from .told import Told

__all__ = ["enter_printers"]


def enter_printers() -> None:
    """Enter the printers of findings, executions that were told, and results."""
    show_by(Finding, finding_text, finding_html)
    show_by(Told, told_text, told_html)
    show_by(Result, result_text, result_html)
