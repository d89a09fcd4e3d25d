"""Addresses: where the roles of a tutorial lead, for notebooks, which leave the site.

    {term}`slab` ──► https://site.invalid/glossary.html#term-slab ──► http://localhost:8000/glossary.html#term-slab
                     in the notebook that a build writes              in the notebook that a reader gets

A build does not know from which address the site will be served, so ``SITE`` stands for it. A script replaces
``SITE`` when a reader downloads a notebook (``_static/download.js``) or opens it in the lab (``lite/address.js``).
Sphinx finds the addresses, as it does for the page of the tutorial.
"""

from __future__ import annotations

from urllib.parse import urljoin

from docutils import nodes
from plain import Link
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError, NoUri

SITE = "https://site.invalid/"
"""Stands for the address of the site. No host has a name that ends in ``.invalid`` (RFC 2606)."""


def page(docname: str) -> str:
    """Return the address of a page."""
    return f"{SITE}{docname}.html"


def links_of(app: Sphinx, docname: str) -> Link:
    """Return a function that finds where a role on a page leads."""

    def link(role: str, target: str) -> tuple[str, str]:
        found = _resolved(app, docname, role, target)
        reference = next(found.findall(nodes.reference), None)
        if reference is None:
            raise ExtensionError(f"{docname}: {{{role}}}`{target}` leads nowhere")
        address = reference.get("refuri") or f"#{reference['refid']}"
        return urljoin(page(docname), address), found.astext()

    return link


def _resolved(app: Sphinx, docname: str, role: str, target: str) -> nodes.Node:
    """Return what Sphinx puts in the place of a role. It contains no reference if the role leads nowhere."""
    name, _, kind = role.rpartition(":")
    domain = app.env.get_domain(name or "std")
    target = target.lower() if kind == "ref" else target.removeprefix("~")
    words = nodes.inline("", target)
    node = pending_xref(
        "", refdomain=domain.name, reftype=kind, reftarget=target, refdoc=docname, refexplicit=True, refwarn=True
    )
    found = domain.resolve_xref(app.env, docname, app.builder, kind, target, node, words)
    if found is None:  # a name of Python's own documentation
        ask = ("missing-reference", app.env, node, words)
        found = app.emit_firstresult(*ask, allowed_exceptions=(NoUri,))
    return found if isinstance(found, nodes.Node) else words
