// Sorting tables: an enhancement. Without it the page reads as it was written; rows never leave their group.
"use strict";
(() => {
  const number = /^[^\d\p{L}]*?([+\u2212-]?(?:\d[\d,]*)(?:\.\d+)?)/u;
  const missing = words => words === "" || words === "\u2013" || words.toLowerCase() === "n/a";
  const value = words => {
    const found = number.exec(words);
    return found ? Number(found[1].replace("\u2212", "-").replaceAll(",", "")) : NaN;
  };
  const words = (row, column) => row.cells[column].textContent.trim();

  function sort(table, column, direction) {
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter(row => !row.classList.contains("group"));
      rows.forEach((row, place) => { row.dataset.place ??= place; });
      const given = rows.filter(row => !missing(words(row, column)));
      const numeric = given.every(row => !Number.isNaN(value(words(row, column))));
      const between = (a, b) => {
        const [one, two] = [words(a, column), words(b, column)];
        if (missing(one) || missing(two)) return missing(one) - missing(two);  // last in either direction
        const step = numeric ? value(one) - value(two) : one.localeCompare(two, document.documentElement.lang, {numeric: true});
        return direction === "descending" ? -step : step;
      };
      const as_written = (a, b) => a.dataset.place - b.dataset.place;
      rows.sort(as_written);
      if (direction !== "none") rows.sort(between);
      body.append(...rows);
    }
  }

  for (const table of document.querySelectorAll("main table")) {
    if (![...table.tBodies].some(body => body.querySelectorAll("tr:not(.group)").length > 1)) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = {ascending: "descending", descending: "none"}[head.getAttribute("aria-sort")] ?? "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        if (next !== "none") head.setAttribute("aria-sort", next);
        sort(table, column, next);
      });
    });
  }
})();
