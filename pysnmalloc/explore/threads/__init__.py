"""Threads and their steps: a scenario's threads, as trees of what they may read (§2.2).

Read ``scenario`` first: what a user writes. ``proxies`` are the memory and the atomics
that explored code is given; every access becomes an operation (``ops``), runs of plain
accesses become segments (``segment``), and a thread becomes a tree with a branch for
each value that a load may return (``tree``).

The modules:

    scenario, ops, segment, proxies, tree
"""
