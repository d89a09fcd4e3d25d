"""Schedules: the steps of an execution in one order, written as a short text and replayed (§2.2).

Read ``schedule`` first: a schedule is a text such as ``A A B C=A2``, which users can copy and
keep. ``playing`` grows an execution from a schedule, ``line`` puts the events of any execution in
an order with few changes of thread, and ``writing`` turns that order into a schedule.

Imported by: findings, and all above it.

    line, schedule, playing, writing
"""
