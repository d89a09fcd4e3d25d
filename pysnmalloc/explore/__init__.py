"""The explorer: every execution of the real code that a memory model allows, weak models included (§2.2, §2.5).

    from pysnmalloc.explore import explore
    from pysnmalloc.explore.scenarios import SCENARIOS

    print(explore(SCENARIOS["queue"], model="cpp20"))

    scenario ─► a tree per thread ─► executions, as graphs ─► outcomes, findings ─► text, HTML
                (what it may read)   (po, rf, mo; a model     (told by schedules
                                      says which exist)        that replay)

The explorer uses the same source that runs on real threads: the classes of the library, with a
memory and atomics that observe every access. Read ``explorer`` first, then the rooms from the
bottom up.

Imported by: lesson, cli.

    threads/, executions/, schedules/, findings/, search/, explorer, weaken, testing, turnstile,
    realthreads, scenarios/
"""

from .explorer import explore, replay, tell
from .findings.finding import Finding, Step
from .findings.result import Outcome, Result
from .findings.told import Told
from .schedules.schedule import ScheduleError
from .threads.scenario import Place, Scenario, ThreadCode, Wrong

__all__ = [
    "Finding",
    "Outcome",
    "Place",
    "Result",
    "Scenario",
    "ScheduleError",
    "Step",
    "ThreadCode",
    "Told",
    "Wrong",
    "explore",
    "replay",
    "tell",
]
