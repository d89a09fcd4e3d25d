"""What the tests of the built site share: the site, served; a browser; the checker of accessibility."""

from __future__ import annotations

import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from docs.lite.build import cache
from tests.browser import Browser

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "docs" / "_build" / "html"
AXE = "axe-core@4"
OF_THE_BROWSER = {  # what Chromium asks by itself, whatever page is shown
    "accounts.google.com",
    "clients2.google.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "safebrowsing.googleapis.com",
    "update.googleapis.com",
}


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not print every request."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the site is."""
    parser.addoption("--site", type=Path, default=BUILT, help="folder of the built site (default: %(default)s)")


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Path:
    """The built site."""
    folder = Path(request.config.getoption("--site")).resolve()
    if not (folder / "index.html").exists():
        pytest.fail(f"there is no site in {folder}: build it with nox -s docs", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def lab(site: Path) -> Path:
    """The lab in the site."""
    if not (site / "lite" / "index.html").exists():
        pytest.fail("the site has no lab: build it with nox -s docs", pytrace=False)
    return site / "lite"


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Elsewhere(BaseHTTPRequestHandler):
    """A proxy that all requests to other machines go to: it notes and refuses them."""

    asked: ClassVar[list[str]] = []

    def refuse(self) -> None:
        """Note what is asked for, and refuse it."""
        host = urlsplit(self.path).hostname if "://" in self.path else self.path.split(":")[0]
        if host not in OF_THE_BROWSER:
            self.asked.append(f"{self.command} {self.path}")
        self.send_error(403)

    do_GET = do_HEAD = do_POST = do_CONNECT = do_OPTIONS = refuse  # noqa: N815  # the names of HTTP's methods

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="session")
def proxy() -> Iterator[str]:
    """Where requests to other machines go: those of pages, of workers, and of the browser itself."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser(proxy: str) -> Iterator[Browser]:
    """A browser for all tests."""
    with Browser(f"--proxy-server=http://{proxy}") as opened:
        yield opened


@pytest.fixture
def elsewhere(browser: Browser) -> list[str]:  # noqa: ARG001  # it is the browser that asks
    """What is asked of other machines from now on."""
    Elsewhere.asked.clear()
    return Elsewhere.asked


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of the accessibility checker, brought from npm once."""
    kept = cache() / "axe.min.js"
    if not kept.exists():
        packed = subprocess.run(
            ["npm", "pack", "--silent", AXE], cwd=cache(), capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        with tarfile.open(cache() / packed) as archive:
            member = archive.extractfile("package/axe.min.js")
            assert member is not None
            kept.write_bytes(member.read())
        (cache() / packed).unlink()
    return kept.read_text(encoding="utf-8")
