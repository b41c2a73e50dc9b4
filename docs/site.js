/* What the theme leaves to those who hear a page or go by keys: each navigation is a landmark, so that it needs a name of
   its own, and a table or a line of code wider than the page is reached by the tab key. */
const named = () => {
  const seen = new Map();
  for (const inner of document.querySelectorAll("nav")) {
    const by = document.getElementById(inner.getAttribute("aria-labelledby"));
    const name = inner.dataset.called || by?.textContent.trim() || inner.getAttribute("aria-label") || "Code";
    inner.dataset.called = name;
    seen.set(name, (seen.get(name) || 0) + 1);
    inner.removeAttribute("aria-labelledby");
    const label = seen.get(name) > 1 ? `${name} ${seen.get(name)}` : name;
    if (inner.getAttribute("aria-label") !== label) inner.setAttribute("aria-label", label);
  }
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, .highlight pre > code")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
};
document$.subscribe(() => {
  named();
  const page = document.querySelector("[data-md-component=container]");
  new MutationObserver(named).observe(page, { childList: true, subtree: true });
});
