"""Inspection: judging a heap by its bytes, without asking the allocator (§2, §3).

Read ``laws`` first: it holds every law of every structure, as code that checks it.
``survey`` reads a heap's structures from its bytes, for the laws and the pictures.
``statistics`` counts what a heap did and what it holds, including the hops of
messages. ``checked`` is the mode that finds misuse: double frees, invalid frees,
writes after free, and leaks.

No concept depends on this room.

Imported by: pictures, heap, and the rooms above it.

    checked, statistics, survey, laws
"""
