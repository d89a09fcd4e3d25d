"""The explorer: every execution of the code that runs, under a memory model, weak ones included (§2.2, §2.5).

    from pysnmalloc.explore import explore
    from pysnmalloc.explore.scenarios import SCENARIOS

    print(explore(SCENARIOS["queue"], model="rc11"))

    scenario ─► a tree per thread ─► executions, as graphs ─► outcomes, findings ─► text, HTML
                (what it may read)   (po, rf, mo; a model     (told by schedules
                                      says which there are)    that replay)

It explores the same source that runs on real threads: the classes of the library,
given a memory and atomics that are watched. Its parts, each building on those before:

    scenario, ops, segment, proxies, tree, event, start, graph, ordered, psc, rc11, models, search,
    seeds, interleave, line, schedule, sample, finding, telling, exploration, result, parallel,
    explorer, weaken, turnstile, realthreads, testing, heaps, litmus, scenarios, seeded, wording,
    rows, text, html
"""

from .explorer import explore, replay, tell
from .findings.finding import Finding, Step
from .findings.result import Result
from .threads.scenario import Place, Scenario, Wrong

__all__ = ["Finding", "Place", "Result", "Scenario", "Step", "Wrong", "explore", "replay", "tell"]
