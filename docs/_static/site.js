/* An element that is wider than its place can be scrolled with the keyboard: it gets the focus and a name. */
const WIDE = ".highlight pre, .cell_output pre, .wide-table, .table-wrapper, .cell_output, .snm-figure";
function reach() {
  for (const box of document.querySelectorAll(WIDE)) {
    const wide = box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible";
    if (wide) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      const kind = box.matches("pre") ? "code" : box.matches(".snm-figure") ? "picture" : "table";
      box.setAttribute("aria-label", `${kind}, scrollable`);
    } else if (box.getAttribute("role") === "region") {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }
  // A step of a stepper is an item of a list and has a name. It needs the focus only where pictures do not shrink.
  const small = matchMedia("(max-width: 46rem)").matches;
  for (const step of document.querySelectorAll(".snm-frame")) small ? (step.tabIndex = 0) : step.removeAttribute("tabindex");
}
addEventListener("load", reach);
addEventListener("resize", reach);
addEventListener("toggle", reach, true);
addEventListener("change", reach); // an answer may uncover something wide
addEventListener("hashchange", reach);

/* The name of a folded cell is its text, “Show code cell source”; the label that MyST-NB adds would hide it. */
for (const summary of document.querySelectorAll("details.hide > summary[aria-label]")) summary.removeAttribute("aria-label");
