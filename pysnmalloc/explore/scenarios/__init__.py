"""The built-in scenarios, by name: what ``pysnmalloc explore NAME`` explores (§2.2, §2.5)."""

from __future__ import annotations

from ..heaps import HeapScenario
from ..litmus import LITMUS
from ..scenario import Scenario
from .allocators import Chunks, Converge, Crossing, Forward, Fresh, HandOver, Home, Medium, Ring, SameBucket
from .basics import Append, Deadlock, LostUpdate, Spin, TooEarly
from .programs import LitmusScenario
from .queue import Figure3d, PublishedQueue, QueueScenario, SplitQueue
from .stack import StackScenario, UntaggedStack

__all__ = ["ALLOCATORS", "SCENARIOS", "LitmusScenario"]

_ALL: tuple[Scenario, ...] = (
    QueueScenario("queue", "Two producers of one message each, a consumer that tries 4 times: is any lost?"),
    QueueScenario("queue-2x2", "The same with two messages each.", messages=2, tries=4),
    QueueScenario(
        "queue-published",
        "The queue with the orders that the paper publishes: do they suffice in C++11?",
        queue=PublishedQueue,
    ),
    QueueScenario("queue-split", "The exchange as a load and a store: what does it do?", queue=SplitQueue),
    Figure3d(),
    StackScenario(
        "stack",
        "A pops a chunk while B pops two and pushes one back: is each in one place?",
        {"A": "pop", "B": "pop pop push"},
    ),
    StackScenario(
        "stack-3",
        "Three threads pop and push: is each chunk in one place?",
        {"A": "pop push", "B": "pop", "C": "pop"},
        chunks=2,
    ),
    StackScenario(
        "stack-untagged",
        "The same as stack without the incarnation number: is it needed?",
        {"A": "pop", "B": "pop pop push"},
        UntaggedStack,
        use=False,
    ),
    Home(),
    Crossing(),
    Converge(),
    SameBucket(),
    Forward(),
    HandOver(),
    Chunks(),
    Fresh(),
    Medium(),
    Ring(),
    LostUpdate(),
    Append(),
    Deadlock(),
    Spin(),
    TooEarly(),
)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*_ALL, *(LitmusScenario(litmus) for litmus in LITMUS))
}
"""The built-in scenarios by name; litmus tests are ``litmus:SB`` and the like."""

ALLOCATORS = tuple(name for name, scenario in SCENARIOS.items() if isinstance(scenario, HeapScenario))
"""Names of those of the whole allocator."""
