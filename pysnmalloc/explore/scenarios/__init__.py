"""The built-in scenarios, by name: what ``pysnmalloc explore NAME`` explores (§2.2, §2.5)."""

from __future__ import annotations

from ..scenario import Scenario
from .allocators import Chunks, Crossing, Forward, HandOver, Home, Medium
from .basics import Append, Deadlock, LostUpdate, Spin, TooEarly
from .queue import Figure3d, PublishedQueue, QueueScenario, SplitQueue
from .stack import StackScenario, UntaggedStack

__all__ = ["ALLOCATORS", "SCENARIOS"]

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
        {"A": "pop push", "B": "pop", "C": "pop push"},
        chunks=2,
    ),
    StackScenario(
        "stack-untagged",
        "The same as stack without the incarnation number: is it needed?",
        {"A": "pop", "B": "pop pop push"},
        UntaggedStack,
    ),
    Home(),
    Crossing(),
    Forward(),
    HandOver(),
    Chunks(),
    Medium(),
    LostUpdate(),
    Append(),
    Deadlock(),
    Spin(),
    TooEarly(),
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""The built-in scenarios by name."""

ALLOCATORS = tuple(name for name, scenario in SCENARIOS.items() if isinstance(scenario, Home.__mro__[1]))
"""Names of those of the whole allocator."""
