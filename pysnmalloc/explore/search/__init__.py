"""The search: every execution, each once; or a sample of them; on one process or many (§2.2).

Read ``search`` first: the stack of graphs that are still to be extended. ``seeds`` writes a
branch down so that another process can take it up (``parallel``); ``interleave`` counts
plain interleavings, ``sample`` draws at random, ``weaken`` asks of each memory order
whether it is needed.

The modules:

    search, seeds, interleave, sample, exploration, parallel, weaken
"""
