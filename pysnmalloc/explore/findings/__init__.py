"""Findings, and how they are told: step by step, one lane per thread, as text or HTML (§2.2).

Read ``finding`` and ``result`` first: they are data and know no printer, and so is ``told``.
``naming`` names failures; ``telling`` plays a schedule and describes each step.
``wording`` finds the words that ``text`` and ``html`` print, ``rows`` the steps that are shown,
and ``showing`` enters these printers, so that a notebook shows what it names.

Imported by: search, and all above it.

    shown, finding, result, told, naming, telling, rows, wording, text, html, showing
"""

from .showing import enter_printers

enter_printers()
