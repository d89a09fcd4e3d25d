"""What a reader of the site does, and what the page does then."""

from __future__ import annotations

from tests.browser import Browser


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


def soon(browser: Browser, condition: str, seconds: int = 60) -> bool:
    """Wait until a condition holds in the page, and return whether it did in time."""
    look = f"() => ({condition}) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 50)"
    return bool(
        browser.evaluate(
            f"new Promise(done => {{ const end = Date.now() + {seconds * 1000}, look = {look}; look(); }})"
        )
    )


def errors(browser: Browser) -> list[object]:
    """What went wrong in the page."""
    return [event["params"] for event in browser.events if event["method"] == "Runtime.exceptionThrown"]
