"""Schedules: an execution put in one line, written as a short text, and played again (§2.2).

Read ``schedule`` first: a text such as ``A A B C=A2``, which users can copy and keep. ``playing``
grows an execution by it, ``line`` puts the events of any execution in an order with few changes
of thread, and ``writing`` turns that order into a schedule.

Imported by: findings, and all above it.

    line, schedule, playing, writing
"""
