"""The explorer: every execution of the code that runs, under a memory model, weak ones included (§2.2, §2.5).

    from pysnmalloc.explore import explore
    from pysnmalloc.explore.scenarios import SCENARIOS

    print(explore(SCENARIOS["queue"], model="rc11"))

It explores the same source that runs on real threads: the classes of the library,
given a memory and atomics that are watched. Its parts, each building on those before:

    scenario       what is explored, and what counts as wrong
    ops            one step of a thread
    proxies, tree  a thread as a tree of what it may read
    graph          an execution: po, rf, mo
    models, psc    sequential consistency, x86-TSO, RC11
    search         one execution of each class: TruSt;  seeds: its branches written down
    interleave     every interleaving;  sample: few preemptions, or by lot
    line, schedule an execution put in one line, as a short text
    finding        what can go wrong, by name;  telling: its steps
    exploration, result: put together
    parallel       subtrees of the search, searched elsewhere
    explorer       explore, replay, tell
    turnstile, realthreads: an interleaving on real threads
    testing        the same in pytest
    heaps          scenarios on a whole heap
    wording, rows, text, html: findings and results shown
"""

from .explorer import explore, replay, tell
from .finding import Finding, Step
from .result import Result
from .scenario import Place, Scenario, Wrong

__all__ = ["Finding", "Place", "Result", "Scenario", "Step", "Wrong", "explore", "replay", "tell"]
