// Theme, code switch, contents, sortable tables, enlarged figures, images behind a confusion matrix; the page reads well
// without it.
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

// "9.4 s on cpu" -> 9.4, "3 min 08 s" -> 188, "would take about 1 h 05 min" -> 3900; all else -> null
function seconds(text) {
  const time = text.match(/^(?:\D*about )?(?:(\d+) h )?(?:(\d+) min)?\s*(?:(\d+(?:\.\d+)?) s)?(?![\w.])/);
  if (!time || time.slice(1).every((part) => part === undefined)) return null;
  const [hours, minutes, rest] = time.slice(1).map((part) => Number(part ?? 0));
  return 3600 * hours + 60 * minutes + rest;
}

// "92.3 % ± 0.1" -> 92.3, "−0.77 points" -> -0.77, "1,234" -> 1234, "12.5k" -> 12500, "–" -> NaN; text -> null
function number(cell) {
  const text = (cell.dataset.sort ?? cell.textContent).trim().replace(/[−–](?=\d)/, "-");
  if (/^([-–—]?|nan)$/i.test(text)) return NaN;
  const time = seconds(text);
  if (time !== null) return time;
  // (All of the digits or none of them: what is taken ahead is not given back.)
  const digits = /(?=(\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?))\1/.source;
  const found = text.match(new RegExp(`^[-+±]?${digits}\\s*(k|M)?\\b(?![-/:]|\\s*(?!points?\\b)[a-z]{4})`, "i"));
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

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function enlarge(opener, picture, text) {
  const close = element("button", { type: "button", textContent: "Close" });
  const caption = element("p", { id: "enlarged", textContent: text });
  const dialog = element("dialog", {}, close, picture, caption);
  dialog.setAttribute("aria-labelledby", caption.id);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => { if (event.target !== caption) dialog.close(); });
  dialog.addEventListener("close", () => { dialog.remove(); opener.focus(); });
  dialog.showModal();
}

function enlargeable(image) {
  const button = element("button", { type: "button", className: "enlarge", title: "Enlarge" });
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    const copy = image.cloneNode();
    copy.alt = "";
    enlarge(button, copy, image.alt);
  });
}

// A confusion matrix: the button of a cell opens the images of the cell in the panel below.
function explorer(box) {
  const { classes, runs, columns, images: rows } = JSON.parse(box.dataset.mistakes);
  const images = rows.split(";").map((row, place) => {
    const [index, label, ...rest] = row.split(",").map(Number);
    const answers = runs.map((run, i) => ({ run, answer: rest[2 * i], confidence: rest[2 * i + 1] }));
    return { place, index, label, answers, wrong: answers.filter(({ answer }) => answer !== label) };
  });
  const [matrix, panel] = [box.querySelector(".matrix"), box.querySelector("[data-explorer]")];
  const [name, status, list] = [".name", "[role=status]", "ul"].map((part) => panel.querySelector(part));
  const control = (part) => panel.querySelector(`[name=${part}]`);
  const [label, predicted, confidence, all] = ["true", "predicted", "confidence", "all"].map(control);
  const buttons = [...matrix.querySelectorAll("button")];
  let opener = null;
  let pending = 0;

  const style = element("style"); // one rule for all pictures, so that the sprite is decoded once
  style.textContent = `.shot.${panel.id} { background-image: url("${box.dataset.sprite}"); }`;
  box.append(style);
  box.classList.add("live");
  matrix.hidden = false;

  const shot = (kind, { place }) => {
    const made = element(kind, { className: `shot ${panel.id}` });
    made.style.setProperty("--column", place % columns);
    made.style.setProperty("--row", Math.floor(place / columns));
    made.style.setProperty("--columns", columns);
    return made;
  };
  const said = ({ run, answer, confidence }) => `${run ? `${run}: ` : ""}${classes[answer]}, ${confidence} %`;

  function describe(item) {
    const image = item.shows;
    const button = shot("button", image);
    button.type = "button";
    button.setAttribute("aria-label", `Enlarge image ${image.index}`);
    button.addEventListener("click", () => {
      const text = `Image ${image.index}, ${classes[image.label]}. ${image.answers.map(said).join("; ")}`;
      enlarge(button, shot("div", image), text);
    });
    const answers = image.answers.map((answer) => {
      const right = answer.answer === image.label;
      return element("span", { className: right ? "right" : "wrong", textContent: said(answer) });
    });
    const words = element("p", {}, element("b", { textContent: image.index }), ` ${classes[image.label]}`, ...answers);
    item.append(button, words);
  }

  // An item an image at once; what they hold, a screenful at a time, so that a cell of a thousand opens as fast.
  function fillList(found) {
    const items = found.map((image) => element("li", { shows: image }));
    items.forEach((item) => { item.dataset.image = item.shows.index; });
    list.replaceChildren(...items);
    clearTimeout(pending);
    (function some(from) {
      items.slice(from, from + 100).forEach(describe);
      if (from + 100 < items.length) pending = setTimeout(some, 30, from + 100);
    })(0);
  }

  // How sure the surest run is of the mistake that is looked at.
  function surest({ wrong }) {
    const meant = wrong.filter(({ answer }) => predicted.value === "" || answer === Number(predicted.value));
    return Math.max(...meant.map(({ confidence }) => confidence));
  }

  function filter() {
    const [low, high] = confidence.value.split(",").map(Number);
    let shown = 0;
    [...list.children].forEach((child) => {
      const [sure, { wrong }] = [surest(child.shows), child.shows];
      child.hidden = sure < low || sure > high || Boolean(all?.checked && wrong.length < runs.length);
      shown += !child.hidden;
    });
    const total = list.children.length;
    const some = `${shown} of these ${shown === 1 ? "is" : "are"} shown.`;
    status.textContent = shown < total ? some : total > 1 ? "The surest mistakes come first." : "";
  }

  function fill() {
    const [from, to] = [label.value, predicted.value];
    // Right answers are not among the pictures: no class is offered as the mistake for itself.
    [[label, to], [predicted, from]].forEach(([select, taken]) => [...select.options].forEach((option) => {
      option.disabled = option.value !== "" && option.value === taken;
    }));
    const found = images.filter((image) => (from === "" || image.label === Number(from))
      && (to === "" || image.wrong.some(({ answer }) => answer === Number(to))));
    fillList(found.sort((one, other) => surest(other) - surest(one)));
    const any = [to === "" ? "any class" : "any other class", "any other class"];
    const names = [from, to].map((value, i) => (value === "" ? any[i] : classes[value]));
    name.textContent = `${names[0]} predicted as ${names[1]}: ${found.length} ${found.length === 1 ? "image" : "images"}`;
    const here = (button) => button.dataset.true === from && button.dataset.predicted === to;
    buttons.forEach((button) => button.setAttribute("aria-expanded", here(button)));
    filter();
  }

  function close() {
    panel.hidden = true;
    list.replaceChildren();
    buttons.forEach((button) => button.setAttribute("aria-expanded", false));
    opener?.focus();
  }

  buttons.forEach((button) => button.addEventListener("click", () => {
    opener = button;
    label.value = button.dataset.true;
    predicted.value = button.dataset.predicted;
    confidence.selectedIndex = 0;
    if (all) all.checked = false;
    panel.hidden = false;
    fill();
    name.focus();
  }));
  [label, predicted].forEach((select) => select.addEventListener("change", fill));
  [confidence, all].forEach((input) => input?.addEventListener("change", filter));
  panel.querySelector(".close").addEventListener("click", close);
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
}

// A number stays on one line with its unit and its margin.
function together(element) {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    text.data = text.data.replace(/(\d) (?=%|points?\b)/g, "$1\u00a0").replace(/ ± (?=\d)/g, "\u00a0±\u00a0");
  }
}

addEventListener("DOMContentLoaded", () => {
  const each = (selector, upgrade) => document.querySelectorAll(selector).forEach(upgrade);
  each("#theme-switch", themeSwitch);
  each("#code-switch", codeSwitch);
  each("p, li, figcaption", together);
  each("nav.contents", contents);
  each("main table:not(.matrix table)", sortable);
  each("figure:not(.explorer figure) > img", enlargeable);
  each(".explorer", explorer);
});
