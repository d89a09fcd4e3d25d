"""The catalogue of built-in scenarios, by the names that ``pysnmalloc explore`` knows (§2.2, §2.5)."""

from __future__ import annotations

from ...allocator import Parts
from ..threads.scenario import Scenario
from .allocators import Chunks, Converge, Crossing, DoubleFree, Forward, Fresh, HandOver, Home, Medium, Ring, SameBucket
from .basics import Append, Deadlock, Livelock, LostUpdate, Spin, TooEarly
from .heaps import HeapScenario
from .litmus import LITMUS
from .programs import LitmusScenario
from .queue import EagerQueue, Figure3d, PublishedQueue, QueueScenario, SplitQueue
from .stack import PublishedStack, StackScenario, UntaggedStack

__all__ = ["ALLOCATORS", "SCENARIOS"]

_ALL: tuple[Scenario, ...] = (
    QueueScenario("queue", "Two producers send one message each, and a consumer tries 4 times: is a message lost?"),
    QueueScenario("queue-2x2", "The same as queue, with two messages per producer.", messages=2, tries=4),
    QueueScenario(
        "queue-published",
        "The queue with the orders that the paper publishes: do they suffice in C++?",
        parts=Parts(messagequeue=PublishedQueue),
        note=(
            "No processor shows this. The link is stored at an address that the exchange returned, and a processor "
            "does not store to an address before it knows it. So the link comes after the exchange, the exchange after "
            "the other producer's release fence, and the fence after the null. On x86, an exchange is also a full "
            "fence. C++ has no such dependency for relaxed operations: a compiler that guesses the address may store "
            "early. The shipped queue therefore uses an acquire-release exchange, which orders the two stores in the "
            "language itself."
        ),
    ),
    QueueScenario(
        "queue-payload",
        "The same as queue, with payloads that cannot race: does each message carry its own payload?",
        plain=False,
    ),
    QueueScenario(
        "queue-eager",
        "The newest message is dequeued at once instead of staying in the queue: what is received?",
        parts=Parts(messagequeue=EagerQueue),
    ),
    QueueScenario(
        "queue-split",
        "The exchange is split into a load and a store: what goes wrong?",
        parts=Parts(messagequeue=SplitQueue),
    ),
    Figure3d(),
    StackScenario(
        "stack",
        "A pops a chunk while B pops two and pushes one back: is each chunk in one place?",
        {"A": "pop", "B": "pop pop push"},
    ),
    StackScenario(
        "stack-3",
        "Three threads pop and push: is each chunk in one place?",
        {"A": "pop push", "B": "pop", "C": "pop"},
        chunks=2,
    ),
    StackScenario(
        "stack-published",
        "The same as stack, with the orders that the paper's code publishes: do they suffice in C++?",
        {"A": "pop", "B": "pop pop push"},
        Parts(stack=PublishedStack),
        use=False,  # an owner's plain write to a link would race with a pop's load of it, under every model
        note=(
            "On x86, a compare-exchange is a full fence, so a chunk's link is in memory before the chunk is the head. "
            "C++ has no such rule for a relaxed one, and the order of the link does not help. A release orders what "
            "comes before the store of the link, not the compare-exchange after it; and an acquire orders nothing if "
            "it reads an older link. The shipped stack therefore releases in the compare-exchange that makes a chunk "
            "the head, and acquires with the incarnation number."
        ),
    ),
    StackScenario(
        "stack-untagged",
        "The same as stack, without the incarnation number: is the number needed?",
        {"A": "pop", "B": "pop pop push"},
        Parts(stack=UntaggedStack),
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
    DoubleFree(),
    LostUpdate(),
    Append(),
    Deadlock(),
    Spin(),
    Livelock(),
    TooEarly(),
)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*_ALL, *(LitmusScenario(litmus) for litmus in LITMUS))
}
"""The built-in scenarios by name. Litmus tests have names such as ``litmus:SB``."""

for name, scenario in SCENARIOS.items():
    scenario.call(name)

ALLOCATORS = tuple(
    name for name, each in SCENARIOS.items() if isinstance(each, HeapScenario) and not isinstance(each, DoubleFree)
)
"""The names of the scenarios of whole allocators in which no error is expected."""
