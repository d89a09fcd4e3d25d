"""The sidebar of a page: the top of the site, and the branch of the page.

    Tutorials
    Annotated source
    Reference
        The library
            heap            ◄ this page

The theme asks for the whole tree on every page. With one page per module, that is a sidebar of hundreds of entries,
which takes most of the build time. This module therefore closes all branches except the page's own.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

BEFORE_THE_THEME = 400


def close_branches(
    _app: Sphinx, _page: str, _template: str, context: dict[str, object], _doctree: nodes.document | None
) -> None:
    """Make the theme build the tree of pages with all other branches closed."""
    whole = context.get("toctree")
    if callable(whole):
        context["toctree"] = lambda **wanted: whole(**wanted | {"collapse": True})


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook."""
    app.connect("html-page-context", close_branches, BEFORE_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
