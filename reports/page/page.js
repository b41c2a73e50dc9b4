// The page's one script: the list of disagreements. Everything else shows without it. Texts reach the page by
// textContent alone. Only the entries in sight are in the document, so that 100,000 answers scroll like ten.
"use strict";
(() => {
  const ENTRY = 64; // pixels: the height of .entry in page.css
  const SPARE = 6;
  const SOME = "0.000001"; // the smallest gap that is one: page.html has the same
  const [RATER, CRITERION, VALUE, PLACE, LABEL, ORDER, REPETITION, STATUS, ERROR, RATIONALE, RAW, COST] = Array(12).keys();
  const ID = 7; // the place of a response's id in its row

  const make = (tag, attributes = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside.filter((part) => part !== null && part !== undefined));
    return element;
  };
  const shown = (value) => (value === null ? "–" : Number(value.toFixed(3)).toString());
  const flat = (text) => (text || "").replace(/\s+/g, " ").trim();

  // [[[own, text], ...] of each side], words and spaces apart, by the longest common subsequence; null where too long.
  const difference = (one, other) => {
    const sides = [one, other].map((text) => text.split(/(\s+)/).filter(Boolean));
    const [a, b] = sides;
    if (a.length * b.length > 4e6) return null;
    const width = b.length + 1;
    const lengths = new Uint32Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        lengths[i * width + j] =
          a[i] === b[j] ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
      }
    }
    const parts = [[], []];
    let i = 0, j = 0;
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        parts[0].push([false, a[i++]]);
        parts[1].push([false, b[j++]]);
      } else if (j >= b.length || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) parts[0].push([true, a[i++]]);
      else parts[1].push([true, b[j++]]);
    }
    return parts;
  };

  const csv = (rows) => {
    if (!rows.length) return "";
    const cell = (value) => {
      let text = value === null || value === undefined ? "" : String(value);
      if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`; // a spreadsheet must not run it
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [Object.keys(rows[0]), ...rows.map(Object.values)].map((row) => row.map(cell).join(",") + "\r\n").join("");
  };

  const jsonl = (rows) => rows.map((row) => JSON.stringify(row) + "\n").join("");

  const save = (name, text) => {
    const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    const link = make("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };

  // Each figure's numbers can be saved as they are, not as they are rounded for reading.
  const offerNumbers = (figure) => {
    const table = figure.querySelector("details table");
    if (!table) return;
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const names = heads.map((head, place) => (heads.indexOf(head) === place ? head : `${heads[place - 1]} ${head}`));
    const value = (cell) => (cell.dataset.value === undefined ? cell.textContent : cell.dataset.value === "" ? null : Number(cell.dataset.value));
    const rows = () => [...table.tBodies[0].rows].map((row) => Object.fromEntries([...row.cells].map((cell, place) => [names[place], value(cell)])));
    const buttons = [["CSV", csv], ["JSONL", jsonl]].map(([kind, write]) => {
      const button = make("button", { type: "button" }, `Save as ${kind}`);
      button.addEventListener("click", () => save(`${figure.id}.${kind.toLowerCase()}`, write(rows())));
      return button;
    });
    figure.querySelector("details").append(make("p", { class: "saves" }, ...buttons));
  };

  // What a pattern of verdicts asks of a case: `place` is a rating between 0 and 1, `kind` who gave it.
  const opposed = (ones, others) => ones.some((one) => others.some((other) => (one - 0.5) * (other - 0.5) < 0));
  const spread = (places) => places.length > 1 && Math.max(...places) - Math.min(...places) > 0;
  const FAILED = "a rater failed";
  const PATTERNS = {
    "people against AI": (by) => opposed(by("human"), [...by("judge"), ...by("reward_model")]),
    "verifiers against AI": (by) => opposed(by("verifier"), [...by("judge"), ...by("reward_model")]),
    "people against verifiers": (by) => opposed(by("human"), by("verifier")),
    "people among themselves": (by) => spread(by("human")),
    "AI raters among themselves": (by) => spread([...by("judge"), ...by("reward_model")]),
    "one rater, both orders or again": (by, marks) =>
      marks.some((one) => marks.some((other) => one[RATER] === other[RATER] && one[CRITERION] === other[CRITERION] && one[PLACE] !== null && other[PLACE] !== null && one[PLACE] !== other[PLACE])),
    [FAILED]: (by, marks) => marks.some((mark) => mark[STATUS] !== "ok"),
  };

  const shardReaders = new Map();
  window.harnessShard = (name, part) => shardReaders.get(name)(part);

  class Browser {
    constructor(section) {
      this.section = section;
      this.prefix = section.dataset.prefix;
      this.data = JSON.parse(document.getElementById(section.dataset.cases).textContent);
      this.form = section.querySelector(".filters");
      this.list = section.querySelector(".list");
      this.runway = section.querySelector(".runway");
      this.article = section.querySelector(".case");
      this.count = section.querySelector(".count");
      this.found = [];
      this.marking = false;
      this.chosen = -1;
      section.querySelector(".app").hidden = false;
      this.words = [];
      this.form.addEventListener("input", () => this.filtered());
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.list.addEventListener("scroll", () => this.paint(), { passive: true });
      this.list.addEventListener("keydown", (event) => this.key(event));
      this.list.addEventListener("click", (event) => {
        const entry = event.target.closest(".entry");
        if (entry) this.choose(Number(entry.dataset.place));
      });
      section.querySelector("[data-save=csv]").addEventListener("click", () => save("ratings.csv", csv(this.rows())));
      section.querySelector("[data-save=jsonl]").addEventListener("click", () => save("ratings.jsonl", jsonl(this.rows())));
      addEventListener("resize", () => this.paint());
      addEventListener("hashchange", () => this.address());
      if (this.data.shards) this.load();
      else this.begin();
    }

    begin() {
      this.gaps = new Float64Array(this.data.cases.length);
      this.patterns = this.flagged();
      this.fill();
      if (!this.address()) this.filter();
      this.warm(0);
    }

    // A bundle's answers lie beside the page; its parts arrive in order and follow each other.
    load() {
      let left = this.data.shards.length;
      this.count.textContent = "Reading the answers …";
      shardReaders.set(this.section.dataset.cases, (part) => {
        for (const name of ["items", "responses", "cases"]) for (const row of part[name]) this.data[name].push(row);
        if (--left === 0) this.begin();
      });
      for (const source of this.data.shards) {
        const script = make("script", { src: source });
        script.async = false;
        script.addEventListener("error", () => (this.count.textContent = `${source} cannot be read; keep data/ beside the page.`));
        document.head.append(script);
      }
    }

    // Prepare the texts for searching while nobody waits.
    warm(place) {
      const end = Math.min(this.data.cases.length, place + 500);
      for (; place < end; place++) this.text(place);
      if (end < this.data.cases.length) setTimeout(() => this.warm(end), 0);
    }

    fill() {
      const { tasks, raters, criteria, rounds } = this.data;
      const options = {
        task: ["all", ...tasks],
        a: ["any", ...raters.map((rater) => rater[0])],
        b: ["any other", ...raters.map((rater) => rater[0])],
        c: ["any", ...criteria],
        round: ["any", ...rounds],
        p: ["any", ...Object.keys(PATTERNS).filter((name, bit) => this.patterns.some((bits) => bits & (1 << bit)))],
      };
      for (const [name, values] of Object.entries(options)) {
        const select = this.form.elements[name];
        values.forEach((value, place) => select.append(make("option", { value: place ? value : "" }, String(value))));
        if (values.length < 2 || (values.length < 3 && name !== "a" && name !== "b")) select.parentElement.hidden = true;
      }
    }

    text(place) {
      if (this.words[place] === undefined) {
        const [item, response, against, , marks] = this.data.cases[place];
        const sides = [response, against].map((side) => (side < 0 ? "" : this.data.responses[side][5]));
        const reasons = marks.flatMap((mark) => [mark[RATIONALE], mark[LABEL]]);
        this.words[place] = [...this.data.items[item].slice(1), ...sides, ...reasons].filter(Boolean).join("\n").toLowerCase();
      }
      return this.words[place];
    }

    filter() {
      const wanted = Object.fromEntries(new FormData(this.form));
      const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
      const numbers = (list, name) => (name ? list.indexOf(name) : -1);
      const names = this.data.raters.map((rater) => rater[0]);
      const task = numbers(this.data.tasks, wanted.task);
      const [a, b] = [numbers(names, wanted.a), numbers(names, wanted.b)];
      const criterion = numbers(this.data.criteria, wanted.c);
      const bit = Object.keys(PATTERNS).indexOf(wanted.p);
      const least = wanted.p === FAILED ? 0 : Number(wanted.gap || 0); // who failed has no gap to anybody
      const narrowed = a >= 0 || b >= 0 || criterion >= 0;
      const { cases, items, responses } = this.data;
      const found = [];
      for (let place = 0; place < cases.length; place++) {
        const row = cases[place];
        if (task >= 0 && items[row[0]][0] !== task) continue;
        if (wanted.round && (row[1] < 0 || String(responses[row[1]][2]) !== wanted.round)) continue;
        if (bit >= 0 && !(this.patterns[place] & (1 << bit))) continue;
        const gap = narrowed ? this.gap(row[4], a, b, criterion) : row[3];
        if (gap === null || gap < least) continue;
        if (words.length && !this.speaksOf(place, words)) continue;
        this.gaps[place] = gap;
        found.push(place);
      }
      if (narrowed) found.sort((one, other) => this.gaps[other] - this.gaps[one] || one - other);
      this.found = found;
      this.count.textContent =
        `${found.length.toLocaleString("en")} of ${this.data.cases.length.toLocaleString("en")} answers` +
        (this.data.cases.length < this.data.total ? ` on this page, ${this.data.total.toLocaleString("en")} in the run` : "");
      this.runway.style.height = `${found.length * ENTRY}px`;
      this.list.scrollTop = 0;
      this.chosen = -1;
      if (found.length) this.choose(0, false);
      else this.article.replaceChildren(make("p", { class: "small" }, "Nothing fits these filters."));
      this.paint();
    }

    // For each case a bit a pattern: whether it fits.
    flagged() {
      const kinds = this.data.raters.map((rater) => rater[1]);
      const fits = Object.values(PATTERNS);
      return Uint8Array.from(this.data.cases, ([, , , , marks]) => {
        const places = {};
        for (const mark of marks) if (mark[PLACE] !== null) (places[kinds[mark[RATER]]] ??= []).push(mark[PLACE]);
        return fits.reduce((bits, fit, bit) => bits | (fit((kind) => places[kind] ?? [], marks) << bit), 0);
      });
    }

    speaksOf(place, words) {
      const text = this.text(place);
      for (const word of words) if (text.indexOf(word) < 0) return false; // faster than includes
      return true;
    }

    // The distance between the ratings of the chosen raters; null where one of them has none.
    gap(marks, a, b, criterion) {
      let low = Infinity, high = -Infinity, hasA = a < 0, hasB = b < 0;
      for (const mark of marks) {
        if (mark[PLACE] === null || (criterion >= 0 && mark[CRITERION] !== criterion)) continue;
        if (mark[RATER] === a) hasA = true;
        else if (mark[RATER] === b) hasB = true;
        else if (a >= 0 && b >= 0) continue;
        low = Math.min(low, mark[PLACE]);
        high = Math.max(high, mark[PLACE]);
      }
      return hasA && hasB && high >= low ? high - low : null;
    }

    paint() {
      const first = Math.max(0, Math.floor(this.list.scrollTop / ENTRY) - SPARE);
      const last = Math.min(this.found.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ENTRY) + SPARE);
      const entries = [];
      for (let place = first; place < last; place++) entries.push(this.entry(place));
      this.runway.replaceChildren(...entries);
      if (this.chosen >= first && this.chosen < last) this.list.setAttribute("aria-activedescendant", `${this.prefix}entry-${this.chosen}`);
      else this.list.removeAttribute("aria-activedescendant");
    }

    entry(place) {
      const number = this.found[place];
      const [item, , , , marks] = this.data.cases[number];
      const [task, name, prompt] = this.data.items[item];
      const values = marks.filter((mark) => mark[STATUS] === "ok");
      const short = values.slice(0, 4).map((mark) => `${this.data.raters[mark[RATER]][0]} ${mark[LABEL] ?? shown(mark[VALUE])}`);
      const entry = make(
        "div",
        {
          class: "entry", role: "option", id: `${this.prefix}entry-${place}`, "data-place": place,
          "aria-selected": place === this.chosen, "aria-setsize": this.found.length, "aria-posinset": place + 1,
        },
        make("i", { title: "gap" }, this.gaps[number].toFixed(2)),
        make("b", { dir: "auto" }, flat(prompt).slice(0, 160) || `${this.data.tasks[task]} ${name}`),
        make("span", { dir: "auto" }, short.join(" · ") + (values.length > 4 ? " …" : "")),
      );
      entry.style.top = `${place * ENTRY}px`;
      return entry;
    }

    key(event) {
      const page = Math.max(1, Math.floor(this.list.clientHeight / ENTRY) - 1);
      const moves = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
      if (event.key === "Enter") this.article.focus();
      else if (event.key in moves && !event.ctrlKey && !event.metaKey) {
        this.choose(Math.min(this.found.length - 1, Math.max(0, this.chosen + moves[event.key])));
      } else return;
      event.preventDefault();
    }

    choose(place, remember = true) {
      if (place === this.chosen || place < 0 || place >= this.found.length) return;
      this.chosen = place;
      const top = place * ENTRY;
      if (top < this.list.scrollTop) this.list.scrollTop = top;
      if (top + ENTRY > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ENTRY - this.list.clientHeight;
      this.show(this.found[place]);
      this.paint();
      if (remember) history.replaceState(null, "", `#${this.prefix}item=${encodeURIComponent(this.name(this.found[place]))}`);
    }

    show(number) {
      const { items, tasks, families, responses, raters, criteria, redacted } = this.data;
      const [item, response, against, , marks] = this.data.cases[number];
      const [task, name, prompt, target, reference] = items[item];
      const parts = [make("h3", { dir: "auto" }, `${tasks[task]} · ${name}`)];
      const block = (title, text, kind = "") => {
        if (text) parts.push(make("h3", {}, title), make("pre", { dir: "auto", tabindex: "0", class: kind, "aria-label": title }, text));
      };
      const prose = families[task] === "coding" ? "" : "prose";
      block("Prompt", prompt, prose);
      if (against >= 0) {
        const sides = [["A", response], ["B", against]].map(([letter, side]) => this.side(letter, side, prose));
        parts.push(make("div", { class: "sides" }, ...sides));
        const texts = sides.map((side) => side.querySelector("pre"));
        if (!redacted) parts.push(this.differ(...texts));
      } else if (response >= 0) parts.push(this.side("", response, prose));
      block("Right answer", target, prose);
      block("Reference", reference, prose);
      const head = ["rater", "criterion", "rating", ...(against >= 0 ? ["shown first"] : []), "in its words"].map((title) => make("th", { scope: "col" }, title));
      const rows = marks.map((mark) => {
        const [who] = raters[mark[RATER]];
        const again = mark[REPETITION] ? ` (repetition ${mark[REPETITION]})` : "";
        const verdict = mark[STATUS] === "ok" ? mark[LABEL] ?? shown(mark[VALUE]) : mark[STATUS];
        const first = { response_first: "A", against_first: "B" }[mark[ORDER]] ?? "";
        const why = [mark[RATIONALE], mark[ERROR], mark[RAW] && mark[RAW] !== mark[RATIONALE] ? `raw: ${mark[RAW]}` : null];
        const cost = mark[COST] ? [`$${mark[COST]}`] : [];
        return make(
          "tr", {},
          make("th", { scope: "row", dir: "auto" }, who + again),
          make("td", { dir: "auto" }, criteria[mark[CRITERION]]),
          make("td", { class: "n", dir: "auto" }, String(verdict)),
          against >= 0 ? make("td", {}, first) : null,
          make("td", { dir: "auto" }, ...[...why, ...cost].filter(Boolean).map((text) => make("span", { class: "why" }, text))),
        );
      });
      const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
      const frame = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Every rating${this.prefix && ` of ${this.prefix.replace("-", "")}`}` }, table);
      parts.push(make("h3", {}, "Every rating"), frame);
      if (redacted) parts.push(make("p", { class: "small" }, "Texts are left out of this page."));
      this.article.replaceChildren(...parts);
      this.article.scrollTop = 0;
    }

    side(letter, number, kind) {
      const [model, series, round, sample, status, text, error] = this.data.responses[number];
      const facts = [letter && `Answer ${letter}`, !letter && "Answer", model, series, round === null ? null : `round ${round}`, sample ? `sample ${sample}` : null];
      const title = facts.filter(Boolean).join(" · ");
      const body = text ?? (status === "ok" || status === null ? "(no text kept)" : `(${status}: ${error ?? "no answer"})`);
      return make("div", { class: letter ? "" : "fact" }, make("h3", { dir: "auto" }, title), make("pre", { dir: "auto", tabindex: "0", class: kind, "aria-label": title }, body));
    }

    // A button that marks the words which only one of two answers has.
    differ(one, other) {
      const texts = [one.textContent, other.textContent];
      const button = make("button", { type: "button", "aria-pressed": String(this.marking) }, "Mark the differences");
      const mark = () => {
        button.setAttribute("aria-pressed", String(this.marking));
        const parts = this.marking ? difference(...texts) : null;
        [one, other].forEach((pre, side) => {
          if (!parts) pre.replaceChildren(texts[side]);
          else pre.replaceChildren(...parts[side].map(([own, text]) => (own ? make("mark", {}, text) : text)));
        });
        if (this.marking && !parts) button.textContent = "Too long to mark the differences";
      };
      button.addEventListener("click", () => {
        this.marking = !this.marking;
        mark();
      });
      if (this.marking) mark();
      return button;
    }

    // The answers that fit the filters, one row a rating: CSV for spreadsheets, JSONL exact.
    rows() {
      const { items, tasks, responses, raters, criteria } = this.data;
      const rows = [];
      for (const number of this.found) {
        const [item, response, against, , marks] = this.data.cases[number];
        const [task, id, prompt] = items[item];
        const text = (side) => (side < 0 ? null : responses[side][5]);
        for (const mark of marks) {
          rows.push({
            task: tasks[task], item_id: id, response_id: response < 0 ? null : responses[response][ID],
            against_id: against < 0 ? null : responses[against][ID], prompt, response: text(response), against: text(against),
            model: response < 0 ? null : responses[response][0], series: response < 0 ? null : responses[response][1],
            round: response < 0 ? null : responses[response][2], rater: raters[mark[RATER]][0], rater_kind: raters[mark[RATER]][1],
            criterion: criteria[mark[CRITERION]], value: mark[VALUE], label: mark[LABEL], order: mark[ORDER],
            repetition: mark[REPETITION], status: mark[STATUS], error: mark[ERROR], rationale: mark[RATIONALE],
          });
        }
      }
      return rows;
    }

    filtered() {
      this.filter();
      const wanted = [...new FormData(this.form)].filter(([name, value]) => value && !(name === "gap" && value === SOME));
      this.remember(Object.fromEntries(wanted));
    }

    remember(state) {
      const query = new URLSearchParams(state).toString();
      history.replaceState(null, "", `#${this.prefix}d${query ? `?${query}` : ""}`);
    }

    // What a case is called in an address: the ids of what was rated, which stay the same from page to page.
    name(number) {
      const [item, response, against] = this.data.cases[number];
      const [task, id] = this.data.items[item];
      const sides = [response, against].filter((side) => side >= 0).map((side) => this.data.responses[side][ID]);
      return sides.length ? sides.join("~") : `${this.data.tasks[task]}/${id}`;
    }

    // Put the form and the list as the address says; false where it speaks of something else.
    address() {
      const named = `#${this.prefix}item=`;
      if (location.hash.startsWith(named)) return this.open(decodeURIComponent(location.hash.slice(named.length)));
      const [place, query] = decodeHash();
      if (place !== `${this.prefix}d` || query === undefined) return false;
      this.put(new URLSearchParams(query));
      this.section.scrollIntoView();
      return true;
    }

    put(wanted) {
      for (const field of this.form.elements) if (field.name) field.value = wanted.get(field.name) ?? (field.name === "gap" ? SOME : "");
      this.filter();
    }

    open(name) {
      const number = this.data.cases.findIndex((row, place) => this.name(place) === name);
      if (number < 0) {
        this.filter();
        this.count.textContent = "The answer of this address is not on this page.";
      } else {
        this.put(new URLSearchParams({ gap: "" }));
        this.choose(this.found.indexOf(number), false);
      }
      this.section.scrollIntoView();
      return true;
    }
  }

  const decodeHash = () => {
    const text = location.hash.slice(1);
    const cut = text.indexOf("?");
    return cut < 0 ? [text, undefined] : [text.slice(0, cut), text.slice(cut + 1)];
  };

  document.querySelectorAll('figure[id^="fig-"]').forEach(offerNumbers);
  for (const section of document.querySelectorAll(".browser[data-cases]")) {
    if (document.getElementById(section.dataset.cases)) new Browser(section);
  }
})();
