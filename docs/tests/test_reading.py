"""How the built site reads: the first screen, small screens, and the order of search results."""

from __future__ import annotations

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
