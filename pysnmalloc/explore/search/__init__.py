"""The search: every execution, each once; or a sample of them; in one process or in many (§2.2).

Read ``search`` first: a stack of graphs that are still to be extended. ``exploration`` prepares a
scenario, lets each thread run ``alone`` once, and judges what comes out. ``collector`` counts
executions and keeps the shortest of each kind of finding. ``seeds`` writes a branch down so that
another process can take it up (``parallel``). ``interleave`` goes through plain interleavings,
``sample`` draws at random.

Imported by: explorer, and all above it.

    alone, exploration, interleave, collector, sample, search, seeds, parallel
"""
