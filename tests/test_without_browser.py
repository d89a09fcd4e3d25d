"""Without a browser, tests of web pages are skipped and say how to get one; if a browser is demanded, they fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import Browser, NoBrowserError, find

ROOT = Path(__file__).parents[1]
HOW_TO_GET_ONE = "apt-get install chromium"


@pytest.fixture
def _no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.browser.NAMES", ("no-such-browser",))
    monkeypatch.delenv("CHROME", raising=False)


@pytest.mark.usefixtures("_no_browser")
def test_the_error_says_what_to_install() -> None:
    with pytest.raises(NoBrowserError, match=HOW_TO_GET_ONE):
        find()


@pytest.mark.usefixtures("_no_browser")
def test_a_browser_that_is_missing_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(NoBrowserError):
        Browser()
    assert list(tmp_path.iterdir()) == []


def outcomes(empty: Path, *options: str) -> tuple[dict[str, int], str]:
    """Run the tests of web pages with an empty PATH; count their outcomes, and return what pytest prints."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/test_browser.py", *options],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "CHROME"}, "PATH": str(empty)},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    last = ended.stdout.splitlines()[-1]
    return {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", last)}, ended.stdout


@pytest.fixture(scope="module")
def count() -> int:
    """The number of tests of web pages in this folder."""
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--collect-only", "tests/test_browser.py"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return shown.stdout.count("::")


def test_all_are_skipped_with_the_reason(tmp_path: Path, count: int) -> None:
    counted, printed = outcomes(tmp_path)
    assert count > 10
    assert counted["skipped"] == count
    assert set(counted) <= {"skipped", "in"}
    assert HOW_TO_GET_ONE in printed


def test_all_fail_if_a_browser_is_demanded(tmp_path: Path, count: int) -> None:
    counted, printed = outcomes(tmp_path, "--demand-browser")
    assert counted["errors"] == count
    assert not {"skipped", "passed"} & set(counted)
    assert printed.count("--demand-browser: tests of web pages need Chromium") >= count
