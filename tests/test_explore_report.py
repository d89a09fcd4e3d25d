"""What findings look like: each step in its thread's lane, what is old is marked, nothing unescaped."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields, replace
from html.parser import HTMLParser

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Finding, Place, Result, Scenario, Wrong, explore, tell
from pysnmalloc.explore.findings.html import finding_html, page, result_html, told_html
from pysnmalloc.explore.findings.shown import Shown
from pysnmalloc.explore.findings.text import finding_text, result_text, told_text
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.seeded import SEEDED
from pysnmalloc.explore.schedules.schedule import ScheduleError
from pysnmalloc.explore.threads.scenario import ThreadCode

RELAXED, RELEASE, SEQ_CST = Order.RELAXED, Order.RELEASE, Order.SEQ_CST
EXCHANGE = "MessageQueue.enqueue exchange"
VOID = {"br", "meta"}


def weakened_queue() -> Result:
    return explore(SCENARIOS["queue"], weaken={EXCHANGE: RELEASE})


def lost() -> Finding:
    (finding,) = weakened_queue().findings
    return finding


# Text.


def lanes(text: str) -> dict[int, tuple[int, str]]:
    """The first line of each step: number to column and operation."""
    rows = re.findall(r"(?m)^( *(\d+)  [ ┊]*)[●≠] (.*)$", text)
    return {int(number): (len(before), said.partition("┊")[0].strip()) for before, number, said in rows}


def column(text: str, thread: str) -> int:
    """Where a thread's lane begins, by the heading."""
    heading = next(line for line in text.splitlines() if line.startswith("step  "))
    return heading.index(thread, 5)


@pytest.mark.parametrize("width", [80, 100, 130])
def test_each_step_is_in_its_lane(width: int) -> None:
    finding = lost()
    text = finding_text(finding, width)
    shown = lanes(text)
    assert list(shown) == [step.number for step in finding.steps]
    for step in finding.steps:
        assert shown[step.number] == (column(text, step.thread), step.operation)


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", ["queue-published", "stack-untagged", "deadlock", "too-early", "spin"])
def test_lines_fit_the_page_but_those_to_be_copied(name: str, width: int) -> None:
    text = result_text(explore(SCENARIOS[name]), width)
    assert [line for line in text.splitlines() if len(line) > width and not line.startswith(("schedule", "once"))] == []


def test_a_row_says_what_was_read_and_from_where_and_what_else_could_have_been() -> None:
    finding = lost()
    text = finding_text(finding)
    step = next(step for step in finding.steps if step.alternatives)
    assert f"reads {step.read} ← {step.source}" in text
    (value, origin), *_ = step.alternatives
    assert f"could read {value} ← {origin}" in text
    assert step.line.split("(")[0] in text
    assert (
        f'schedule: {finding.schedule}\nonce more: pysnmalloc explore queue --model cpp20 --weaken "{EXCHANGE}=' in text
    )
    assert f'--replay "{finding.schedule}"' in text


def test_what_is_old_is_marked_and_nothing_else() -> None:
    finding = lost()
    old = [step for step in finding.steps if step.newest is not None]
    assert old
    rows = finding_text(finding).split("how to read")[0]
    marked = {int(number) for number in re.findall(r"(?m)^ *(\d+)  [ ┊]*≠", rows)}
    assert marked == {step.number for step in old}
    assert rows.count("≠ newest") == len(old)
    value, origin = old[0].newest or ("", "")
    assert f"≠ newest: {value} ← {origin}" in " ".join(re.sub("[│┊]", " ", rows).split())


def test_under_sequential_consistency_nothing_is_old() -> None:
    (finding,) = explore(SCENARIOS["stack-untagged"], "sc").findings
    assert all(step.newest is None for step in finding.steps)
    assert "≠ newest" not in str(finding)


def test_a_plain_write_after_a_step_makes_the_step_no_older() -> None:
    class Thread(Scenario):
        def threads(self) -> Mapping[str, ThreadCode]:
            return {"A": self.run}

        def run(self, place: Place) -> Hashable:
            place.atomics.store(8, 1, RELAXED)
            place.memory.u64[1] = 2
            return place.memory.u64[1]

    assert [step.newest for step in tell(Thread(), "A").steps] == [None]


def test_the_structure_is_drawn_where_it_changed() -> None:
    finding = lost()
    before, changes = finding.before, 0
    for step in finding.steps:
        changes += step.drawing != before
        before = step.drawing
    assert 1 < changes < len(finding.steps)
    assert finding_text(finding).count("──▸ ") == changes + 1  # and at the start


def test_objects_and_stubs_of_a_heap_have_names() -> None:
    bug = next(bug for bug in SEEDED if bug.name == "link-relaxed")
    (finding,) = explore(bug.seeded()).findings
    text = finding_text(finding)
    for words in (
        "exchange(A's back, o1, acq_rel)",
        "A: queue: front → A's stub → o1; back=o1",
        "accesses to o1.target",
    ):
        assert words in text


class Beating(Scenario):
    """A thread that stores for ever."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.beat}

    def beat(self, place: Place) -> Hashable:
        while True:
            place.atomics.store(64, 1, Order.RELAXED)


def test_loops_are_folded() -> None:
    (finding,) = explore(Beating(), "sc").findings
    assert len(finding.steps) > 500
    text = finding_text(finding)
    assert list(lanes(text)) == [1]
    assert f"the same {len(finding.steps) - 1} more times, to step {len(finding.steps)}" in text
    assert "the same" in finding_html(finding)


def test_a_result_in_words() -> None:
    text = result_text(explore(SCENARIOS["queue"], "sc"))
    head, *rest = text.splitlines()
    assert head == "queue, model sc: proved for all executions"
    assert "  executions  22, of 22 classes" in rest
    assert re.search(r"(?m)^  C +executions$", text)
    assert str(explore(SCENARIOS["queue"], "sc")) == text


def test_of_many_outcomes_twelve_are_shown() -> None:
    result = explore(SCENARIOS["litmus:IRIW"])
    assert len(result.outcomes) > 12
    text = result_text(result)
    table = text.split("\n\n")[1].splitlines()
    assert len(table) == 1 + 12 + 1
    assert table[-1] == f"  and {len(result.outcomes) - 12} more"
    assert len({len(line) for line in table[:-1]}) == 1  # aligned
    assert len(Page.of(result_html(result)).tables[0].rows) == 12


class Verbose(Scenario):
    """Three threads return words, which are too long to stand side by side."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return dict.fromkeys("ABC", self.speak)

    def speak(self, place: Place) -> str:
        return f"a counter of {place.atomics.load(64, Order.RELAXED)} as it was read"


def test_outcomes_that_are_too_wide_become_blocks() -> None:
    """Every outcome is there, uncut, and no line is longer than the page is wide."""
    text = result_text(explore(Verbose()), width=60)
    assert max(map(len, text.splitlines())) <= 60
    for name in "ABC":
        assert f"  {name}: a counter of 0 as it was read" in text.replace("'", "").splitlines()
    assert "  executions: 1" in text.splitlines()


def test_unfair_executions_are_spoken_of() -> None:
    result = explore(SCENARIOS["append"])
    assert result.unfair
    assert f"left aside  {result.unfair} unfair" in result_text(result)


def test_a_told_execution_is_no_finding() -> None:
    told = tell(SCENARIOS["queue"], "A*3 C")
    text = told_text(told)
    assert text.startswith("nothing wrong in these steps\n")
    assert list(lanes(text)) == [1, 2, 3, 4]
    assert '--tell "A*3 C"' in text
    assert str(told) == text
    assert "✗" not in told_html(told)


def test_a_scenario_of_ones_own_is_replayed_in_python() -> None:
    finding = replace(lost(), scenario="mine", command="")
    assert f'once more: replay(scenario, "{finding.schedule}", "cpp20", {{"{EXCHANGE}": Order.RELEASE}})' in str(
        finding
    )
    assert "pysnmalloc explore mine.py:Mine --model" in finding_text(finding, name="mine.py:Mine")


class Many(Scenario):
    """Six threads with long names, one step each."""

    name = "many"

    def threads(self) -> Mapping[str, ThreadCode]:
        return {f"a thread of number {n}": self.run for n in range(6)}

    def run(self, place: Place) -> Hashable:
        return place.atomics.fetch_add(8, 1, RELAXED)

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        raise Wrong("always", "so that it is shown\nwith a second line " + "that is long " * 20)


def test_many_threads_have_narrow_lanes() -> None:
    (finding,) = explore(Many(), "sc", executions=1).findings
    text = finding_text(finding, 80)
    assert len({place for place, _ in lanes(text).values()}) == 6
    body = text.split("schedule:")[0]
    assert max(map(len, body.splitlines())) <= 80
    assert "with a second line that is long" in body


# HTML.


@dataclass
class Cell:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Table:
    attributes: dict[str, str | None]
    caption: str = ""
    heads: list[Cell] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)


class Page(HTMLParser):
    """Reads tables, and demands that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[Table] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    @classmethod
    def of(cls, html: str) -> Page:
        read = cls()
        read.feed(html)
        read.close()
        assert read.open == []
        return read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.add(tag)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(Table(attributes))
        elif tag == "tr" and "tbody" in self.open:
            self.tables[-1].rows.append([])
        elif tag in ("td", "th"):
            row = self.tables[-1].rows[-1] if "tbody" in self.open else self.tables[-1].heads
            row.append(Cell(tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if "caption" in self.open:
            self.tables[-1].caption += data
        elif "td" in self.open or "th" in self.open:
            cells = self.tables[-1].rows[-1] if "tbody" in self.open else self.tables[-1].heads
            cells[-1].text += data


def test_html_has_each_step_in_its_threads_column() -> None:
    finding = lost()
    table = Page.of(finding_html(finding)).tables[0]
    assert [head.text for head in table.heads] == ["step", "A", "B", "C", "structure after it"]
    assert all(head.attributes["scope"] == "col" for head in table.heads)
    assert "lost message" in table.caption
    start, *steps, end = table.rows
    assert start[-1].text == "\n".join(finding.before)
    assert len(steps) == len(finding.steps)
    for row, step in zip(steps, finding.steps, strict=True):
        number, *cells, _ = row
        assert (number.tag, number.attributes["scope"], number.text) == ("th", "row", str(step.number))
        (lane,) = [at for at, cell in enumerate(cells) if cell.text]
        assert finding.threads[lane] == step.thread
        assert cells[lane].attributes["data-thread"] == step.thread
        assert step.operation in cells[lane].text
        assert step.line in cells[lane].text
        for value, _ in step.alternatives:
            assert value in cells[lane].text
        assert ("≠ newest" in cells[lane].text) == (step.newest is not None)
    assert "lost message" in end[-1].text


def test_html_roles_are_named_and_links_lead_to_rows() -> None:
    html = page(result_html(weakened_queue()), "queue")
    read = Page.of(html)
    steps = read.tables[-1]
    assert steps.attributes["role"] == "table"
    assert {cell.attributes["role"] for row in steps.rows for cell in row} == {"cell", "rowheader"}
    assert read.links
    assert {link.removeprefix("#") for link in read.links} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))


def test_html_stands_by_itself() -> None:
    html = page(result_html(weakened_queue()) + lost()._repr_html_(), "queue")
    assert html.startswith("<!DOCTYPE html>")
    assert html.count("<style>") == 1
    assert "prefers-color-scheme: dark" in html
    assert "@import" not in html
    assert "url(" not in html
    read = Page.of(html)
    assert not read.tags & {"script", "link", "img", "iframe"}
    assert all(link.startswith("#") for link in read.links)


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_can_be_told_apart_from_what_is_behind_them() -> None:
    """By 4.5 to 1, in light and in dark."""
    style = lost()._repr_html_().partition("</style>")[0]
    schemes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in style.split("@media (prefers")]
    assert len(schemes) == 2
    hues = [f"hue{number}" for number in range(6)]
    pairs = [(ink, paper) for ink in ("ink", "soft", *hues) for paper in ("paper", "shade")]
    pairs += [("wrong", "wrong-shade"), ("fine", "fine-shade")]
    pairs += [(ink, "old-shade") for ink in ("old", "ink", "soft", "hue0")]
    for scheme in schemes:
        for ink, paper in pairs:
            dark, light = sorted((luminance(scheme[ink]), luminance(scheme[paper])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)


def test_everything_is_escaped() -> None:
    evil = "<script>\"&amp;'</script>"
    finding = lost()
    (first, *rest) = finding.steps
    step = replace(
        first, operation=evil, line=evil, read=evil, source=evil, drawing=(evil,), alternatives=((evil, evil),),
        newest=(evil, evil), thread=evil, site=evil,
    )  # fmt: skip
    others = tuple(replace(each, thread=evil) for each in rest)
    finding = Finding(
        evil, f"{evil}\n{evil}", evil, evil, (evil,), evil, (step, *others), 0, (evil,), ((evil, RELAXED),)
    )
    result = replace(weakened_queue(), scenario=evil, model=evil, how=evil, findings=(finding,), threads=(evil,) * 3)
    read = Page.of(page(result_html(result, name=evil), evil))
    assert "script" not in read.tags
    assert read.text.count(evil) > 15


class Printed:
    """What IPython prints with."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def text(self, text: str) -> None:
        self.said.append(text)


def test_a_notebook_shows_html_and_a_terminal_text() -> None:
    result = weakened_queue()
    assert result._repr_html_() == result_html(result)
    told = tell(SCENARIOS["queue"], "A")
    assert told._repr_html_() == told_html(told)
    printed = Printed()
    for shown in (result, told, lost()):
        shown._repr_pretty_(printed, False)
    assert printed.said == [str(result), str(told), str(lost())]


SHOW = """
import pickle, sys
for data in pickle.load(sys.stdin.buffer):
    sys.stdout.write(str(data) + "\\0" + data._repr_html_() + "\\0")
"""


def test_what_was_pickled_shows_itself_in_another_process() -> None:
    """Which imported nothing: unpickling itself has to bring the printers."""
    result = weakened_queue()
    data = [result, *result.findings]
    ran = subprocess.run([sys.executable, "-c", SHOW], input=pickle.dumps(data), capture_output=True, check=True)
    assert ran.stdout.decode().split("\0")[:-1] == [said for each in data for said in (str(each), each._repr_html_())]


def test_a_module_of_data_alone_brings_the_printers() -> None:
    code = "from pysnmalloc.explore.findings import shown; print(*shown._text.registry, *shown._html.registry)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(ran.stdout.count(f".{kind}'") == 2 for kind in ("Finding", "Told", "Result"))


def test_a_subclass_is_shown_by_the_printers_of_its_base_and_data_without_printers_say_so() -> None:
    class Mine(Finding):
        pass

    mine = Mine(**{each.name: getattr(lost(), each.name) for each in fields(Finding)})
    assert str(mine) == str(lost())
    assert mine._repr_html_() == lost()._repr_html_()
    for show in (str, Shown._repr_html_):
        with pytest.raises(TypeError, match="no printer was entered for Shown"):
            show(Shown())


def test_without_drawings_there_is_no_column_for_them() -> None:
    (finding,) = explore(SCENARIOS["lost-update"], "sc").findings
    assert [head.text for head in Page.of(finding_html(finding)).tables[0].heads] == ["step", "A", "B"]


# What is told is so.


class StoreBuffer(Scenario):
    """Two threads store and load, all SEQ_CST."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": lambda place: self.run(place, 8, 16), "B": lambda place: self.run(place, 16, 8)}

    def run(self, place: Place, mine: int, other: int) -> Hashable:
        place.atomics.store(mine, 1, SEQ_CST)
        return place.atomics.load(other, SEQ_CST)


def test_a_schedule_that_only_the_order_of_seq_cst_forbids_is_refused() -> None:
    """And what it would read is not told as something that could be read."""
    with pytest.raises(ScheduleError, match="SEQ_CST"):
        tell(StoreBuffer(), "A*2 B B=0")
    *_, last = tell(StoreBuffer(), "A*2 B*2").steps
    assert (last.read, last.alternatives) == ("1", ())
    assert (0, 0) not in {outcome.results for outcome in explore(StoreBuffer()).outcomes}


def test_the_test_of_a_loop_is_one_site() -> None:
    """However often the compiler repeats it; and a wait is its caller's."""
    spin = tell(SCENARIOS["spin"], "A B A", "sc")
    assert [step.site for step in spin.steps if step.thread == "A"] == ["Spin.poll load"] * 2
    (dead,) = explore(SCENARIOS["deadlock"], "sc").findings
    assert {step.site for step in dead.steps} == {"lock wait", "lock compare_exchange"}
