"""Threads and their steps: a scenario's threads, as trees of what they may read (§2.2).

Read ``scenario`` first: a scenario is what a user writes. ``proxies`` provides the memory and the
atomics that explored code uses. Every atomic access becomes an operation (``ops``), a run of plain
accesses becomes a segment (``segment``), and a thread becomes a tree with a branch for each value
that a load may return (``tree``). Each run of a thread is stopped at its next step (``stops``) and
compared with earlier runs (``run``). ``misuse`` says in words what no thread may do,
``spinning`` finds the loops that wait, and ``watching`` those that make no access.

Imported by: executions, and all above it.

    scenario, ops, misuse, segment, proxies, stops, watching, run, spinning, tree
"""
