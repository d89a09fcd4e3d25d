"""Findings, and how they are told: step by step, one lane per thread, as text or HTML (§2.2).

Read ``finding`` first: a finding is data, and knows nothing of its printers. ``schedule``
replays one, ``telling`` finds the words for its steps, ``text`` and ``html`` print them.

The modules:

    line, schedule, finding, telling, result, wording, rows, text, html
"""
