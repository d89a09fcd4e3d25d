/* Whatever is wider than its place can be scrolled by keys: it gets the focus, and a name. */
const WIDE = ".highlight pre, .cell_output pre, .wide-table, .table-wrapper, .cell_output";
function reach() {
  for (const box of document.querySelectorAll(WIDE)) {
    const wide = box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible";
    if (wide) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.matches("pre") ? "code, scrollable" : "table, scrollable");
    } else if (box.getAttribute("role") === "region") {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }
}
addEventListener("load", reach);
addEventListener("resize", reach);
addEventListener("toggle", reach, true);

/* A folded cell is called what it says, “Show code cell source”; the name that MyST-NB gives it hides that. */
for (const summary of document.querySelectorAll("details.hide > summary[aria-label]")) summary.removeAttribute("aria-label");
