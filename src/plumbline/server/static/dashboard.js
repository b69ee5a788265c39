// The only script: it keeps the pages of a running audit, and of a history whose runs are being
// compared, up to date. Without it they reload by themselves.
"use strict";

if (document.getElementById("wait")) setTimeout(() => location.reload(), 2000);

(() => {
  const audit = document.getElementById("audit");
  if (!audit || audit.dataset.alive !== "yes") return;
  const EVERY = 1000;

  // Text only, never markup: what an audit says may quote a model.
  function row(pool) {
    const line = document.createElement("tr");
    for (const [tag, text] of [["th", pool.what], ["td", pool.done], ["td", pool.total], ["td", pool.said]]) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      if (tag === "th") cell.scope = "row";
      if (typeof text === "number") cell.className = "number";
      line.append(cell);
    }
    return line;
  }

  async function look() {
    let found;
    try {
      const reply = await fetch(audit.dataset.status, { headers: { Accept: "application/json" } });
      if (!reply.ok) throw new Error(String(reply.status));
      found = await reply.json();
    } catch {
      document.getElementById("state").textContent = "The server does not answer. This page tries again.";
      setTimeout(look, 5 * EVERY);
      return;
    }
    if (!found.alive) {
      location.reload();
      return;
    }
    const state = document.getElementById("state");
    if (state.textContent !== found.said) state.textContent = found.said;
    if (found.pools.length) document.getElementById("pools").replaceChildren(...found.pools.map(row));
    document.getElementById("errors").textContent = found.errors;
    setTimeout(look, EVERY);
  }

  setTimeout(look, EVERY);
})();
