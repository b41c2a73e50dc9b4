"use strict";
/* The lead's page: asks every ten seconds how far the raters are. */
(() => {
  const at = (id) => document.getElementById(id);
  const cell = (text, name, kind = "td") => {
    const made = document.createElement(kind);
    if (name) made.className = name;
    if (kind === "th") made.scope = "row";
    made.append(text);
    return made;
  };
  const row = (...cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };
  const number = (value, digits = 2) => (value === null ? "–" : value.toFixed(digits));

  const rater = (one) => {
    const bar = document.createElement("progress");
    bar.max = Math.max(one.total, 1);
    bar.value = one.done;
    bar.setAttribute("aria-label", `Progress of ${one.name}`);
    const left = one.seconds_each === null ? null : Math.ceil((one.seconds_each * (one.total - one.done)) / 60);
    const [passed, checked] = one.checks;
    const last = one.done === one.total ? "done" : one.closed ? "stopped" : one.last ? new Date(one.last).toLocaleTimeString() : "not begun";
    return row(
      cell(one.name, "", "th"), cell(`${one.done} of ${one.total}`, "n"), cell(bar), cell(String(one.skipped), "n"),
      cell(number(one.seconds_each, 1), "n"), cell(left === null ? "–" : String(left), "n"),
      cell(checked ? `${passed} of ${checked}` : "–", "n"), cell(last),
    );
  };

  const agreed = (one) => row(
    cell(one.criterion, "", "th"), cell(one.coefficient), cell(one.reason ? one.reason.replaceAll("_", " ") : number(one.value), "n"),
    cell(one.low === null ? "–" : `[${number(one.low)}, ${number(one.high)}]`, "n"), cell(String(one.n), "n"),
  );

  const look = async () => {
    try {
      const reply = await fetch("state");
      const state = await reply.json();
      at("run").textContent = state.run;
      at("raters").replaceChildren(...state.raters.map(rater));
      at("hidden").textContent = state.hidden ? `Not shown: ${state.hidden}.` : "";
      at("agreed").hidden = Boolean(state.hidden);
      at("agreement").replaceChildren(...state.agreement.map(agreed));
      at("when").textContent = "";
    } catch {
      at("when").textContent = "The server does not answer: it was ended, or this page's address is old.";
    }
  };
  look();
  setInterval(look, 10000);
})();
