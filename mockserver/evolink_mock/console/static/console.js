// Actions of the console: requests to the public control API, for the account that a card shows.
"use strict";

const MOST_ROWS = 200; // maximum number of rows, because the browser lays out the whole table for each batch

const HELD = MOST_ROWS; // maximum number of batches that a paused view keeps, each of which has a row

let held = []; // the batches that arrived while the view is paused, the oldest first
let focused = null; // the element in a card that had the focus before a refresh, and the place of the card
let last = 0; // the number of the latest exchange that arrived

function show(message, link) {
  document.getElementById("message").replaceChildren(message, ...(link ? [" ", link] : []));
}

async function act(button) {
  const question = button.dataset.confirm;
  if (question && !window.confirm(question)) return;
  const card = button.closest("[data-account]");
  const headers = { Accept: "application/json" };
  if (card) headers["Mock-Account"] = card.dataset.account;
  let body = button.dataset.body;
  if ("fail" in button.dataset) {
    body = JSON.stringify({ failure: button.parentElement.querySelector("[data-code]").value });
  }
  await send(button.dataset.method || "POST", button.dataset.post, headers, body, button.textContent);
}

async function send(method, path, headers, body, what) {
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(path, { method, headers, body });
    const answer = await response.json().catch(() => null);
    if (response.ok) {
      if (path.endsWith("/resend")) showExchange(what, answer);
      else show(`${what}: done`);
    } else {
      show(`${what}: ${answer?.error?.message ?? `the mock responded with status ${response.status}`}`);
    }
    return response.ok;
  } catch {
    show(`${what}: the mock does not respond`);
    return false;
  }
}

function showExchange(what, answer) {
  const link = document.createElement("a");
  link.href = `/__mock__/ui/exchanges/${answer.number}`;
  link.textContent = `Open exchange ${answer.number}`;
  show(`${what}: ${answer.status ? `status ${answer.status}` : "no response"}.`, link);
}

async function copy(button) {
  const text = button.parentElement.querySelector("pre").textContent;
  try {
    await navigator.clipboard.writeText(text);
    show("Copied");
  } catch {
    // If the page may not write to the clipboard, select the text, so that Ctrl-C copies it.
    const range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector("pre"));
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    show("Selected: press Ctrl-C to copy");
  }
}

async function assign() {
  const form = document.getElementById("compose");
  const headers = { "Mock-Account": form.elements.account.value };
  const body = JSON.stringify({ recipe: form.elements.recipe.value, times: null });
  await send("POST", "/__mock__/recipes", headers, body, "Assign");
}

function choose(example) {
  const input = document.querySelector("#compose [name=recipe]");
  const steps = /[*,]/.test(example) || input.value.includes("*");
  input.value = input.value ? `${input.value}${steps ? ", " : "+"}${example}` : example;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.post) act(button);
  else if ("copy" in button.dataset) copy(button);
  else if (button.dataset.recipe) choose(button.dataset.recipe);
  else if (button.id === "assign") assign();
  else if (button.id === "clear") clear();
  else if (button.id === "pause") togglePause(button);
});

// The number becomes a part of the address, so that the view is still cleared after the user returns to it.
function clear() {
  const rows = document.getElementById("rows");
  const number = String(Math.max(last, Number(rows.dataset.last)));
  rows.replaceChildren();
  held = [];
  document.querySelector("[name=since]").value = number;
  const address = new URL(location.href);
  address.searchParams.set("since", number);
  history.replaceState(history.state, "", address);
}

function togglePause(button) {
  const paused = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Continue" : "Pause";
  if (paused || !held.length) return;
  const html = held.reverse().join("");
  held = [];
  htmx.swap(document.getElementById("rows"), html, { swapStyle: "afterbegin", swapDelay: 0, settleDelay: 0 });
  tidyRows();
}

// A paused view keeps new rows until it continues.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  last = Math.max(last, Number(event.detail.lastEventId));
  const pause = document.getElementById("pause");
  if (pause?.getAttribute("aria-pressed") !== "true") return;
  event.preventDefault();
  held = [...held, event.detail.data].slice(-HELD);
});

document.addEventListener("htmx:sseMessage", tidyRows);

function tidyRows() {
  const rows = document.getElementById("rows");
  if (!rows) return;
  const cleared = rows.querySelector(".cleared"); // older rows are below it
  while (cleared && rows.lastElementChild !== cleared) rows.lastElementChild.remove();
  cleared?.remove();
  const seen = new Set();
  for (const row of [...rows.rows]) {
    if (row.id && seen.has(row.id)) row.remove(); // a reopened stream repeats its first rows
    seen.add(row.id);
  }
  while (rows.rows.length > MOST_ROWS) rows.lastElementChild.remove();
}

// Each refresh changes only what differs, so that focus, selections and videos stay. The failure code that the user has
// chosen is kept. An element with an id never becomes another element, so that a button under the pointer keeps its action.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !node.matches?.("[data-code]");

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "cards") return;
  if (document.hidden) event.detail.shouldSwap = false;
  else focused = placeOf(document.activeElement);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "cards") keepFocus();
});

function placeOf(element) {
  const card = element.closest("#cards article");
  if (!card) return null;
  return { element, card: card.id, index: [...card.parentElement.querySelectorAll("article")].indexOf(card) };
}

// A refresh may remove the button that has the focus: then the heading of its card gets it, or that of the next card.
// No other button gets it, because the same key would press that button.
function keepFocus() {
  if (!focused || focused.element.isConnected || document.activeElement !== document.body) return;
  const cards = document.querySelectorAll("#cards article");
  const card = document.getElementById(focused.card) ?? cards[Math.min(focused.index, cards.length - 1)];
  (card ?? document).querySelector("h2, h1").focus({ preventScroll: true });
}
