"use strict";
// Tables sort by a click on a column's name and show only rows with some words. Without scripts they are as they are.
const value = (row, column) => {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.innerText.trim();
  const number = parseFloat(text);
  return /^[-+−–]?[\d.]/.test(text) && !Number.isNaN(number) ? number : text === "–" ? -Infinity : text;
};
const compare = (a, b) =>
  typeof a === "string" && typeof b === "string" ? a.localeCompare(b, undefined, { numeric: true }) :
  typeof a === "string" ? 1 : typeof b === "string" ? -1 : a - b;
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      rows.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
for (const input of document.querySelectorAll("input[data-filter]")) {
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of document.getElementById(input.dataset.filter).tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
  });
}
