"""Scenarios: what is explored, from litmus tests to whole allocators, and the bugs seeded in them (§2.2, §2.5).

Read ``queue`` first: the message queue, and three broken ones. ``stack`` has the stack with and
without its incarnation number, ``allocators`` whole allocators on the frame of ``heaps``,
``basics`` the classics, ``litmus`` and ``programs`` the tests of memory models. ``seeded`` puts a
class with one changed line in the place of a part. ``catalogue`` names them all.

Imported by: nothing beside it.

    basics, litmus, programs, queue, stack, heaps, allocators, catalogue, seeded
"""

from .catalogue import ALLOCATORS, SCENARIOS
from .programs import LitmusScenario

__all__ = ["ALLOCATORS", "SCENARIOS", "LitmusScenario"]
