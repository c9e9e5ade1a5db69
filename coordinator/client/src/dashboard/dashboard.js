// Shows what the server sends. All texts become text nodes, so that none of them is read as HTML.
"use strict";
(() => {
  const LINES = 200;
  const STATES = { failed: "!", waiting: "?", working: "~", deferred: "-", lost: "x", pending: ".", upgraded: "#", idle: ":" };
  const LOOK = ["failed", "waiting", "lost", "deferred"];
  const SHOWN = 60;
  const by = (id) => document.getElementById(id);
  const make = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const show = (node, text) => { node.textContent = text; node.hidden = !text; };
  const fill = (list, items, empty) => list.replaceChildren(...(items.length ? items : [make("li", empty)]));
  const clock = (at) => at ? at.slice(11, 19) : "";
  const span = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    const two = (n) => String(n).padStart(2, "0");
    return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} m ${two(s % 60)} s` : `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} m`;
  };

  // The token was needed once; the cookie is enough from now on.
  history.replaceState(null, "", "/");

  let cells = new Map(); // name: {cell, at: element}
  let groups = new Map(); // name: {box, title}
  let run = null;
  let down = "";
  let ahead = 0; // this clock, compared with the server's

  const known = (state) => Object.hasOwn(STATES, state) ? state : "idle";
  const paint = (seen) => {
    const { cell, at } = seen;
    const state = known(cell.state);
    at.className = cell.stale ? `${state} stale` : state;
    at.textContent = STATES[state];
    at.title = [cell.name, cell.state, cell.version, cell.step, cell.stale ? "its agent is silent" : "", cell.reason].filter(Boolean).join(" · ");
  };
  const group = (name) => {
    let found = groups.get(name);
    if (!found) {
      const whole = make("div");
      const title = make("h3", name);
      const box = make("div", "", "cells");
      box.setAttribute("role", "img");
      whole.append(title, box);
      by("map").className = "groups";
      by("map").append(whole);
      found = { whole, box, title };
      groups.set(name, found);
    }
    return found;
  };
  const drop = (name) => {
    const seen = cells.get(name);
    if (!seen) return;
    seen.at.remove();
    cells.delete(name);
  };
  const put = (cell) => {
    let seen = cells.get(cell.name);
    if (seen && seen.cell.group !== cell.group) { drop(cell.name); seen = undefined; }
    if (!seen) {
      seen = { cell, at: make("i") };
      group(cell.group).box.append(seen.at);
      cells.set(cell.name, seen);
    }
    seen.cell = cell;
    paint(seen);
  };
  const tally = (list) => {
    const counts = new Map();
    for (const { cell } of list) counts.set(known(cell.state), (counts.get(known(cell.state)) || 0) + 1);
    return Object.keys(STATES).filter((state) => counts.has(state)).map((state) => [state, counts.get(state)]);
  };
  const words = (counts) => counts.map(([state, n]) => `${n} ${state}`).join(", ");
  const fleet = () => {
    const all = [...cells.values()];
    const of = new Map();
    for (const seen of all) {
      const mine = of.get(seen.cell.group);
      if (mine) mine.push(seen); else of.set(seen.cell.group, [seen]);
    }
    for (const [name, found] of groups) {
      const mine = of.get(name) || [];
      if (!mine.length) { found.whole.remove(); groups.delete(name); continue; }
      found.whole.classList.toggle("wide", mine.length > 72); // more than a rack: as wide as the page
      const text = `${name}: ${words(tally(mine))}`;
      if (found.title.textContent !== text) { found.title.textContent = text; found.box.setAttribute("aria-label", text); }
    }
    by("counts").replaceChildren(...tally(all).map(([state, n]) => {
      const one = make("span");
      one.append(make("i", STATES[state], state), `${state} ${n}`);
      return one;
    }));
    const odd = all.filter(({ cell }) => LOOK.includes(cell.state) || cell.stale);
    const urgency = (cell) => LOOK.includes(cell.state) ? LOOK.indexOf(cell.state) : LOOK.length;
    odd.sort((a, b) => urgency(a.cell) - urgency(b.cell) || (a.cell.name < b.cell.name ? -1 : 1));
    const items = odd.slice(0, SHOWN).map(({ cell }) => {
      const item = make("li");
      item.append(make("strong", cell.name), ` ${cell.state}${cell.stale ? ", its agent is silent" : ""}${cell.step ? ` at ${cell.step}` : ""}${cell.reason ? `: ${cell.reason}` : ""}`);
      return item;
    });
    if (odd.length > SHOWN) items.push(make("li", `${odd.length - SHOWN} more`));
    fill(by("look"), items, "None.");
  };
  const head = (seen) => {
    down = seen.down;
    run = seen.run;
    document.title = `${seen.cluster || "podlift"}${run ? ` ${run.status}` : ""} · podlift`;
    by("title").textContent = seen.cluster ? `${seen.cluster}, podlift` : "podlift";
    link(seen.down ? `The coordinator does not answer, ${seen.down}` : seen.read_only ? `The coordinator only reads: ${seen.read_only}` : "Live.", seen.down ? "bad" : seen.read_only ? "care" : "good");
    by("aim").textContent = run ? `${run.aim}: ${run.status}. Run ${run.id}, started by ${run.by}.` : "No run yet.";
    by("progress-line").hidden = !run;
    show(by("waits"), run && run.waits ? `No other node begins: ${run.waits}` : "");
    show(by("paused"), run && run.paused ? `Paused: ${run.paused}` : "");
    by("next").hidden = !(run && run.next);
    by("next").querySelector("code").textContent = run ? run.next : "";
    if (run) {
      by("progress").max = Math.max(1, run.steps);
      by("progress").value = run.done;
      by("done").textContent = `${run.done} of ${run.steps} steps${run.phase ? `, now: ${run.phase}` : ""}${run.heals ? `, ${run.heals} heals` : ""}`;
    }
    times();
  };
  const times = () => {
    if (!run) { by("times").textContent = ""; return; }
    const end = run.ended ? Date.parse(run.ended) : Date.now() - ahead;
    let text = `${run.ended ? "Took" : "Runs for"} ${span(end - Date.parse(run.started))}.`;
    if (run.eta && !down) text += ` Expected end ${clock(run.eta[1])}, between ${clock(run.eta[0])} and ${clock(run.eta[2])}.`;
    by("times").textContent = text;
  };
  const steps = (seen) => {
    const items = seen.shown.map((step) => {
      const item = make("li");
      item.append(make("code", step.id), " ", make("span", step.state, step.state === "failed" ? "bad" : step.state === "waiting" ? "care" : ""));
      item.append(`${step.since ? ` since ${clock(step.since)}` : ""}${step.reason ? `: ${step.reason}` : ""}`);
      return item;
    });
    if (seen.all > seen.shown.length) items.push(make("li", `${seen.all - seen.shown.length} more`));
    fill(by("steps"), items, "Nothing is at work.");
  };
  const api = (seen) => fill(by("api"), seen.map((server) => {
    const item = make("li");
    item.append(make("strong", server.name), " ");
    item.append(server.down_since ? make("span", `does not answer since ${clock(server.down_since)}: ${server.why}`, "bad") : make("span", "answers", "good"));
    const before = server.seconds > 0 ? `; away for ${server.seconds.toFixed(1)} s before` : "";
    item.append(`${before}${server.requests ? `; ${server.failed} of ${server.requests} reads failed` : ""}`);
    return item;
  }), "No outage, and no read was counted yet.");
  const sentinel = (seen) => fill(by("sentinel"), seen.map((row) => {
    const item = make("li");
    item.append(make("strong", row.severity), ` ${row.what}, since ${clock(row.since)}`);
    if (row.next) item.append(": ", make("code", row.next));
    return item;
  }), "Nothing was seen.");
  const lines = (news) => {
    const list = by("events");
    for (const line of news) list.prepend(make("li", `${clock(line.at)} ${line.text}`, line.tone));
    while (list.childElementCount > LINES) list.lastElementChild.remove();
  };
  const link = (text, tone) => {
    const at = by("link");
    if (at.textContent !== text) at.textContent = text;
    at.className = tone;
  };

  // How quick the page is: milliseconds from the navigation to the first scene, and from a publication to its display.
  const measure = (sent) => {
    const now = performance.timeOrigin + performance.now();
    const data = document.documentElement.dataset;
    if (!data.painted) { data.painted = String(Math.round(performance.now())); return; }
    data.updates = String(Number(data.updates || 0) + 1);
    data.slowest = String(Math.max(Number(data.slowest || 0), Math.round(now - sent)));
  };
  const changed = (seen) => {
    for (const name of seen.gone || []) drop(name);
    for (const cell of seen.cells || []) put(cell);
    if (seen.head) head(seen.head);
    if (seen.cells || seen.gone) fleet();
    if (seen.steps) steps(seen.steps);
    if (seen.api) api(seen.api);
    if (seen.sentinel) sentinel(seen.sentinel);
    if (seen.lines) lines(seen.lines);
    measure(seen.at);
  };
  const whole = (seen) => {
    // A scene may be older than the browser, never newer.
    ahead = seen.at > Date.now() ? Date.now() - seen.at : 0;
    cells = new Map();
    groups = new Map();
    by("map").replaceChildren();
    by("events").replaceChildren();
    changed(seen);
  };

  const source = new EventSource("/events");
  source.addEventListener("scene", (event) => whole(JSON.parse(event.data)));
  source.addEventListener("delta", (event) => changed(JSON.parse(event.data)));
  source.onerror = () => link(
    source.readyState === EventSource.CLOSED
      ? "This address is not valid any more: open the one that podlift dashboard prints."
      : "podlift dashboard does not answer: trying again.",
    "bad",
  );
  setInterval(times, 1000);
})();
