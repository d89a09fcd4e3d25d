"""Inspection: what judges a heap, from its bytes and without asking the allocator (§2, §3).

Read ``laws`` first: every law of every structure, as code that checks it. ``survey`` reads a
heap's structures off its bytes, for the laws and for the pictures. ``statistics`` counts what a
heap did and holds, hops of messages among it. ``checked`` is the mode that finds misuse: double
frees, frees of what is no object, writes after free, leaks.

No concept knows of this room.

Imported by: pictures, heap, and the rooms above it.

    checked, statistics, survey, laws
"""
