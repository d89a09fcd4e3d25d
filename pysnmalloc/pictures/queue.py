"""An allocator's queue of messages (§2.2, Figure 3).

    front ─► stub ─► 0x22040 ─► 0x22080          (cut) 0x240c0 ─► 0x24100 ◄─ back
             seen by the receiver                 sent, but not linked yet

Between a producer's exchange and its link, a list cannot be reached from the
front. A caller that knows of such lists, as a recording does, passes their first
messages, and the lists are drawn as cut off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..allocator import Allocator
from ..inspection.survey import Survey
from ..memory import NULL
from ..messagequeue import NEXT, TARGET
from .picture import Picture
from .svg import WIDTH, Canvas
from .text import Page

__all__ = ["Message", "QueuePicture", "elided"]

SHOWN = 10  # messages of a list that are drawn; a longer list is drawn without its middle


@dataclass(frozen=True, slots=True)
class Message:
    """A message, or the stub of a queue: its ``next``, and the number of its target allocator.

    Attributes:
        address: address of the message, which is the freed object itself; the stub is in its allocator's block.
        next: address of the following message, as stored; in a queue, 0 while none is linked to it. In a bucket, the
            last message's ``next`` has no meaning yet.
        target: number of the allocator that owns the object; 0 for the stub.
        stub: whether it is the stub, which starts a queue and is not an object.
    """

    address: int
    next: int
    target: int
    stub: bool = False

    @property
    def words(self) -> str:
        """The message as text."""
        if self.stub:
            return f"stub, next {self.next:#x}"
        return f"for allocator {self.target}, next {self.next:#x}"


def elided(messages: tuple[Message, ...]) -> list[Message | int]:
    """Return the messages that are drawn, with a number in place of those left out."""
    if len(messages) <= SHOWN:
        return list(messages)
    return [*messages[: SHOWN - 3], len(messages) - SHOWN + 1, *messages[-2:]]


@dataclass(frozen=True, slots=True)
class QueuePicture(Picture):
    """A queue.

    Attributes:
        number: number of the receiving allocator.
        front, back: addresses of messages, as stored.
        seen: the messages that can be reached from the front.
        cut: lists that were sent but cannot be reached yet.
    """

    number: int
    front: int
    back: int
    seen: tuple[Message, ...]
    cut: tuple[tuple[Message, ...], ...]

    @classmethod
    def of(cls, survey: Survey, allocator: Allocator, sent: Iterable[int]) -> QueuePicture:
        """Read a queue. ``sent`` are the first messages of lists known to be sent to it."""
        u64, bits, stub = survey.memory.u64, survey.config.allocator_bits, allocator.queue.stub

        def chain(address: int) -> Iterable[Message]:
            known = set[int]()
            while address != NULL and address not in known:
                known.add(address)
                after = u64[address + NEXT >> 3]
                is_stub = address == stub
                yield Message(address, after, 0 if is_stub else u64[address + TARGET >> 3] >> bits, is_stub)
                address = after

        seen = tuple(chain(next(allocator.queue.walk())))
        reached = {message.address for message in seen}
        lists = [tuple(chain(first)) for first in dict.fromkeys(sent) if first not in reached]
        # A list that follows another unlinked list is part of that list.
        inner = {message.address for each in lists for message in each[1:]}
        cut = tuple(each for each in lists if each[0].address not in inner)
        return cls(allocator.number, seen[0].address, allocator.queue.back(), seen, cut)

    @property
    def subject(self) -> str:
        """The subject of the picture."""
        return f"queue {self.number}"

    @property
    def title(self) -> str:
        """The title of the picture."""
        return f"Queue of allocator {self.number}"

    @property
    def description(self) -> str:
        """What the picture shows, in a sentence or two."""
        ready = sum(not message.stub for message in self.seen[:-1])
        text = f"{ready} message{'s' * (ready != 1)} can be received"
        if not self.seen[-1].stub:
            text += "; the newest stays until another arrives"
        cut = sum(map(len, self.cut))
        return f"{text}; {cut} more {'is' if cut == 1 else 'are'} sent but cannot be reached yet" if cut else text

    def facts(self) -> dict[str, str]:
        """Return front, back, and every message."""
        facts = {"front": f"{self.front:#x}", "back": f"{self.back:#x}"}
        facts |= {f"message {message.address:#x}": message.words for message in self.seen}
        for each in self.cut:
            facts |= {f"message {message.address:#x}": f"{message.words}, cut off" for message in each}
        return facts

    def draw(self, canvas: Canvas) -> None:
        """Draw the list from the front, then the lists that are cut off."""
        canvas.words(10, 24, self.title, size=14, kind="bold")
        canvas.bottom = 34
        self._draw_list(canvas, self.seen, "front", cut=False)
        for each in self.cut:
            self._draw_list(canvas, each, "cut off", cut=True)
        canvas.lines(f"{self.description}.", kind="", gap=8)

    def _draw_list(self, canvas: Canvas, messages: tuple[Message, ...], label: str, *, cut: bool) -> None:
        """Draw a list of messages, with front and back beside them."""
        columns, width, top = 5, (WIDTH - 100) / 5, canvas.bottom + 22
        if cut:
            canvas.words(10, top + 25, label, kind="dim")
        else:
            self._fact_box(canvas, label, top)
        for place, message in enumerate(elided(messages)):
            row, column = divmod(place, columns)
            x, y = 92 + column * width, top + row * 66
            if place and column:
                canvas.arrow(x - 30, y + 20, x - 2, y + 20)
            elif place:
                canvas.words(84, y + 25, "→", anchor="end", size=16)
            if isinstance(message, int):
                canvas.words(x + 50, y + 25, f"... {message} more", kind="dim", anchor="middle", size=11)
                continue
            self._draw_message(canvas, message, x, y, cut=cut)

    def _fact_box(self, canvas: Canvas, label: str, top: float) -> None:
        """Draw the front, and an arrow from it."""
        canvas.words(10, top - 5, label, kind="dim", size=11)
        value = f"{self.front:#x}"
        canvas.box(10, top, 66, 40, "header", fact="front", value=value, words=[value], size=10)
        canvas.arrow(78, top + 20, 90, top + 20)

    def _draw_message(self, canvas: Canvas, message: Message, x: float, y: float, *, cut: bool) -> None:
        """Draw one message, with the back below it if it is the last."""
        kind = "home" if message.stub else "bump" if cut else "used"
        value = f"{message.words}, cut off" if cut else message.words
        name = "stub" if message.stub else f"{message.address:#x}"
        null = message.next == NULL
        following = f"next{' = null' * null}" if message.stub else f"for {message.target}{', null' * null}"
        fact = f"message {message.address:#x}"
        canvas.box(x, y, 100, 40, kind, fact=fact, value=value, words=[name, following], size=10.5)
        if message.address == self.back:
            canvas.box(x, y + 42, 100, 17, "header", fact="back", value=f"{self.back:#x}", words=["▲ back"], size=10.5)

    def write(self, page: Page) -> None:
        """Write the lists in order."""
        page.paragraph(
            f"{page.marked('front')}front {self.front:#x}   {page.marked('back')}back {self.back:#x}".strip()
        )
        page.paragraph(self._list(self.seen), indent="    ", kind="used")
        for each in self.cut:
            page.paragraph("cut off: " + self._list(each), indent="    ", kind="changed")
        page.paragraph(f"{self.description}.")

    def _list(self, messages: tuple[Message, ...]) -> str:
        """Describe a list of messages."""
        words = []
        for message in elided(messages):
            if isinstance(message, int):
                words.append(f"... {message} more ...")
                continue
            name = "stub" if message.stub else f"{message.address:#x} (for {message.target})"
            words.append(name + " =back" * (message.address == self.back))
        return " → ".join([*words, "null"])
