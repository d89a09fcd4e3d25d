"""Tests of web pages: skipped where there is no browser, unless one is demanded."""

from __future__ import annotations

import pytest

from tests.browser import NoBrowserError, find


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that the continuous integration gives."""
    parser.addoption("--demand-browser", action="store_true", help="fail the tests of web pages if there is no browser")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test of web pages if there is no browser, or fail it; the reason says how to get one."""
    if item.get_closest_marker("browser") is None:
        return
    try:
        find()
    except NoBrowserError as missing:
        if item.config.getoption("--demand-browser"):
            pytest.fail(f"--demand-browser: {missing}", pytrace=False)
        pytest.skip(str(missing))
