"""Scenarios: the programs that the explorer runs, from litmus tests to whole allocators, and seeded bugs (§2.2, §2.5).

Read ``queue`` first, which has the message queue and three broken versions of it. ``stack`` has
the stack as shipped, with the published orders, and without its incarnation number. ``heaps`` has
the base class of the scenarios of whole allocators, which are in ``allocators``. ``basics`` has
small scenarios for single kinds of findings. ``litmus`` has litmus tests as data, and ``programs``
makes scenarios of them. ``seeded`` replaces a part by a class with one changed statement.
``catalogue`` has all scenarios by name.

Imported by: nothing beside it.

    basics, litmus, programs, queue, stack, heaps, allocators, catalogue, seeded
"""

from .catalogue import ALLOCATORS, SCENARIOS
from .programs import LitmusScenario

__all__ = ["ALLOCATORS", "SCENARIOS", "LitmusScenario"]
