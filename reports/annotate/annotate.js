"use strict";
/* One thing at a time: show it, time it while somebody looks, send the answer, and go on only when the server has it. */
(() => {
  const at = (id) => document.getElementById(id);
  let state = null;
  let begun = false;
  let busy = false;
  let looked = 0;
  let since = null;

  const looking = () => document.visibilityState === "visible" && document.hasFocus();
  const tick = () => {
    const now = performance.now();
    if (since !== null) looked += now - since;
    since = looking() && begun && state && state.unit ? now : null;
    if (begun && state && state.unit) remember();
  };
  ["focus", "blur", "pagehide"].forEach((name) => window.addEventListener(name, tick));
  document.addEventListener("visibilitychange", tick);

  /* A reload keeps the time and the comment of what is shown. */
  const remember = () => {
    try { sessionStorage.setItem("shown", JSON.stringify({ unit: state.unit, looked, comment: at("comment").value })); } catch { /* private mode */ }
  };
  const remembered = (unit) => {
    try {
      const kept = JSON.parse(sessionStorage.getItem("shown") || "null");
      return kept && kept.unit === unit ? kept : null;
    } catch { return null; }
  };

  const keyOf = (grade, compares) => {
    if (compares) return grade.name.slice(0, 1).toLowerCase();
    return Number.isInteger(grade.value) && grade.value >= 0 && grade.value <= 9 ? String(grade.value) : grade.name.slice(0, 1).toLowerCase();
  };

  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  /* A text in its parts: prose, and code with its words coloured. */
  const written = (parts) => parts.map((part) => {
    const block = element(part.code ? "pre" : "p");
    block.append(...part.words.map(([kind, word]) => (kind ? element("span", word, `w-${kind}`) : word)));
    return block;
  });

  const many = (count, one, more) => `${count} ${count === 1 ? one : more}`;

  /* The first screen: what is asked, by whom, how long. A reload within a session goes on without it. */
  const welcome = () => {
    const said = state.welcome;
    const left = state.total - state.done;
    const minutes = Math.max(1, Math.round((said.minutes * left) / Math.max(state.total, 1)));
    at("welcome-title").textContent = state.done
      ? `${state.rater}, ${many(left, "answer is", "answers are")} left to rate.`
      : `${state.rater}, you are asked to rate ${many(left, "answer", "answers")}.`;
    const tasks = said.tasks.map((task) => `${task.name} (${task.n})`).join(", ");
    at("welcome-says").textContent = `${said.lead ? `${said.lead} asks you. ` : ""}It takes about ${many(minutes, "minute", "minutes")}, in one sitting or several. Task by task: ${tasks}.`;
    at("welcome-run").textContent = said.description;
    at("welcome-run").hidden = !said.description;
    at("welcome-questions").replaceChildren(...said.questions.flatMap((one) => [element("dt", one.question), element("dd", one.definition)]));
    at("start").textContent = state.done ? "Go on" : "Begin";
    at("welcome").hidden = false;
    at("task").hidden = at("end").hidden = true;
    at("start").focus({ preventScroll: true });
  };

  const start = () => {
    begun = true;
    try { sessionStorage.setItem("begun", state.rater); } catch { /* asked again after a reload */ }
    at("welcome").hidden = true;
    show(state);
  };

  const hasBegun = () => {
    try { return sessionStorage.getItem("begun") === state.rater; } catch { return false; }
  };

  const show = (next, tell) => {
    state = next;
    at("run").textContent = state.run;
    at("rater").textContent = state.rater;
    at("bar").max = Math.max(state.total, 1);
    at("bar").value = state.done;
    at("count").textContent = `${state.done} of ${state.total}`;
    at("task").hidden = !state.unit;
    at("end").hidden = Boolean(state.unit);
    at("undo").disabled = at("end-undo").disabled = !state.can_undo || state.closed;
    warn(tell || "");
    if (state.unit && !begun && state.welcome && !(begun = hasBegun())) { welcome(); return; }
    begun = true;
    if (state.unit) item(); else end();
  };

  const item = () => {
    const asked = state.question;
    const kept = remembered(state.unit);
    at("criterion").textContent = asked.criterion;
    at("question").textContent = asked.question;
    at("definition").textContent = asked.definition;
    at("task-name").textContent = state.task;
    at("prompt").replaceChildren(...written(state.prompt_parts));
    at("sides").className = state.sides.length === 2 ? "sides two" : "sides";
    at("sides").replaceChildren(...state.sides.map((side) => {
      const part = element("section", undefined, "text");
      part.setAttribute("aria-label", side.name);
      const text = element("div", undefined, "said");
      text.dir = "auto";
      text.append(...(side.text.trim() ? written(side.parts) : [element("p", "(an empty answer)")]));
      part.append(element("h2", side.name), text);
      return part;
    }));
    at("grades").replaceChildren(...asked.grades.map((grade) => {
      const button = element("button");
      button.type = "button";
      button.dataset.value = grade.value;
      button.dataset.key = keyOf(grade, asked.compares);
      button.setAttribute("aria-pressed", String(Boolean(state.before) && state.before.value === grade.value));
      button.append(element("kbd", button.dataset.key), element("span", grade.name, "name"), element("span", grade.meaning, "meaning"));
      button.addEventListener("click", () => answer(grade.value));
      return button;
    }));
    at("comment").value = kept ? kept.comment : state.before ? state.before.comment : "";
    looked = kept ? kept.looked : 0;
    since = looking() ? performance.now() : null;
    window.scrollTo(0, 0);
    at("matter").scrollTop = 0;
    at("question").focus({ preventScroll: true });
  };

  const end = () => {
    since = null;
    const left = state.total - state.done;
    at("end-title").textContent = state.closed ? "Thank you." : "That was the last one.";
    at("end-says").textContent = state.closed
      ? `Your session is closed, and everything you said is in the run${left ? `; ${left} of ${state.total} are left, run the same command to go on` : ""}.`
      : "Everything you said is saved. You can still take back the last answer, or close the session.";
    if (offline) at("end-close").textContent = "Save the answers";
    at("end-close").hidden = state.closed;
    at("end-undo").hidden = state.closed;
    at("end-title").focus({ preventScroll: true });
  };

  const warn = (text) => {
    at("alert").textContent = text;
    at("alert").hidden = !text;
  };

  /* As one file: the browser keeps the events, and the end gives them as rows of a JSONL. */
  const block = at("offline");
  const offline = block && (() => {
    const all = JSON.parse(block.textContent);
    const place = `harness ${all.run} ${all.id}`;
    let events = [];
    try { events = JSON.parse(localStorage.getItem(place) || "[]"); } catch { /* private mode: kept while the page is open */ }
    const keep = () => { try { localStorage.setItem(place, JSON.stringify(events)); } catch { warn("This browser keeps nothing: finish and save before you close the page."); } };
    const standing = () => events.filter((event) => !event.undone);
    const now = () => {
      const done = new Set(standing().map((event) => event.unit));
      const next = all.units.find((unit) => !done.has(unit.unit));
      const last = next && events.findLast((event) => event.unit === next.unit);
      return { unit: null, rater: all.rater, run: all.run, done: done.size, total: all.units.length, can_undo: done.size > 0, closed: false, welcome: all.welcome, ...next, before: last || null };
    };
    const rows = () => standing().map((event) => {
      const unit = all.units.find((one) => one.unit === event.unit);
      const value = event.value === null ? null : unit.swapped ? 1 - event.value : event.value;
      return { ...unit.row, rater: all.id, value, rationale: event.comment || null, seconds: event.seconds, created_at: event.at, status: value === null ? "skipped" : "ok" };
    });
    const save = () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([rows().map((row) => JSON.stringify(row) + "\n").join("")], { type: "application/x-ndjson" }));
      link.download = `${all.run}-${all.id}.jsonl`;
      link.click();
    };
    return (action, body) => {
      if (action === "answer") events.push({ ...body, at: new Date().toISOString() });
      if (action === "undo") standing().at(-1).undone = true;
      if (action === "close") save();
      keep();
      return now();
    };
  })();

  const served = async (action, body) => {
    const reply = await fetch(action, body === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return { status: reply.status, said: await reply.json().catch(() => null) };
  };

  /* In a notebook: the frame around the page asks the kernel, and gives a silent one up. */
  const embedded = at("embedded") && (() => {
    const waiting = new Map();
    let asked = 0;
    window.addEventListener("message", (event) => {
      if (event.source === parent && event.data) waiting.get(event.data.number)?.(event.data);
    });
    return (action, body) => new Promise((done, fail) => {
      const number = ++asked;
      const late = setTimeout(fail, 15000);
      waiting.set(number, (reply) => { clearTimeout(late); waiting.delete(number); done(reply); });
      parent.postMessage({ number, action, body }, "*");
    });
  })();

  const send = async (action, body) => {
    if (offline) { show(offline(action, body)); return; }
    if (busy) return;
    busy = true;
    try {
      const { status, said } = await (embedded || served)(action, body);
      if (status === 200) show(said);
      else if (status === 409 && said) show(said.state, said.error === "there is nothing to undo" ? "" : "Answered elsewhere already: this is the next one.");
      else warn(said ? `Not saved: ${said.error}` : "Not saved: open the address that the terminal shows once more.");
    } catch {
      const again = embedded ? "the kernel does not answer. Run the cell again" : "the server does not answer. Start it again in the terminal";
      warn(`Not saved: ${again}, then answer once more; nothing is lost.`);
    } finally {
      busy = false;
    }
  };

  const answer = (value) => {
    if (!state || !state.unit) return;
    tick();
    send("answer", { unit: state.unit, value, comment: at("comment").value.trim(), seconds: looked / 1000 });
  };
  const undo = () => { if (state && state.can_undo && !state.closed) send("undo", {}); };
  const close = () => send("close", {});

  at("start").addEventListener("click", start);
  at("comment").placeholder = matchMedia("(max-width: 47.99rem)").matches ? "Comment" : "";
  at("skip").addEventListener("click", () => answer(null));
  at("undo").addEventListener("click", undo);
  at("end-undo").addEventListener("click", undo);
  at("close").addEventListener("click", close);
  at("end-close").addEventListener("click", close);
  at("comment").addEventListener("input", remember);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === at("comment")) { at("question").focus(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target === at("comment") || !begun || !at("keys").checked) return;
    const key = event.key.toLowerCase();
    const grade = state && state.unit && [...at("grades").children].find((button) => button.dataset.key === key);
    if (grade) { event.preventDefault(); answer(Number(grade.dataset.value)); }
    else if (key === "s" && state && state.unit) { event.preventDefault(); answer(null); }
    else if (key === "u" || key === "backspace") { event.preventDefault(); undo(); }
    else if (key === "c" && state && state.unit) { event.preventDefault(); at("comment").focus(); }
  });

  if (offline) at("close").textContent = "Save the answers so far";
  send("state");
})();
