"""Drawings for the site, which the running code makes anew in each build.

    .. figure-of-the-paper:: 1              a figure of the paper, as a stepper
    .. heap-picture:: slab                  a picture of a small heap
    .. finding-of:: queue-published cpp20   the explorer's first finding about a scenario, step by step

Each drawing is one piece of HTML with its own style and script, so the page needs no other file.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import pysnmalloc as sn
from pysnmalloc.explore import explore
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.pictures import Picture
from pysnmalloc.step import figure


class PaperFigure(SphinxDirective):
    """A figure of the paper, drawn by the running code."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the figure as HTML, or for other formats, also its words as a list."""
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


class HeapPicture(SphinxDirective):
    """A picture of a small heap after two allocators have used it for a while."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the picture as SVG, or as text for other formats."""
        picture = picture_of(self.arguments[0])
        if self.env.app.builder.format != "html":
            return [nodes.literal_block(str(picture), str(picture), language="none")]
        return [nodes.raw("", f'<div class="snm-figure">{picture.svg()}</div>', format="html")]


def picture_of(kind: str) -> Picture:
    """Return a picture, by the name of the kind."""
    with sn.Heap(sn.CLASSROOM, reserve=1 << 20) as heap:
        alice, bob = heap.acquire(number=1), heap.acquire(number=2)
        objects = [alice.malloc(100) for _ in range(9)]
        medium = [alice.malloc(1500) for _ in range(3)]
        large = alice.malloc(5 * heap.config.chunk_size)
        for p in objects[1:4]:
            bob.free(p)
        bob.post()
        for p in (objects[5], objects[7]):
            alice.free(p)
        bob.free(medium[1])
        bob.free(objects[8])
        look = heap.picture
        taken: dict[str, Picture] = {
            "map": look.map(),
            "pagemap": look.pagemap(large + 3 * heap.config.chunk_size),
            "superslab": look.superslab(objects[0]),
            "slab": look.slab(objects[0]),
            "medium": look.medium(medium[0]),
            "queue": look.queue(alice),
            "buckets": look.buckets(bob),
            "bytes": look.bytes(objects[8], 32),
        }
        return taken[kind]


class FindingOf(SphinxDirective):
    """What the explorer finds about a built-in scenario."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Return the first finding as HTML, or as text for other formats."""
        name, model = self.arguments
        finding = explore(SCENARIOS[name], model=model).findings[0]
        if self.env.app.builder.format != "html":
            return [nodes.literal_block(str(finding), str(finding), language="none")]
        return [nodes.raw("", finding._repr_html_(), format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("figure-of-the-paper", PaperFigure)
    app.add_directive("heap-picture", HeapPicture)
    app.add_directive("finding-of", FindingOf)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
