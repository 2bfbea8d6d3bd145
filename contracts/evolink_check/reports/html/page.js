// Filters the table of clauses. Without this script, all clauses are shown.
"use strict";
{
  const place = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#clauses tbody tr")];
  if (place && rows.length) {
    const text = document.createElement("input");
    text.type = "search";
    text.placeholder = "part of a clause";
    text.setAttribute("aria-label", "Show clauses with this text");
    const words = [...new Set(rows.map((row) => row.dataset.status))];
    const boxes = words.map((word) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.value = word;
      label.append(box, ` ${word}`);
      return [label, box];
    });
    const show = () => {
      const wanted = new Set(boxes.filter(([, box]) => box.checked).map(([, box]) => box.value));
      const part = text.value.trim().toLowerCase();
      for (const row of rows) {
        row.hidden = !wanted.has(row.dataset.status) || !row.textContent.toLowerCase().includes(part);
      }
    };
    place.append(text, ...boxes.map(([label]) => label));
    place.addEventListener("input", show);
    place.hidden = false;
  }
}
