"""The words of findings and results, in text and in HTML (§2.2).

    Step ─► notes      “reads 0x400 ← step 3”, marked if the value is old
    Finding ─► Story   headline, scenario, model, length; the command that shows it again
    Result ─► facts    how executions were explored, and how many
           ─► rows     of the table of outcomes

One place for the words, so that text and HTML cannot tell different stories.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from .finding import Finding, Step
from .result import Outcome, Result
from .told import Told

__all__ = [
    "OLD",
    "Note",
    "Story",
    "command",
    "facts",
    "how_to_read",
    "notes",
    "outcome_rows",
    "shown",
    "sites",
]

OLD = "≠ newest"  #: the mark of a read that does not return the newest value
STEPS = 8  # step numbers listed for a site


@dataclass(frozen=True)
class Note:
    """A remark on a step.

    Attributes:
        verb: ``reads``, ``writes`` or ``could read``.
        text: the value and where it was written.
        old: the newest value, if the step read or wrote an older one.
    """

    verb: str
    text: str
    old: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.text}" + (f"  {OLD}: {self.old}" if self.old else "")


@dataclass(frozen=True)
class Story:
    """What a finding and a told execution have in common.

    Attributes:
        kind, detail: the error; ``kind`` is empty if there is none.
        told: the rest.
    """

    kind: str
    detail: str
    told: Finding | Told

    @classmethod
    def of(cls, told: Finding | Told) -> Story:
        """Return the story of either."""
        if isinstance(told, Finding):
            return cls(told.kind, told.detail, told)
        return cls(*(told.wrong or ("", "")), told)

    @property
    def headline(self) -> str:
        """The first line of the detail; ``dump`` holds the rest."""
        if not self.kind:
            return "nothing wrong in these steps"
        first = self.detail.partition("\n")[0]
        return f"{self.kind}: {first}" if first else self.kind

    @property
    def dump(self) -> list[str]:
        """What a law's checker saw, line by line."""
        return self.detail.splitlines()[1:]

    @property
    def note(self) -> str:
        """The scenario's note on a finding."""
        return self.told.note if isinstance(self.told, Finding) else ""

    @property
    def about(self) -> list[str]:
        """Scenario, model, weakened orders and length."""
        told = self.told
        return [
            told.scenario,
            f"model {told.model}",
            *(f"weakened: {site} is {order.value}" for site, order in told.weakened),
            f"{_count(len(told.steps), 'step')}, {_count(told.switches, 'switch', 'switches')} of thread",
        ]


def notes(step: Step) -> list[Note]:
    """Return what a step read and wrote, and what else it could have read."""
    newest = _origin(*step.newest) if step.newest is not None else ""
    said: list[Note] = []
    if step.read is not None:
        old = newest if step.written is None else ""
        said.append(Note("reads", _origin(step.read, step.source or "the start"), old))
    if step.written is None and step.operation.startswith("compare_exchange("):
        said.append(Note("writes", "nothing: it expected another value"))
    if step.operation.startswith("wait(") and f" ≠ {step.read}, " in step.operation:
        said.append(Note("waits", "for another value"))
    if step.written is not None and (newest or not step.operation.startswith(("store(", "exchange("))):
        under = f" right after {_whose(step.after)}" if step.after is not None else ""
        said.append(Note("writes", step.written + under, newest))
    others = [pair for pair in step.alternatives if pair != step.newest]
    if others:
        said.append(Note("could read", ", ".join(_origin(*pair) for pair in others)))
    return said


def sites(steps: tuple[Step, ...]) -> dict[str, str]:
    """Return the sites whose order can be changed, and the steps made there, in words."""
    made: dict[str, list[int]] = {}
    for step in steps:
        if not step.operation.startswith("plain"):
            made.setdefault(step.site, []).append(step.number)
    return {site: _numbers(numbers) for site, numbers in made.items()}


def _numbers(numbers: list[int]) -> str:
    """The first step numbers, and how many more there are."""
    more = f" and {len(numbers) - STEPS:,} more" if len(numbers) > STEPS else ""
    return f"step{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers[:STEPS]))}{more}"


def command(told: Finding | Told, name: str | None = None) -> str:
    """Return the command that shows an execution again, or Python code if the scenario has no name."""
    verb = "replay" if isinstance(told, Finding) else "tell"
    word = name if name is not None else told.command
    if not word:
        orders = ", ".join(f'"{site}": {order}' for site, order in told.weakened)
        return f'{verb}(scenario, "{told.schedule}", "{told.model}"' + (f", {{{orders}}})" if orders else ")")
    weaken = "".join(f'--weaken "{site}={order.value}" ' for site, order in told.weakened)
    word = f'"{word}"' if name is None and " " in word else word
    return f'pysnmalloc explore {word} --model {told.model} {weaken}--{verb} "{told.schedule}"'


def how_to_read(model: str) -> str:
    """Return an explanation for a first-time reader."""
    first = "Read the steps from top to bottom, each in its thread's lane; ← names the step that wrote the value read"
    if model == "sc":
        return f"{first}."
    return (
        f"{first}. Memory is weak: a read may return an older value than the newest, and a write may go before "
        f"the newest in modification order. Such steps are marked {OLD}."
    )


def shown(value: Hashable) -> str:
    """Return a thread's result as findings show values: numbers above 9 are addresses."""
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:#x}" if value > 9 else str(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ")"
    return str(value)


def facts(result: Result) -> list[tuple[str, str]]:
    """Return what an exploration did, as names and values."""
    said = [
        ("how", result.how),
        ("executions", f"{result.executions:,}, of {_count(result.classes, 'class', 'classes')}"),
        ("outcomes", f"{len(result.outcomes):,}"),
    ]
    if result.unfair:
        said.append(("left aside", f"{result.unfair:,} unfair: a thread waits forever for a value already stored"))
    said.extend(("weakened", f"{site} is {order.value}") for site, order in result.weakened)
    return said


def outcome_rows(result: Result, most: int) -> tuple[list[str], list[list[str]], int]:
    """Return the outcomes as a table: headings, rows, and the number of rows omitted. Empty columns are dropped."""
    width = max((len(outcome.results) for outcome in result.outcomes), default=0)
    names = [*result.threads, *(f"thread {n}" for n in range(len(result.threads), width))][:width]
    rows = [_row(outcome, count) for outcome, count in list(result.outcomes.items())[:most]]
    heads = [*names, "judge", "executions"]
    kept = [at for at in range(len(heads)) if any(row[at] != "–" for row in rows)]
    table = [[row[at] for at in kept] for row in rows]
    return [heads[at] for at in kept], table, max(0, len(result.outcomes) - most)


def _row(outcome: Outcome, count: int) -> list[str]:
    """One outcome."""
    return [*map(shown, outcome.results), shown(outcome.judged), f"{count:,}"]


def _origin(value: str, where: str) -> str:
    """A value and where it was written."""
    return f"{value} ← {where}"


def _whose(where: str) -> str:
    """The write that precedes another."""
    return "the first value" if where == "the start" else f"{where}'s"


def _count(number: int, one: str, many: str = "") -> str:
    """A number of things."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
