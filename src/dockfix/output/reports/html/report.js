"use strict";
(() => {
  const BATCH = 40;
  const CONTEXT = 4;
  const LEAST_FOLDED = 6;
  const MOST_PAIRED = 2500;
  const ALIKE = 0.34;

  const parse = (id) => JSON.parse(document.getElementById(id).textContent);
  const { files, labels, verdicts } = parse("index");
  let texts = null;
  const collator = new Intl.Collator("en", { numeric: true });
  const table = document.getElementById("table");
  const [head, body] = [table.tHead.rows[0], table.tBodies[0]];
  const [status, more, openAll] = ["status", "more", "open-all"].map((id) => document.getElementById(id));
  const form = document.querySelector(".filters");
  const sorter = document.getElementById("sort");
  const filters = ["path", "outcome", "owner", "code", "verdict"].filter((name) => form.elements[name]);
  const ORDER = Object.keys(labels);
  const VERDICT_ORDER = ["", ...Object.keys(verdicts)];

  /* An element; strings among its children become text, never markup. */
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const badge = (kind, label) => make("span", { class: `badge ${kind}` }, make("span", { class: `dot fill-${kind}`, "aria-hidden": "true" }), label);

  /* ---- The table ---- */

  [...files.keys()]
    .sort((one, other) => collator.compare(files[one].path, files[other].path))
    .forEach((at, rank) => Object.assign(files[at], { at, rank, lower: files[at].path.toLowerCase() }));

  const COLUMNS = [
    { name: "path", title: "File", of: (file) => file.rank },
    { name: "outcome", title: "Outcome", of: (file) => ORDER.indexOf(file.outcome) },
    { name: "verdict", title: "Proof", of: (file) => VERDICT_ORDER.indexOf(file.verdict), if: () => form.elements.verdict },
    { name: "owner", title: "Owner", of: (file) => file.owner.toLowerCase(), if: () => form.elements.owner },
    { name: "codes", title: "Codes", of: (file) => file.codes.join(" ") },
    { name: "lines", title: "Lines", of: (file) => file.added + file.removed },
  ].filter((column) => !column.if || column.if());
  const state = { sort: "path", descending: false, opened: new Set(), all: false };
  let shown = [];
  let rendered = 0;

  const cells = (file) => ({
    outcome: () => badge(file.outcome, labels[file.outcome]),
    verdict: () => (file.verdict ? badge(file.verdict, verdicts[file.verdict]) : ""),
    owner: () => file.owner,
    codes: () => make("span", {}, ...file.codes.map((code) => make("span", { class: "tag" }, code))),
    lines: () =>
      file.added + file.removed
        ? make("span", {}, make("span", { class: "plus" }, `+${file.added}`), " ", make("span", { class: "minus" }, `−${file.removed}`))
        : "",
  });

  const renderRow = (file) => {
    const opener = make("button", { type: "button", class: "opener", "aria-expanded": "false", "data-at": file.at }, make("span", { class: "path" }, file.path));
    const row = make("tr", { class: "file" }, make("th", { scope: "row", class: "col-path" }, opener));
    const making = cells(file);
    for (const { name } of COLUMNS.slice(1)) row.append(make("td", { class: `col-${name}` }, making[name]()));
    return row;
  };

  const renderMore = (count) => {
    const fragment = document.createDocumentFragment();
    const end = Math.min(shown.length, rendered + count);
    for (; rendered < end; rendered += 1) {
      const file = shown[rendered];
      const row = renderRow(file);
      fragment.append(row);
      if (state.all || state.opened.has(file.at)) fragment.append(open(row.querySelector(".opener"), file));
    }
    body.append(fragment);
    more.hidden = rendered >= shown.length;
  };

  const update = () => {
    const wanted = Object.fromEntries(filters.map((name) => [name, form.elements[name].value]));
    const path = wanted.path.trim().toLowerCase();
    const inPath = path === "./" ? (file) => !file.path.includes("/") : path.endsWith("/") ? (file) => file.lower.startsWith(path) : (file) => file.lower.includes(path);
    const column = COLUMNS.find((one) => one.name === state.sort);
    shown = files.filter(
      (file) =>
        inPath(file) &&
        (!wanted.outcome || file.outcome === wanted.outcome) &&
        (!wanted.owner || file.owner === wanted.owner) &&
        (!wanted.code || file.codes.includes(wanted.code)) &&
        (!wanted.verdict || file.verdict === wanted.verdict),
    );
    const keys = new Map(shown.map((file) => [file, column.of(file)]));
    const sign = state.descending ? -1 : 1;
    shown.sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      return a < b ? -sign : a > b ? sign : one.rank - other.rank;
    });
    body.replaceChildren();
    rendered = 0;
    renderMore(BATCH);
    if (!shown.length) body.append(make("tr", {}, make("td", { colspan: COLUMNS.length }, make("p", { class: "empty" }, "No file matches."))));
    status.textContent = shown.length === files.length ? plural(files.length, "file") : `${shown.length.toLocaleString("en")} of ${plural(files.length, "file")}`;
    for (const cell of head.cells) {
      const is = cell.dataset.column === state.sort;
      cell.setAttribute("aria-sort", is ? (state.descending ? "descending" : "ascending") : "none");
    }
    sorter.value = `${state.sort}${state.descending ? " down" : ""}`;
    for (const pick of document.querySelectorAll(".pick")) {
      const control = form.elements[pick.dataset.filter];
      const pressed = String(Boolean(control) && control.value === pick.dataset.value);
      if (pick.getAttribute("aria-pressed") !== pressed) pick.setAttribute("aria-pressed", pressed);
    }
  };

  const sortBy = (name, descending) => {
    Object.assign(state, { sort: name, descending });
    update();
    remember();
  };

  /* ---- A file ---- */

  const open = (opener, file) => {
    opener.setAttribute("aria-expanded", "true");
    opener.setAttribute("aria-controls", `detail-${file.at}`);
    return make("tr", { class: "detail", id: `detail-${file.at}` }, make("td", { colspan: COLUMNS.length }, renderPanel(file)));
  };

  const toggle = (opener) => {
    const file = files[Number(opener.dataset.at)];
    const row = opener.closest("tr");
    if (opener.getAttribute("aria-expanded") === "true") {
      row.nextElementSibling.remove();
      opener.setAttribute("aria-expanded", "false");
      opener.removeAttribute("aria-controls");
      state.opened.delete(file.at);
    } else {
      row.after(open(opener, file));
      state.opened.add(file.at);
    }
    remember();
  };

  const renderPanel = (file) => {
    texts ??= parse("texts");
    const details = texts.files[file.at];
    const facts = [["Outcome", badge(file.outcome, labels[file.outcome])]];
    if (form.elements.owner) facts.push(["Owner", file.owner]);
    if (details?.transforms) facts.push(["Transforms", details.transforms.join(", ")]);
    if (details?.transforms && !details.applies) facts.push(["Not made yet", "needs a review; --unsafe makes it"]);
    const panel = make("div", { class: "panel" }, make("dl", { class: "facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))));
    if (!details) {
      panel.append(make("p", {}, "Nothing to report."));
      return panel;
    }
    if (details.proof) panel.append(renderProof(details.proof, file));
    const whole = details.findings.filter((one) => !one[2] || !details.lines);
    if (whole.length) panel.append(make("ul", { class: "findings" }, ...whole.map((one) => renderFinding("li", one))));
    if (details.lines) panel.append(make("div", { class: "scroll" }, renderDiff(file, details)));
    return panel;
  };

  const renderFinding = (tag, [kind, code, line, message, help]) => {
    const where = line && tag === "li" ? `, line ${line}` : "";
    const parts = [make("span", { class: "kind" }, `${kind[0].toUpperCase()}${kind.slice(1)}${where}: `), message, " ", make("a", { href: `#code-${code}` }, `[${code}]`)];
    if (help) parts.push(" ", make("span", { class: "help" }, help));
    return make(tag, { class: `finding ${kind}` }, ...parts);
  };

  const renderProof = (proof, file) => {
    const part = make("section", { class: "proof", "aria-label": `Proof of ${file.path}` }, make("p", {}, badge(file.verdict, proof.sentence[0].toUpperCase() + proof.sentence.slice(1))));
    if (proof.ground) part.append(make("p", {}, `Ground: ${proof.ground}.`));
    if (proof.engine) part.append(make("p", { class: "made" }, `${proof.engine}, ${proof.seconds} s`));
    if (proof.differences.length)
      part.append(make("ul", {}, ...proof.differences.map(([code, message, breaks]) => make("li", {}, `${message} [${code}]${breaks ? ": breaks it" : ""}`))));
    const { before, after } = proof;
    if (before || after) {
      const names = Object.keys(before ?? after).filter((name) => before?.[name] || after?.[name]);
      const heading = make("tr", {}, make("td"), make("th", { scope: "col" }, "Original"), make("th", { scope: "col" }, "Rewrite"));
      const rows = names.map((name) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, before?.[name] || "–"), make("td", {}, after?.[name] || "–")));
      part.append(make("table", {}, make("caption", { class: "hidden" }, "What the images did"), make("thead", {}, heading), make("tbody", {}, ...rows)));
    }
    if (proof.log.length) part.append(make("pre", { tabindex: "0", role: "region", "aria-label": "The end of the log" }, proof.log.join("\n")));
    return part;
  };

  /* ---- Side by side ---- */

  const renderDiff = (file, { lines, edits, findings }) => {
    const isDiff = edits.length > 0;
    const rows = isDiff ? align(lines, edits) : lines.map((line, at) => ({ left: line, right: line, from: at, to: at }));
    const at = new Map();
    for (const one of findings.filter((found) => found[2])) at.set(one[2] - 1, [...(at.get(one[2] - 1) ?? []), one]);
    const width = isDiff ? 4 : 2;
    const tbody = make("tbody");
    const renderAll = (from, to) => {
      const fragment = document.createDocumentFragment();
      for (const row of rows.slice(from, to)) {
        fragment.append(renderLine(row, isDiff));
        for (const one of at.get(row.from) ?? []) fragment.append(make("tr", { class: `finding ${one[0]}` }, make("td", { colspan: width }, renderFinding("span", one))));
      }
      return fragment;
    };
    for (const [from, to, isFolded] of foldable(rows, at)) {
      if (!isFolded) tbody.append(renderAll(from, to));
      else {
        const unfold = make("button", { type: "button" }, `Show ${plural(to - from, "unchanged line")}`);
        const fold = make("tr", { class: "fold" }, make("td", { colspan: width }, unfold));
        unfold.addEventListener("click", () => fold.replaceWith(renderAll(from, to)));
        tbody.append(fold);
      }
    }
    const columns = isDiff ? ["nr", "", "nr", ""] : ["nr", ""];
    const titles = isDiff
      ? [make("th", { colspan: 2, scope: "colgroup" }, "Original"), make("th", { colspan: 2, scope: "colgroup" }, "Rewrite")]
      : [make("th", { colspan: 2, scope: "colgroup" }, "File")];
    return make(
      "table",
      { class: `diff${isDiff ? "" : " single"}` },
      make("caption", { class: "hidden" }, isDiff ? `Changes of ${file.path}` : `Lines of ${file.path}`),
      make("colgroup", {}, ...columns.map((name) => make("col", name ? { class: name } : {}))),
      make("thead", {}, make("tr", {}, ...titles)),
      tbody,
    );
  };

  /* The rows of a diff: line numbers of both sides, null where a side has none; `from` counts the original's lines, `to` the rewrite's. */
  const align = (lines, edits) => {
    const rows = [];
    let [from, to] = [0, 0];
    const same = (end) => {
      for (; from < end; from += 1, to += 1) rows.push({ left: lines[from], right: lines[from], from, to });
    };
    for (const [start, end, added] of edits) {
      same(start);
      for (const [old, fresh] of pair(lines.slice(start, end), added))
        rows.push({ left: old, right: fresh, from: old === null ? null : from++, to: fresh === null ? null : to++, changed: true });
    }
    same(lines.length);
    return rows;
  };

  /* Removed and added lines in their order, those that resemble each other side by side. */
  const pair = (removed, added) => {
    if (removed.length * added.length > MOST_PAIRED) return [...removed.map((line) => [line, null]), ...added.map((line) => [null, line])];
    const alike = removed.map((old) => added.map((fresh) => likeness(texts.lines[old], texts.lines[fresh])));
    const best = Array.from({ length: removed.length + 1 }, () => new Array(added.length + 1).fill(0));
    for (let i = removed.length - 1; i >= 0; i -= 1)
      for (let j = added.length - 1; j >= 0; j -= 1)
        best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], alike[i][j] >= ALIKE ? alike[i][j] + best[i + 1][j + 1] : 0);
    const pairs = [];
    let [i, j] = [0, 0];
    while (i < removed.length || j < added.length) {
      const isPair = i < removed.length && j < added.length && alike[i][j] >= ALIKE && best[i][j] === alike[i][j] + best[i + 1][j + 1];
      if (isPair) pairs.push([removed[i++], added[j++]]);
      else if (j >= added.length || (i < removed.length && best[i][j] === best[i + 1][j])) pairs.push([removed[i++], null]);
      else pairs.push([null, added[j++]]);
    }
    return pairs;
  };

  /* How many of their words two lines share, from 0 to 1. */
  const likeness = (one, other) => {
    const [words, others] = [new Set(one.split(/\s+/).filter(Boolean)), new Set(other.split(/\s+/).filter(Boolean))];
    let common = 0;
    for (const word of words) common += others.has(word);
    return common / Math.max(words.size, others.size, 1);
  };

  /* [from, to, whether to fold] over the rows: what is far from changes and findings is folded. */
  const foldable = (rows, findings) => {
    const kept = rows.map(() => false);
    const keep = (at) => kept.fill(true, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
    rows.forEach((row, at) => {
      if (row.changed || findings.has(row.from)) keep(at);
    });
    const parts = [];
    for (let from = 0; from < rows.length; ) {
      let to = from;
      while (to < rows.length && kept[to] === kept[from]) to += 1;
      const isFolded = !kept[from] && to - from >= LEAST_FOLDED;
      parts.push([from, to, isFolded]);
      from = to;
    }
    return parts;
  };

  const renderLine = (row, isDiff) => {
    const { left, right, from, to, changed } = row;
    if (!isDiff) return make("tr", {}, make("th", { scope: "row" }, String(from + 1)), make("td", {}, ...coloured(left)));
    const cut = changed && left !== null && right !== null ? parts(texts.lines[left], texts.lines[right]) : null;
    const side = (line, number, kind, range) => {
      if (line === null) return [make("td", { class: "void" }), make("td", { class: "void" })];
      if (!changed) return [make("th", kind === "removed" ? { class: "same-left" } : {}, String(number + 1)), make("td", kind === "removed" ? { class: "same-left" } : {}, ...coloured(line))];
      const text = make(kind === "removed" ? "del" : "ins", {}, make("span", { class: "hidden" }, `${kind}: `), ...coloured(line, range));
      return [make("th", { class: kind }, String(number + 1)), make("td", { class: kind }, text)];
    };
    return make("tr", {}, ...side(left, from, "removed", cut?.[0]), ...side(right, to, "added", cut?.[1]));
  };

  /* The spans of two lines whose words differ, null where no word is the same. */
  const parts = (one, other) => {
    const [words, others] = [one, other].map((line) => line.match(/\s+|\S+/g) ?? []);
    const least = Math.min(words.length, others.length);
    let [start, end] = [0, 0];
    while (start < least && words[start] === others[start]) start += 1;
    while (end < least - start && words.at(-1 - end) === others.at(-1 - end)) end += 1;
    const length = (list) => list.join("").length;
    const span = (list) => [length(list.slice(0, start)), length(list.slice(0, list.length - end))];
    return start + end ? [span(words), span(others)] : null;
  };

  /* A line's text in its colours; the part in `range` stands out. */
  const coloured = (number, range) => {
    const text = texts.lines[number];
    const pieces = [];
    let at = 0;
    for (const [, letter, length] of texts.colours[number].matchAll(/([a-z_])(\d+)/g)) {
      const end = at + Number(length);
      const cuts = range ? [at, ...range.filter((cut) => cut > at && cut < end), end] : [at, end];
      for (let i = 1; i < cuts.length; i += 1) {
        const isPart = range && cuts[i - 1] >= range[0] && cuts[i] <= range[1];
        const names = [letter === "_" ? "" : letter, isPart ? "part" : ""].filter(Boolean).join(" ");
        const piece = text.slice(cuts[i - 1], cuts[i]);
        pieces.push(names ? make("span", { class: names }, piece) : piece);
      }
      at = end;
    }
    return pieces;
  };

  /* ---- What the address holds, so that a view can be passed on ---- */

  const remember = () => {
    const view = new URLSearchParams();
    for (const name of filters) if (form.elements[name].value) view.set(name, form.elements[name].value);
    if (state.sort !== "path" || state.descending) view.set("sort", sorter.value);
    for (const at of [...state.opened].slice(0, 20)) view.append("open", files[at].path);
    const hash = view.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
  };

  const recall = () => {
    const view = new URLSearchParams(location.hash.slice(1));
    for (const name of filters) form.elements[name].value = view.get(name) ?? "";
    const [sort, down] = (view.get("sort") ?? "path").split(" ");
    if (COLUMNS.some((one) => one.name === sort)) Object.assign(state, { sort, descending: down === "down" });
    const wanted = new Set(view.getAll("open"));
    state.opened = new Set(files.filter((file) => wanted.has(file.path)).map((file) => file.at));
    update();
    body.querySelector('.opener[aria-expanded="true"]')?.scrollIntoView({ block: "center" });
  };

  /* ---- Wiring ---- */

  for (const { name, title } of COLUMNS) {
    const button = make("button", { type: "button" }, title);
    button.addEventListener("click", () => sortBy(name, state.sort === name && !state.descending));
    head.append(make("th", { scope: "col", class: `col-${name}`, "data-column": name }, button));
    sorter.append(make("option", { value: name }, `${title}, ascending`), make("option", { value: `${name} down` }, `${title}, descending`));
  }
  const folders = new Map();
  for (const { path } of files)
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) folders.set(path.slice(0, end + 1), (folders.get(path.slice(0, end + 1)) ?? 0) + 1);
  const suggested = [...folders].filter(([, count]) => count > 1).sort((one, other) => other[1] - one[1]).slice(0, 200);
  document.getElementById("folders").append(...suggested.map(([folder]) => make("option", { value: folder })));

  const filtered = () => {
    update();
    remember();
  };
  form.addEventListener("input", (event) => {
    if (event.target === sorter) sortBy(...(([name, down]) => [name, down === "down"])(sorter.value.split(" ")));
    else filtered();
  });
  form.addEventListener("reset", () => setTimeout(filtered));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const pick of document.querySelectorAll(".pick"))
    pick.addEventListener("click", () => {
      const control = form.elements[pick.dataset.filter];
      control.value = control.value === pick.dataset.value ? "" : pick.dataset.value;
      filtered();
    });
  body.addEventListener("click", (event) => {
    const opener = event.target.closest(".opener");
    if (opener) toggle(opener);
  });
  openAll.addEventListener("click", () => {
    state.all = !state.all;
    if (!state.all) state.opened.clear();
    openAll.setAttribute("aria-pressed", String(state.all));
    update();
    remember();
  });
  more.firstElementChild.addEventListener("click", () => {
    const first = rendered;
    renderMore(BATCH);
    body.querySelectorAll(".opener")[first]?.focus();
  });
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && rendered < shown.length) renderMore(BATCH);
  }, { rootMargin: "600px" }).observe(more);

  /* Arrow keys go from file to file; Escape closes the file that holds the focus. */
  body.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const opener = event.target.closest(".detail")?.previousElementSibling.querySelector(".opener") ?? event.target.closest(".opener");
      if (opener?.getAttribute("aria-expanded") === "true") toggle(opener);
      opener?.focus();
      return;
    }
    if (!event.target.matches(".opener") || event.altKey || event.ctrlKey || event.metaKey) return;
    const openers = [...body.querySelectorAll(".opener")];
    const at = openers.indexOf(event.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: openers.length - 1 }[event.key];
    if (next === undefined || !openers[next]) return;
    event.preventDefault();
    openers[next].focus();
  });
  addEventListener("beforeprint", () => renderMore(shown.length));
  addEventListener("hashchange", () => {
    if (!/^#(code-|files$)/.test(location.hash)) recall();
  });
  recall();
  document.getElementById("notice").remove();
})();
