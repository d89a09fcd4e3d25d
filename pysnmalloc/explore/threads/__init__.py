"""Threads and their steps: a scenario's threads, as trees of what they may read (§2.2).

Read ``scenario`` first: it is what a user writes. ``proxies`` has the memory and the atomics that
explored code is given. Every atomic access becomes an operation (``ops``), runs of plain accesses
become segments (``segment``), and a thread becomes a tree with a branch for each value that a
load may return (``tree``).

Imported by: executions, and all above it.

    scenario, ops, segment, proxies, tree
"""
