/* Whatever is wider than its place can be scrolled by keys: it gets the focus, and a name. */
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
  // A step of a stepper is an item of a list, which has a name; it needs the focus only where pictures do not shrink.
  const small = matchMedia("(max-width: 46rem)").matches;
  for (const step of document.querySelectorAll(".snm-frame")) small ? (step.tabIndex = 0) : step.removeAttribute("tabindex");
}
addEventListener("load", reach);
addEventListener("resize", reach);
addEventListener("toggle", reach, true);

/* A folded cell is called what it says, “Show code cell source”; the name that MyST-NB gives it hides that. */
for (const summary of document.querySelectorAll("details.hide > summary[aria-label]")) summary.removeAttribute("aria-label");
