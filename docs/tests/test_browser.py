"""The built site in a real browser: looks, accessibility, search, predictions, and the lab."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.browser import Browser

pytestmark = pytest.mark.browser

PAGES = [
    "index.html",
    "tutorials/00_bytes_and_addresses.html",
    "tutorials/05_atomics_and_memory_order.html",
    "map.html",
    "source/messagequeue.html",
    "reference/laws.html",
    "reference/errors.html",
    "reference/cli.html",
    "reference/traces.html",
    "reference/api/pysnmalloc.heap.html",
    "seeing.html",
    "glossary.html",
    "howto/explore.html",
    "search.html",
]
WIDTHS = {"phone": 360, "laptop": 1280, "projector": 1920}
SERIOUS = ("serious", "critical")
TUTORIAL = "tutorials/00_bytes_and_addresses.html"
CELLS = "[...window.jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type === 'code')"
KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status"
NOTEBOOK = "lite/notebooks/index.html?path=00_bytes_and_addresses.ipynb"


@pytest.fixture(autouse=True)
def _as_usual(browser: Browser) -> Iterator[None]:
    browser.prefer("light")
    yield
    browser.call("Emulation.clearDeviceMetricsOverride")


def visit(browser: Browser, url: str) -> None:
    """Load a page, and wait until it is there."""
    for target in ("about:blank", url):
        browser.events.clear()
        browser.call("Page.navigate", url=target)
        browser.wait("Page.loadEventFired")
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")  # a click waits for no scrolling


def until(browser: Browser, body: str) -> object:
    """Wait until a function in the page, of which this is the body, returns something; return that."""
    return browser.evaluate(
        f"new Promise(done => {{ const look = () => {{ const v = (() => {{ {body} }})();"
        " v ? done(v) : setTimeout(look, 50); }; look(); })"
    )


def errors(browser: Browser) -> list[object]:
    """What went wrong in the page."""
    return [event["params"] for event in browser.events if event["method"] == "Runtime.exceptionThrown"]


def foreign(browser: Browser, address: str) -> list[str]:
    """Requests that went elsewhere."""
    return [url for url in browser.requests() if not url.startswith((address, "data:", "blob:", "about:"))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_accessibility(browser: Browser, address: str, axe: str, page: str, scheme: str) -> None:
    browser.prefer(scheme)
    visit(browser, address + page)
    assert browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
    browser.evaluate(axe + "; undefined")
    found = browser.evaluate("axe.run().then(result => JSON.stringify(result.violations))")
    assert isinstance(found, str)
    serious = [
        f"{each['id']}: {each['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in json.loads(found)
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
    assert serious == []
    assert foreign(browser, address) == []
    assert errors(browser) == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("page", PAGES)
def test_nothing_sticks_out(browser: Browser, address: str, page: str, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    visit(browser, address + page)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth") is True


def test_search_finds_a_term(browser: Browser, address: str) -> None:
    visit(browser, address + "search.html?q=incarnation+number")
    assert until(
        browser, "return /found (one|\\d+) page/.exec(document.querySelector('#search-results').innerText)?.[1]"
    )
    links = browser.evaluate("[...document.querySelectorAll('#search-results ul.search li a')].map(a => a.href)")
    assert isinstance(links, list)
    assert any("stack" in link for link in links)


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
    assert browser.evaluate("document.querySelectorAll('.solution .highlight').length") == 8
    assert browser.evaluate(seen) == 0
    browser.click(".solution summary")
    assert browser.evaluate(seen) == 5


def test_the_lab_runs_a_tutorial_and_asks_nobody_else(browser: Browser, address: str) -> None:
    visit(browser, address)
    assert browser.evaluate(f"fetch('{address}{NOTEBOOK.split('?')[0]}').then(r => r.ok)"), "no lab: nox -s docs"
    visit(browser, address + NOTEBOOK)
    until(browser, f"return {KERNEL} === 'idle'")
    browser.evaluate("jupyterapp.commands.execute('notebook:run-all-cells'); 1")
    ended = f"const cells = {CELLS}; return cells.length && cells.at(-1).executionCount && {KERNEL} === 'idle'"
    until(browser, ended)
    outputs = browser.evaluate(f"{CELLS}.map(cell => JSON.stringify(cell.outputs.toJSON()))")
    assert isinstance(outputs, list)
    everything = "".join(outputs)
    assert '"output_type":"error"' not in everything
    assert "AssertionError: head was 0x40, and is 0x0" in everything, "the broken version fails, and the rest goes on"
    assert everything.count("data-state='open'") == 2, "both exercises are open"
    assert everything.count("<svg") >= 2
    assert foreign(browser, address) == []
