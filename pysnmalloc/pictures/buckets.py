"""The buckets of a remote cache, and which of them is the home bucket (§2.2, Figures 1 and 2).

0 = 00
1 = 01        ─► 5 ─► 1 ─► 5        messages, shown as the numbers of their target allocators
2 = 10 home                         the bucket that the allocator's own number selects in this round
3 = 11        ─► 7
"""

from __future__ import annotations

from dataclasses import dataclass

from ..allocator import Allocator
from ..inspection.survey import Survey
from ..messagequeue import NEXT, TARGET
from .picture import Picture
from .queue import Message, elided
from .svg import WIDTH, Canvas
from .text import Page

__all__ = ["BucketsPicture"]


@dataclass(frozen=True, slots=True)
class BucketsPicture(Picture):
    """The buckets of a remote cache.

    Attributes:
        number: number of the allocator.
        home: index of the home bucket in the round that is shown.
        round: which k bits of a number select the home bucket; 0 for the lowest.
        bits: k, log2 of the number of buckets.
        cached: bytes cached since the last post, with objects rounded up to their size class.
        limit: bytes at which the allocator posts.
        buckets: the messages in each bucket, oldest first.
    """

    number: int
    home: int
    round: int
    bits: int
    cached: int
    limit: int
    buckets: tuple[tuple[Message, ...], ...]

    @classmethod
    def of(cls, survey: Survey, allocator: Allocator, round: int) -> BucketsPicture:
        """Read the buckets."""
        config, u64 = survey.config, survey.memory.u64

        def message(address: int) -> Message:
            target = u64[address + TARGET >> 3]
            return Message(address, u64[address + NEXT >> 3], target >> config.allocator_bits)

        return cls(
            number=allocator.number,
            home=allocator.cache.index(allocator.address, round),
            round=round,
            bits=config.bucket_bits,
            cached=allocator.cache.cached(),
            limit=config.remote_cache,
            buckets=tuple(tuple(map(message, allocator.cache.walk(index))) for index in range(config.buckets)),
        )

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return f"buckets {self.number}"

    @property
    def title(self) -> str:
        """The title of the picture."""
        return (
            f"Remote cache of allocator {self.number}: {len(self.buckets)} buckets, with the bits of round {self.round}"
        )

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        count = sum(map(len, self.buckets))
        return (
            f"{count} message{'s' * (count != 1)} in {sum(map(bool, self.buckets))} buckets, {self.cached:,} of "
            f"{self.limit:,} bytes. The home bucket of allocator {self.number} is {self.home}, with the bits "
            f"{self._bits(self.home)}"
        )

    def _bits(self, index: int) -> str:
        """Return a bucket's bits."""
        return f"{index:0{self.bits}b}"

    def _words(self, index: int) -> str:
        """Describe a bucket: the targets of its messages."""
        targets = [str(message.target) for message in self.buckets[index]]
        more = f" ... {len(targets) - 12} more" if len(targets) > 12 else ""
        return ("for " + " ".join(targets[:12]) + more) if targets else "empty"

    def facts(self) -> dict[str, str]:
        """Return the count of bytes, and the whole list of every bucket."""
        facts = {"cached": f"{self.cached:,}", "home": str(self.home)}
        for index, messages in enumerate(self.buckets):
            listed = ", ".join(f"{message.address:#x} for {message.target}" for message in messages)
            facts[f"bucket {index}"] = listed or "empty"
        return facts

    def draw(self, canvas: Canvas) -> None:
        """Draw every bucket, with its messages if there are few buckets."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        canvas.bottom = 36
        facts = self.facts()
        if len(self.buckets) <= 8:
            self._draw_rows(canvas, facts)
        else:
            self._draw_grid(canvas, facts)
        cached = f"{self.cached:,} of {self.limit:,} bytes cached"
        y = canvas.bottom + 8
        canvas.box(10, y, 260, 24, "header", fact="cached", value=facts["cached"], words=[cached])
        home = f"home bucket of allocator {self.number}: {self.home}"
        canvas.box(290, y, 300, 24, "home", fact="home", value=facts["home"], words=[home])
        canvas.lines("A message is drawn as the number of its target allocator.", gap=6)

    def _draw_rows(self, canvas: Canvas, facts: dict[str, str]) -> None:
        """Draw each bucket as a row of messages."""
        for index, messages in enumerate(self.buckets):
            y, fact = canvas.bottom + 6, f"bucket {index}"
            home = index == self.home
            label = f"{index} = {self._bits(index)}" + (" home" if home else "")
            kind = "home" if home else "free"
            canvas.box(10, y, 120, 32, kind, fact=fact, value=facts[fact], words=[label])
            for place, message in enumerate(elided(messages)):
                x = 150 + 58 * place
                if isinstance(message, int):
                    canvas.words(x + 22, y + 20, f"+{message}", kind="dim", anchor="middle")
                    continue
                canvas.arrow(x - 16, y + 16, x - 2, y + 16)
                canvas.box(x, y, 40, 32, "used", words=[str(message.target)], size=13)
            if not messages:
                canvas.words(150, y + 20, "empty", kind="dim")

    def _draw_grid(self, canvas: Canvas, facts: dict[str, str]) -> None:
        """Draw each bucket as a box with its number of messages, and list those that are not empty."""
        columns, top = 8, canvas.bottom
        width = (WIDTH - 20) / columns
        for index, messages in enumerate(self.buckets):
            row, column = divmod(index, columns)
            x, y, fact = 10 + column * width, top + row * 44, f"bucket {index}"
            home = index == self.home
            kind = "home" if home else "used" if messages else "free"
            words = [f"{index}{' home' if home else ''}", f"{len(messages)} msg" if messages else "·"]
            canvas.box(x, y, width - 4, 40, kind, fact=fact, value=facts[fact], words=words)
        held = [index for index, messages in enumerate(self.buckets) if messages]
        for index in held[:16]:
            canvas.lines(f"bucket {index} = {self._bits(index)}: {self._words(index)}", kind="", gap=2, size=11)
        if len(held) > 16:
            canvas.lines(f"... and {len(held) - 16} more buckets")

    def write(self, page: Page) -> None:
        """Write every bucket; if there are many, write a map of them and only those that hold messages."""
        few = len(self.buckets) <= 8
        if not few:
            cells = [
                (
                    (str(min(len(m), 9)) if m else ".") + ("h" if i == self.home else " "),
                    "home" if i == self.home else "",
                )
                for i, m in enumerate(self.buckets)
            ]
            page.grid(cells, columns=16, gap="", label=lambda index: f"bucket {index}")
        for index, messages in enumerate(self.buckets):
            if few or messages:
                home = index == self.home
                mark, name = page.marked(f"bucket {index}"), " (home)" if home else ""
                line = f"{mark}{index:2} = {self._bits(index)}{name}: {self._words(index)}"
                page.paragraph(line, indent="      ", kind="home" if home else "")
        page.paragraph(f"{self.description}.")
