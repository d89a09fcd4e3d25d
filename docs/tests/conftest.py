"""What the tests of the built site share: the site, served; a browser; the checker of accessibility."""

from __future__ import annotations

import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from docs.lite.build import cache
from tests.browser import Browser

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
AXE = "axe-core@4"


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not print every request."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site."""
    if not (SITE / "index.html").exists():
        pytest.fail(f"there is no site in {SITE}: build it with nox -s docs", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for all tests."""
    with Browser() as opened:
        yield opened


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
