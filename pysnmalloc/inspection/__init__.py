"""Inspection: what judges a heap, from its bytes and without asking the allocator (§2, §3).

Read ``laws`` first: every law of every structure, as code that checks it. ``survey``
reads a heap's parts off its bytes, for the laws and for the pictures. ``statistics``
counts what a heap did and holds. ``checked`` is the mode that finds misuse: double
frees, frees of what is no object, writes after free, leaks.

``heap`` and all rooms above it may import this room. No concept does. The modules:

    checked, survey, laws, statistics
"""
