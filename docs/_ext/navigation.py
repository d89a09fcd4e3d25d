"""The sidebar of a page: the top of the site, and the branch that the page is in.

Tutorials           the theme asks for the whole tree on every page. With a page for each module, that is a
Annotated source    sidebar of hundreds of entries, which takes most of the time of a build; so branches that
Reference           the page is not in stay closed here.
The library
heap            ◄ this page
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

BEFORE_THE_THEME = 400


def close_branches(
    _app: Sphinx, _page: str, _template: str, context: dict[str, object], _doctree: nodes.document | None
) -> None:
    """Have the tree of pages made with other branches closed."""
    whole = context.get("toctree")
    if callable(whole):
        context["toctree"] = lambda **wanted: whole(**wanted | {"collapse": True})


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook."""
    app.connect("html-page-context", close_branches, BEFORE_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
