"""Findings, and how they are told: step by step, one lane per thread, as text or HTML (§2.2).

Read ``finding`` and ``result`` first: they are data and know no printer. ``schedule`` writes an
execution as a short text and plays it again; ``line`` puts its events in one order; ``telling``
plays a schedule and describes each step. ``wording`` finds the words that ``text`` and ``html``
print, and ``showing`` enters these printers, so that a notebook shows what it names.

Imported by: search, and all above it.

    shown, finding, result, naming, line, schedule, telling, rows, wording, text, html, showing
"""

from . import showing

__all__ = ["showing"]
