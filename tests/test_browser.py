"""Steppers in a real browser: clicks, keys, links, dark mode, several on a page, as outputs of a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.step import Frame, Stepper, figure, page, step
from tests.browser import Browser

pytestmark = pytest.mark.browser

WORDS = ["one", "two", "three", "four", "five"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _as_usual(browser: Browser) -> None:
    browser.prefer("light")
    browser.media("")


def five(id: str = "five") -> Stepper:
    return Stepper([Frame(word.title(), f"Step {word}.", section="§2.8") for word in WORDS], title="Five steps", id=id)


def opened(browser: Browser, tmp_path: Path, *steppers: Stepper, fragment: str = "") -> None:
    path = tmp_path / "page.html"
    path.write_text(page(steppers, "Steps"), encoding="utf-8")
    browser.open(path, fragment)


def shown(browser: Browser, id: str = "five") -> list[str]:
    """Titles of the frames that can be seen."""
    titles = browser.evaluate(
        f"[...document.querySelectorAll('#{id} .snm-frame')].filter(f => f.checkVisibility())"
        ".map(f => f.querySelector('h4').textContent)"
    )
    assert isinstance(titles, list)
    return titles


def button(role: str, id: str = "five") -> str:
    return f"#{id} [data-role={role}]"


def text(browser: Browser, selector: str) -> object:
    return browser.evaluate(f"document.querySelector('{selector}').textContent")


def tab_to_stepper(browser: Browser) -> None:
    """Press Tab until the stepper has the focus: at most once for the page itself, and once more."""
    for _ in range(2):
        browser.press("Tab")
        if browser.evaluate("document.activeElement.id") == "five":
            return
    raise AssertionError("the stepper cannot be reached by Tab")


def test_click_through(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, five())
    seen = []
    for _ in WORDS:
        seen += shown(browser)
        browser.click(button("next"))
    assert seen == ["One", "Two", "Three", "Four", "Five"]
    assert shown(browser) == ["Five"]
    assert browser.evaluate(f"document.querySelector('{button('next')}').disabled") is True
    assert text(browser, button("place")) == "5 / 5"
    assert text(browser, "#five .snm-live") == "Step 5 of 5: Step five."
    browser.click(button("previous"))
    assert shown(browser) == ["Four"]


def test_keys(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, five())
    browser.press("ArrowRight")
    assert shown(browser) == ["One"], "keys belong to whom has the focus"
    tab_to_stepper(browser)
    for key, title in (("ArrowRight", "Two"), ("End", "Five"), ("ArrowRight", "Five"), ("ArrowLeft", "Four")):
        browser.press(key)
        assert shown(browser) == [title]
    browser.press("Home")
    assert shown(browser) == ["One"]
    browser.press("ArrowLeft")
    assert shown(browser) == ["One"]


def test_every_control_is_reached_and_worked_by_keys(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, five())
    tab_to_stepper(browser)
    roles = []
    for _ in range(4):
        browser.press("Tab")
        roles.append(browser.evaluate("document.activeElement.dataset.role ?? document.activeElement.id"))
    assert roles == ["play", "next", "range", "link"]  # previous is disabled at the first step
    browser.evaluate("document.querySelector('[data-role=next]').focus()")
    browser.press(" ")
    assert shown(browser) == ["Two"], "space on a button is the button's"
    browser.evaluate("document.querySelector('[data-role=range]').focus()")
    browser.press("ArrowRight")
    assert shown(browser) == ["Three"], "an arrow on the slider moves it by one"


def test_play_runs_to_the_end_and_can_be_stopped(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, five())
    browser.evaluate("document.querySelector('#five').dataset.interval = 1; document.querySelector('#five').focus()")
    browser.press(" ")
    ended = (
        "new Promise(done => { const look = () => f.dataset.step === '5' ? done(5) : setTimeout(look, 5); look(); })"
    )
    assert browser.evaluate(f"(() => {{ const f = document.querySelector('#five'); return {ended}; }})()") == 5
    assert shown(browser) == ["Five"]
    assert browser.evaluate(f"document.querySelector('{button('play')}').getAttribute('aria-pressed')") == "false"
    browser.evaluate("document.querySelector('#five').dataset.interval = 1e9")
    browser.click(button("play"))
    assert shown(browser) == ["One"], "play at the end begins anew"
    assert browser.evaluate(f"document.querySelector('{button('play')}').getAttribute('aria-pressed')") == "true"
    browser.click(button("play"))
    assert browser.evaluate(f"document.querySelector('{button('play')}').getAttribute('aria-pressed')") == "false"


def test_a_link_leads_to_its_step(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, five("first"), five(), fragment="#five-3")
    assert shown(browser) == ["Three"]
    assert shown(browser, "first") == ["One"]
    top = browser.evaluate("document.querySelector('#five .snm-controls').getBoundingClientRect().top")
    assert isinstance(top, float | int)
    assert 0 <= top < 900, "its controls are in view"
    assert browser.evaluate(f"document.querySelector('{button('link')}').getAttribute('href')") == "#five-3"
    browser.click(button("next"))
    assert browser.evaluate("location.hash") == "#five-4"
    browser.evaluate(
        "new Promise(done => { addEventListener('hashchange', done, {once: true}); location.hash = 'five-2'; })"
    )
    assert shown(browser) == ["Two"]
    browser.evaluate(
        "new Promise(done => { addEventListener('hashchange', done, {once: true}); location.hash = 'five-99'; })"
    )
    assert shown(browser) == ["Five"], "the last, where there is no such step"


def test_two_on_a_page_are_independent(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, five(), five("other"))
    browser.click(button("next", "other"))
    browser.click(button("next", "other"))
    assert (shown(browser), shown(browser, "other")) == (["One"], ["Three"])


def test_outputs_of_a_notebook_work_each_with_its_own_script(browser: Browser, tmp_path: Path) -> None:
    """As Jupyter does: each output is put into the page, and its scripts are run then."""
    (tmp_path / "notebook.html").write_text("<!doctype html><title>notebook</title>", encoding="utf-8")
    (tmp_path / "outputs.js").write_text("", encoding="utf-8")
    browser.open(tmp_path / "notebook.html")
    for stepper in (five(), five("other")):
        html = stepper._repr_html_()
        browser.evaluate(
            f"(() => {{ const cell = document.createElement('div'); cell.innerHTML = {html!r};"
            " document.body.append(cell);"
            " for (const old of cell.querySelectorAll('script')) { const script = document.createElement('script');"
            " script.textContent = old.textContent; old.replaceWith(script); } })()"
        )
    for _ in range(3):
        browser.click(button("next"))
    assert (shown(browser), shown(browser, "other")) == (["Four"], ["One"])


COLOURS = (
    "(() => { const box = s => getComputedStyle(document.querySelector(s));"
    "return [box('.snm-stepper').backgroundColor, box('.snm-stepper').color, box('.snm-used > rect').fill]; })()"
)
LIGHT = ["rgb(255, 255, 255)", "rgb(31, 35, 40)", "rgb(168, 205, 250)"]
DARK = ["rgb(13, 17, 23)", "rgb(230, 237, 243)", "rgb(27, 75, 145)"]


def test_dark_mode_by_the_system_and_by_the_page(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, figure(1))
    assert browser.evaluate(COLOURS) == LIGHT
    browser.prefer("dark")
    assert browser.evaluate(COLOURS) == DARK
    for name, value in (("data-theme", "light"), ("class", "light"), ("data-jp-theme-light", "true")):
        browser.evaluate(f"document.body.setAttribute('{name}', '{value}')")
        assert browser.evaluate(COLOURS) == LIGHT, name
        browser.evaluate(f"document.body.removeAttribute('{name}')")
    browser.prefer("light")
    for name, value in (("data-theme", "dark"), ("class", "dark"), ("data-jp-theme-light", "false")):
        browser.evaluate(f"document.body.setAttribute('{name}', '{value}')")
        assert browser.evaluate(COLOURS) == DARK, name
        browser.evaluate(f"document.body.removeAttribute('{name}')")


def test_on_paper_all_steps_stand_below_each_other_in_light(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, figure(3))
    browser.evaluate("document.body.dataset.theme = 'dark'")
    browser.media("print")
    assert len(shown(browser, "figure-3")) == len(figure(3).frames)
    assert browser.evaluate(COLOURS) == LIGHT
    assert browser.evaluate("document.querySelector('.snm-controls').checkVisibility()") is False


def test_without_a_script_all_steps_are_there(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "quiet.html"
    path.write_text(
        five().html().replace("<script>", "<template>").replace("</script>", "</template>"), encoding="utf-8"
    )
    browser.open(path)
    assert shown(browser) == ["One", "Two", "Three", "Four", "Five"]
    assert browser.evaluate("document.querySelector('.snm-controls').checkVisibility()") is False


def test_nothing_is_asked_of_a_network_and_nothing_goes_wrong(browser: Browser, tmp_path: Path) -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        heap.free(heap.malloc(48))
    opened(browser, tmp_path, step(recording, id="five"), figure(2))
    for _ in recording:
        browser.click(button("next"))
    assert browser.requests() == [(tmp_path / "page.html").as_uri()]
    assert [event for event in browser.events if event["method"] == "Runtime.exceptionThrown"] == []


@pytest.mark.parametrize("width", [360, 860, 1600])
def test_nothing_sticks_out_at_any_width(browser: Browser, tmp_path: Path, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    try:
        opened(browser, tmp_path, figure(1), fragment="#figure-1-13")
        assert shown(browser, "figure-1") == ["Exchanged"]
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_what_the_browser_draws_is_what_the_svg_says(browser: Browser, tmp_path: Path) -> None:
    """No label sticks out of its box, and boxes do not overlap, in a real browser's letters."""
    with sn.Heap(sn.CLASSROOM) as heap:
        objects = [heap.malloc(16) for _ in range(20)]
        heap.free(objects[3])
        pictures = [heap.picture.slab(objects[0]), heap.picture.superslab(objects[0]), heap.picture.queue(1)]
        pictures += [heap.picture.bytes(objects[0] & ~8191, 192), heap.picture.map(), heap.picture.buckets(1)]
    path = tmp_path / "pictures.html"
    path.write_text("<!doctype html><meta charset=utf-8>" + "".join(p.svg() for p in pictures), encoding="utf-8")
    browser.open(path)
    out = browser.evaluate(
        "[...document.querySelectorAll('svg g')].flatMap(g => { const b = g.querySelector('rect').getBBox();"
        " return [...g.querySelectorAll('text:not(.snm-mark)')].map(t => [t.textContent, b, t.getBBox()])"
        ".filter(([, b, t]) => t.x < b.x - 1 || t.x + t.width > b.x + b.width + 1).map(([word]) => word); })"
    )
    assert out == []
