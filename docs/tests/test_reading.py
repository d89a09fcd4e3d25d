"""How the built site reads: the first screen, small screens, the order of search results, and covered answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from tests.browser import Browser

from .reader import until, visit
from .test_browser import PAGES

pytestmark = pytest.mark.browser

SCREENS = {"phone": (360, 640), "tablet": (768, 1024), "laptop": (1280, 720)}
SMALLEST = 11  # pixels: the height of a letter on a phone, as its font says
ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("tutorials/[0-9][0-9]_*.md"))
TUTORIALS = [f"tutorials/{path.stem}.html" for path in SOURCES]


@pytest.fixture(autouse=True)
def _as_usual(browser: Browser) -> Iterator[None]:
    browser.prefer("light")
    yield
    browser.media("")
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def screen(browser: Browser, width: int, height: int) -> None:
    """Read on a screen of this size."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


# The first screen.


@pytest.mark.parametrize(("width", "height"), SCREENS.values(), ids=SCREENS)
def test_three_routes_stand_in_the_first_screen(browser: Browser, address: str, width: int, height: int) -> None:
    screen(browser, width, height)
    visit(browser, address)
    ends = browser.evaluate(
        "[...document.querySelectorAll('.routes .sd-card')].map(card => [...card.querySelectorAll('a')]"
        ".map(link => link.getBoundingClientRect().bottom))"
    )
    assert isinstance(ends, list)
    assert [len(links) for links in ends] == [3, 3, 3]
    assert max(max(links) for links in ends) <= height


@pytest.mark.parametrize("page", ["index.html", "tutorials/index.html", "source/messagequeue.html"])
def test_every_page_names_an_icon_that_is_there(browser: Browser, address: str, page: str) -> None:
    visit(browser, address + page)
    found = browser.evaluate(
        "fetch(document.querySelector('link[rel~=icon]').href).then(answer => answer.text())"
        ".then(text => new DOMParser().parseFromString(text, 'image/svg+xml').documentElement.nodeName)"
    )
    assert found == "svg"


# Small screens.

UNFOLD = (
    "document.querySelectorAll('details').forEach(each => each.open = true);"
    "document.querySelectorAll('.prediction-cover input').forEach(each => each.checked = true);"
)
# The size of a letter is that of its font, times the scale at which the picture is shown.
SMALL = (
    """(() => {
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, box = text.parentElement, picture = box.closest("svg");
    if (!text.data.trim() || box.closest("script, style, title, desc") || !(picture || box).checkVisibility()) continue;
    const matrix = picture ? box.getScreenCTM?.() : new DOMMatrix();
    if (!matrix) continue;
    const scale = Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c));
    const size = parseFloat(getComputedStyle(box).fontSize) * scale;
    if (size < """
    + str(SMALLEST)
    + """) found.push(`${size.toFixed(1)}: ${text.data.trim().slice(0, 40)}`);
  }
  return found;
})()"""
)
# A picture that is cut off at the side, and a box that says so; one without the other is a mistake.
UNSAID = """(() => {
  const found = [];
  for (const picture of document.querySelectorAll("article svg, article img")) {
    if (!picture.checkVisibility()) continue;
    let box = picture.parentElement;
    while (box.tagName !== "ARTICLE" && getComputedStyle(box).overflowX === "visible") box = box.parentElement;
    const wide = picture.getBoundingClientRect().width > box.clientWidth;
    const note = getComputedStyle(box, "::before").content;
    if (wide !== note.includes("wider than the screen: scroll it sideways")) found.push([box.className, wide, note]);
  }
  return found;
})()"""


@pytest.mark.parametrize("page", sorted({*PAGES, *TUTORIALS}))
def test_a_phone_shows_nothing_too_small_or_cut_off_without_a_word(browser: Browser, address: str, page: str) -> None:
    screen(browser, *SCREENS["phone"])
    visit(browser, address + page)
    browser.evaluate(UNFOLD)
    assert browser.evaluate(SMALL) == []
    assert browser.evaluate(UNSAID) == []


def test_what_is_too_small_or_cut_off_is_found(browser: Browser, address: str) -> None:
    screen(browser, *SCREENS["phone"])
    visit(browser, address + "seeing.html")
    browser.evaluate("document.querySelector('article p').style.fontSize = '10.9px'")
    browser.evaluate("document.querySelector('.snm-figure svg').style.zoom = .3")
    small = browser.evaluate(SMALL)
    assert isinstance(small, list)
    assert len(small) > 5
    assert small[0].startswith("10.9: Every change")
    unsaid = browser.evaluate(UNSAID)
    assert isinstance(unsaid, list)
    assert [wide for _, wide, _ in unsaid] == [False]


# The order of search results.


def results(browser: Browser, address: str, words: str) -> list[str]:
    """The pages that a search finds, in order, each once."""
    visit(browser, f"{address}search.html?q={quote_plus(words)}")
    assert until(browser, "return /found (one|\\d+) page/.test(document.querySelector('#search-results').innerText)")
    links = browser.evaluate(
        "[...document.querySelectorAll('#search-results ul.search > li > a')].map(a => a.getAttribute('href'))"
    )
    assert isinstance(links, list)
    return list(dict.fromkeys(link.split("#")[0].removesuffix(".html") for link in links))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("double free", "reference/errors"),
        ("write after free", "reference/errors"),
        ("valgrind", "howto/trace"),
        ("record a trace", "howto/trace"),
        ("free-threaded", "howto/free-threaded"),
        ("remote cache", "tutorials/07_the_remote_cache"),
        ("incarnation number", "tutorials/04_large_objects_and_aba"),
        ("MessageQueue", "reference/api/pysnmalloc.messagequeue"),
    ],
)
def test_the_page_that_is_meant_is_among_the_first_three(
    browser: Browser, address: str, words: str, wanted: str
) -> None:
    assert wanted in results(browser, address, words)[:3]


@pytest.mark.parametrize("words", ["double free", "valgrind", "free-threaded", "record a trace", "slab"])
def test_pages_that_explain_come_before_pages_of_source(browser: Browser, address: str, words: str) -> None:
    found = results(browser, address, words)
    explaining = [at for at, page in enumerate(found) if page.startswith(("tutorials/", "howto/", "reference/errors"))]
    source = [at for at, page in enumerate(found) if page.startswith("source/")]
    assert explaining
    assert source
    assert explaining[-1] < source[0]


# Predictions.

SHOWN = "[...document.querySelectorAll('.covered')].map(each => each.checkVisibility())"
COVERS = "[...document.querySelectorAll('.prediction-cover')].map(each => each.checkVisibility())"
FIRST = ".prediction + .prediction-cover + .covered"


def count(browser: Browser, selector: str) -> int:
    """How many elements of a kind there are."""
    found = browser.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")
    assert isinstance(found, int)
    return found


def test_every_prediction_covers_the_code_that_follows_it(browser: Browser, address: str) -> None:
    """Except for one at the end of its section."""
    for source, page in zip(SOURCES, TUTORIALS, strict=True):
        text = source.read_text(encoding="utf-8")
        asked = [part.partition("```\n")[2].lstrip() for part in text.split("\npredict(")[1:]]
        visit(browser, address + page)
        assert count(browser, ".snm-predict") == len(asked) > 0
        assert count(browser, FIRST) == len([rest for rest in asked if not rest.startswith("#")]), page
        assert count(browser, ".covered > section, .covered + :not(section, span)") == 0  # all up to the next heading


@pytest.mark.parametrize("page", TUTORIALS)
def test_an_answer_uncovers_what_follows_without_a_script(browser: Browser, address: str, page: str) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    visit(browser, address + page)
    total = count(browser, FIRST)
    assert browser.evaluate(SHOWN) == [False] * total
    for number in range(total):
        shown = browser.evaluate(SHOWN)
        assert isinstance(shown, list)
        assert shown[number] is False
        browser.evaluate(
            f"document.querySelectorAll('.prediction:has(+ .prediction-cover)')[{number}].id = 'now{number}'"
        )
        choice = number % 2 + 1  # a right answer and a wrong one do the same
        browser.click(f"#now{number} .snm-predict label:nth-of-type({choice}) input")
        assert browser.evaluate(SHOWN) == [True] * (number + 1) + shown[number + 1 :]
        covers = browser.evaluate(COVERS)
        assert isinstance(covers, list)
        assert covers[: number + 1] == [False] * (number + 1)


def test_what_follows_can_be_shown_without_an_answer_with_keys_alone(browser: Browser, address: str) -> None:
    visit(browser, address + TUTORIALS[0])
    total = count(browser, FIRST)
    browser.evaluate("document.querySelector('.snm-predict input').focus()")
    browser.press("Tab")
    assert browser.evaluate("document.activeElement === document.querySelector('.prediction-cover input')") is True
    for shown in (True, False):
        browser.press(" ")
        assert browser.evaluate(SHOWN) == [shown] + [False] * (total - 1)
        assert browser.evaluate(f"{COVERS}[0]") is True


def test_headings_and_links_into_covered_parts_lead_to_what_can_be_seen(browser: Browser, address: str) -> None:
    screen(browser, *SCREENS["laptop"])
    for page in TUTORIALS:
        visit(browser, address + page)
        hidden = browser.evaluate(
            "[...document.querySelectorAll('.toc-tree a')].map(a => a.hash).filter(hash => hash &&"
            " !document.getElementById(decodeURIComponent(hash.slice(1))).checkVisibility())"
        )
        assert hidden == []
    browser.evaluate(
        "[...document.querySelectorAll('.covered > :last-child')].at(-1).id = 'place'; location.hash = 'place'"
    )
    assert browser.evaluate(f"{SHOWN}.at(-1)") is True
    assert browser.evaluate(f"{COVERS}.at(-1)") is False
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    top = browser.evaluate(f"{drawn}.then(() => place.getBoundingClientRect().top)")
    assert isinstance(top, (int, float))
    assert 0 <= top < SCREENS["laptop"][1]


def test_paper_and_browsers_that_do_not_know_the_rules_show_everything(browser: Browser, address: str) -> None:
    visit(browser, address + TUTORIALS[1])
    total = count(browser, FIRST)
    browser.media("print")
    assert (browser.evaluate(SHOWN), browser.evaluate(COVERS)) == ([True] * total, [False] * total)
    browser.media("")
    assert browser.evaluate(SHOWN) == [False] * total
    browser.evaluate(  # as a browser without :has() does, leave out the rules that need it
        "for (const sheet of document.styleSheets) if (/site\\.css/.test(sheet.href))"
        " [...sheet.cssRules].forEach((rule, at) => rule instanceof CSSSupportsRule && sheet.deleteRule(at))"
    )
    assert (browser.evaluate(SHOWN), browser.evaluate(COVERS)) == ([True] * total, [False] * total)


def test_the_search_knows_what_is_covered_and_not_the_cover(browser: Browser, address: str, site: Path) -> None:
    names = {page.removesuffix(".html") for page in TUTORIALS}
    assert "tutorials/00_bytes_and_addresses" in results(browser, address, "dangerous")
    visit(browser, address + TUTORIALS[0])
    there = "[...document.querySelectorAll('article p')].filter(p => /dangerous/.test(p.textContent))"
    assert browser.evaluate(f"{there}.map(p => p.checkVisibility())") == [False]
    index = re.search(r"setIndex\((.*)\)", (site / "searchindex.js").read_text(encoding="utf-8"), re.DOTALL)
    assert index
    known = json.loads(index[1])
    assert not names <= {known["docnames"][at] for at in known["terms"]["choos"]}
