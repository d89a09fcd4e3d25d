"""The built site in a real browser: looks, accessibility, search, predictions. The lab has test_lab.py."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.browser import Browser

from .reader import errors, soon, until, visit

pytestmark = pytest.mark.browser

PAGES = [  # one of each kind at least
    "index.html",
    "tutorials/index.html",
    "tutorials/00_bytes_and_addresses.html",
    "tutorials/05_atomics_and_memory_order.html",  # with the explorer's lanes
    "tutorials/07_the_remote_cache.html",  # with steppers
    "tutorials/09_producers_and_consumers.html",
    "map.html",
    "source/index.html",
    "source/messagequeue.html",
    "source/tests/test_queue.html",
    "reference/index.html",
    "reference/laws.html",
    "reference/errors.html",
    "reference/cli.html",
    "reference/traces.html",
    "reference/threads.html",
    "reference/library.html",
    "reference/api/pysnmalloc.heap.html",
    "seeing.html",
    "exploring.html",
    "glossary.html",
    "bibliography.html",
    "howto/class.html",
    "howto/explore.html",
    "search.html",
    "genindex.html",
]
WIDTHS = {"phone": 360, "laptop": 1280, "projector": 1920}
SERIOUS = ("serious", "critical")
TUTORIAL = "tutorials/00_bytes_and_addresses.html"


@pytest.fixture(autouse=True)
def _as_usual(browser: Browser) -> Iterator[None]:
    browser.prefer("light")
    yield
    browser.call("Emulation.clearDeviceMetricsOverride")


def serious_findings(browser: Browser, axe: str) -> list[str]:
    """What axe finds in the page, in words; small matters are left out."""
    browser.evaluate(axe + "; undefined")
    found = browser.evaluate("axe.run().then(result => JSON.stringify(result.violations))")
    assert isinstance(found, str)
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in json.loads(found)
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_accessibility(browser: Browser, address: str, axe: str, page: str, scheme: str, elsewhere: list[str]) -> None:
    browser.prefer(scheme)
    visit(browser, address + page)
    assert browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
    assert serious_findings(browser, axe) == []
    assert elsewhere == []
    assert errors(browser) == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("page", PAGES)
def test_nothing_sticks_out(browser: Browser, address: str, page: str, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    visit(browser, address + page)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth") is True


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("incarnation+number", "stack"),  # of the paper
        ("MessageQueue", "reference/api/pysnmalloc.messagequeue"),  # of the code
        ("valgrind", "howto/trace"),  # of a how-to
    ],
)
def test_search_finds_a_page(browser: Browser, address: str, words: str, wanted: str, elsewhere: list[str]) -> None:
    visit(browser, f"{address}search.html?q={words}")
    assert until(
        browser, "return /found (one|\\d+) page/.exec(document.querySelector('#search-results').innerText)?.[1]"
    )
    links = browser.evaluate("[...document.querySelectorAll('#search-results ul.search li a')].map(a => a.href)")
    assert isinstance(links, list)
    found = [link for link in links if wanted in link]
    assert found, links
    visit(browser, found[0])
    assert str(browser.evaluate("document.querySelector('article h1').innerText"))
    assert elsewhere == []


def test_search_finds_no_page_for_what_is_nowhere(browser: Browser, address: str) -> None:
    visit(browser, address + "search.html?q=xylophone")
    assert until(browser, "return /did not match/.test(document.querySelector('#search-results').innerText)")


def test_what_the_checker_is_for(browser: Browser, address: str, axe: str) -> None:
    """A page with a mistake is found to have one."""
    visit(browser, address)
    browser.evaluate("document.querySelector('article p').style.color = '#ccc'")
    browser.evaluate("document.querySelector('article').append(document.createElement('img'))")
    found = serious_findings(browser, axe)
    assert {each.split(":")[0] for each in found} == {"color-contrast", "image-alt"}


def test_the_picture_on_the_start_page_can_be_held_and_keeps_still_where_motion_is_unwanted(
    browser: Browser, address: str
) -> None:
    running = "getComputedStyle(document.querySelector('.home-object')).animationPlayState"
    visit(browser, address)
    assert browser.evaluate(running) == "running"
    browser.click("#home-still")
    assert browser.evaluate(running) == "paused"
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert browser.evaluate("getComputedStyle(document.querySelector('.home-object')).animationName") == "none"


def test_a_prediction_tells_what_was_overlooked(browser: Browser, address: str) -> None:
    visit(browser, address + TUTORIAL)
    told = "[...document.querySelector('.snm-predict').querySelectorAll('.snm-told')].filter(p => p.checkVisibility())"
    assert browser.evaluate(f"{told}.length") == 0
    for choice, sign in ((1, "✘"), (3, "✔")):
        browser.click(f".snm-predict label:nth-of-type({choice}) input")
        assert browser.evaluate(f"{told}.map(p => p.textContent[0]).join()") == sign


def test_hints_and_solutions_are_folded(browser: Browser, address: str) -> None:
    visit(browser, address + TUTORIAL)
    seen = "[...document.querySelectorAll('.solution .highlight')].filter(e => e.checkVisibility()).length"
    there = browser.evaluate("document.querySelectorAll('.solution .highlight').length")
    first = browser.evaluate("document.querySelector('.solution').querySelectorAll('.highlight').length")
    assert isinstance(there, int)
    assert isinstance(first, int)
    assert 0 < first < there
    assert browser.evaluate(seen) == 0
    browser.click(".solution summary")
    assert browser.evaluate(seen) == first


def test_a_downloaded_notebook_links_to_the_site_that_it_comes_from(browser: Browser, address: str) -> None:
    visit(browser, address + TUTORIAL)
    browser.evaluate("URL.createObjectURL = blob => { made = blob; return '#'; }; 1")
    browser.evaluate("HTMLAnchorElement.prototype.click = function () { named = this.download; }; 1")
    browser.click("a.launch-button[download]")
    assert soon(browser, "window.named")
    text = str(browser.evaluate("made.text()"))
    assert f"]({address}glossary.html#term-address)" in text
    assert "site.invalid" not in text
    assert json.loads(text)["nbformat"] == 4
    assert browser.evaluate("named") == "00_bytes_and_addresses.ipynb"
