"""What the code draws for the site, anew at each build: the paper's figures, as steppers.

    .. figure-of-the-paper:: 1

A stepper is one piece of HTML with its own style and script, so the page needs nothing else.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from pysnmalloc.step import figure


class PaperFigure(SphinxDirective):
    """A figure of the paper, drawn by the running code."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return it as HTML; other formats get its words."""
        stepper = figure(int(self.arguments[0]))
        words = [nodes.list_item("", nodes.paragraph("", frame.words)) for frame in stepper.frames]
        return (
            [
                nodes.raw("", stepper.html(), format="html"),
                nodes.container("", nodes.enumerated_list("", *words), classes=["not-in-html"]),
            ]
            if self.env.app.builder.format != "html"
            else [nodes.raw("", stepper.html(), format="html")]
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("figure-of-the-paper", PaperFigure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
