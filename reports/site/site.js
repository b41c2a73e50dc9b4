// The index's one script: search and filters over the list of runs, kept in the address. The list shows without it.
"use strict";
(() => {
  const form = document.querySelector(".filters");
  const count = document.querySelector(".count");
  const runs = [...document.querySelectorAll(".runs > li")].map((entry) => ({
    entry,
    text: entry.textContent.toLowerCase(),
    tasks: JSON.parse(entry.dataset.tasks),
    raters: JSON.parse(entry.dataset.raters),
    verdicts: JSON.parse(entry.dataset.verdicts),
  }));

  const filter = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (run) =>
      (!wanted.task || run.tasks.includes(wanted.task)) &&
      (!wanted.rater || run.raters.includes(wanted.rater)) &&
      (!wanted.verdict || run.verdicts.includes(wanted.verdict)) &&
      words.every((word) => run.text.includes(word));
    let shown = 0;
    for (const run of runs) {
      run.entry.hidden = !fits(run);
      shown += !run.entry.hidden;
    }
    count.textContent = `${shown.toLocaleString("en")} of ${runs.length.toLocaleString("en")} runs`;
    return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  };

  const address = () => {
    const [place, query] = location.hash.split("?");
    if (place === "#f" && query !== undefined) {
      const wanted = new URLSearchParams(query);
      for (const field of form.elements) field.value = wanted.get(field.name) ?? "";
    }
    filter();
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const query = new URLSearchParams(filter()).toString();
    history.replaceState(null, "", query ? `#f?${query}` : "#");
  });
  addEventListener("hashchange", address);
  address();
})();
