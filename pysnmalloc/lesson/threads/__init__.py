"""Threads of an answer: they are watched, none waits or loops for ever, and each is named (§2.2).

    crew = Crew()                         caller ──► answer(...)      joins
    crew.run(answer, heap, 3, 20)            ├── thread 1 ─────┤        ▲
                                             ├── thread 2 ─────┼────────┘
    crew.linger()  holds one of them         └── thread 3 ─────┘

The answer runs in a thread of its own, so that the check goes on if the answer does not. Each thread that it
starts is a member of the crew, in the order of start. A member reports its deeds, which are calls of a judge's
heap and the start and end of threads. Its steps are traced. The crew looks ten times a second, and gives up
after many looks without a deed or a step, or with many steps and no deed.

The law: an answer that is right is never given up. What counts are looks, not seconds: a machine that is busy
delays the looks as well as the threads. Read ``crew``.

Left out: a function written in C that never returns, and ``from time import sleep``, which sleeps as long as it says.

Imported by: material, tutorials.

    patience, member, standins, crew
"""

from .crew import Crew, NoThreads
from .member import Member

__all__ = ["Crew", "Member", "NoThreads"]
