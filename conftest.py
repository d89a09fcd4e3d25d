"""Options of the test-suite.

--demand-browser    tests of web pages fail where there is no browser; without it, they are skipped
--every-point       tests that interrupt calls do so at every point; without it, at some
--hundred-times     right answers to exercises are accepted a hundred times under load; without it, three times
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pysnmalloc.lesson.done import record
from tests.browser import NoBrowserError, find


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that the continuous integration gives."""
    parser.addoption("--demand-browser", action="store_true", help="fail the tests of web pages if there is no browser")
    parser.addoption("--every-point", action="store_true", help="interrupt calls at every point; takes ten minutes")
    parser.addoption("--hundred-times", action="store_true", help="check right answers a hundred times under load")


def pytest_configure() -> None:
    """Let SIGINT raise KeyboardInterrupt, as tests expect. A shell lets its background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _record_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what checks in tests record out of the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "FILE", tmp_path_factory.mktemp("record") / record.FILE)
        yield


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> int:
    """How many points a test that interrupts calls goes on each time."""
    return 1 if request.config.getoption("--every-point") else 31


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
