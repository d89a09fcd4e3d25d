"""The search for executions: each of them once, or a sample, in one process or in many (§2.2).

Read ``search`` first: a stack of graphs that are still to be extended. ``exploration`` prepares a
scenario, lets each thread run ``alone`` once, and judges its executions. ``collector`` counts
executions and keeps the shortest for each kind of finding. ``seeds`` records a branch, so that
another process can continue it (``parallel``). ``interleave`` visits every plain interleaving.
``sample`` bounds preemptions or draws at random.

Imported by: explorer, and all above it.

    alone, exploration, interleave, collector, sample, search, seeds, parallel
"""
