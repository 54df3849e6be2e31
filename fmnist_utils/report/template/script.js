// Theme, code switch, contents, sortable tables and enlarged figures; the page reads well without it.
"use strict";
const root = document.documentElement;
const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } }; // files may have no storage
if (stored()) root.dataset.theme = stored();

function themeSwitch(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Light theme" : "Dark theme");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* the choice then holds for this page only */ }
    label();
  });
  system.addEventListener("change", label);
  label();
  button.hidden = false;
}

function codeSwitch(button) {
  const folds = document.querySelectorAll("details.code");
  button.hidden = folds.length === 0;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", open);
    button.textContent = open ? "Hide all code" : "Show all code";
    folds.forEach((fold) => { fold.open = open; });
  });
}

function contents(nav) {
  const wide = matchMedia("(min-width: 70em)");
  const fold = nav.querySelector("details");
  const unfold = () => { fold.open = wide.matches; };
  wide.addEventListener("change", unfold);
  unfold();
  const links = new Map([...nav.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id));
  const mark = () => {
    const above = headings.filter((heading) => heading.getBoundingClientRect().top < 120).pop();
    links.forEach((link, id) => {
      if (above && above.id === id) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
  links.forEach((link) => link.addEventListener("click", () => { if (!wide.matches) fold.open = false; }));
}

// "92.3 % ± 0.1" -> 92.3, "1,234" -> 1234, "12.5k" -> 12500, "–" -> NaN; text -> null
function number(cell) {
  const text = (cell.dataset.sort ?? cell.textContent).trim().replace(/[−–](?=\d)/, "-");
  if (/^([-–—]?|nan)$/i.test(text)) return NaN;
  const found = text.match(/^[-+±]?(\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)\s*(k|M)?\b(?![-/:]|\s*[a-z]{4})/i);
  if (!found) return null;
  const sign = text.startsWith("-") ? -1 : 1;
  return sign * Number(found[1].replaceAll(",", "")) * ({ k: 1e3, M: 1e6 }[found[2]] ?? 1);
}

function sortable(table) {
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  const heads = table.tHead?.rows.length === 1 ? [...table.tHead.rows[0].cells] : [];
  const regular = [...rows, table.tHead?.rows[0]].every((row) => row && row.cells.length === heads.length);
  if (rows.length < 2 || !regular || table.querySelector("[rowspan], [colspan]:not([colspan='1'])")) return;
  heads.forEach((head, column) => {
    if (head.tagName !== "TH") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numbers = rows.map((row) => number(row.cells[column]));
      const numeric = numbers.every((value) => value !== null);
      const keys = new Map(rows.map((row, i) => [row, numeric ? numbers[i] : row.cells[column].textContent.trim()]));
      const order = (a, b) => (numeric ? a - b : a.localeCompare(b, undefined, { numeric: true }));
      const last = (key) => key === "" || Number.isNaN(key); // what has no value stands last, both ways
      rows.sort((a, b) => last(keys.get(a)) - last(keys.get(b))
        || (up ? 1 : -1) * (last(keys.get(a)) ? 0 : order(keys.get(a), keys.get(b))));
      table.tBodies[0].append(...rows);
    });
  });
}

function enlargeable(image) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.title = "Enlarge";
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    const dialog = document.createElement("dialog");
    const close = document.createElement("button");
    const caption = document.createElement("p");
    const copy = image.cloneNode();
    copy.alt = "";
    caption.id = "enlarged";
    caption.textContent = image.alt;
    close.type = "button";
    close.textContent = "Close";
    dialog.setAttribute("aria-labelledby", caption.id);
    dialog.append(close, copy, caption);
    document.body.append(dialog);
    dialog.addEventListener("click", (event) => { if (event.target !== caption) dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); button.focus(); });
    dialog.showModal();
  });
}

addEventListener("DOMContentLoaded", () => {
  const each = (selector, upgrade) => document.querySelectorAll(selector).forEach(upgrade);
  each("#theme-switch", themeSwitch);
  each("#code-switch", codeSwitch);
  each("nav.contents", contents);
  each("main table", sortable);
  each("figure > img", enlargeable);
});
