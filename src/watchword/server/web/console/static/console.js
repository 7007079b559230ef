// Comforts. Every task can be done without them.

// The invitation comes behind the # of a link, which browsers send to nobody.
const invitation = document.querySelector("[data-from-fragment]");
function takeInvitation() {
  if (!invitation || location.hash.length < 2) return;
  invitation.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("name").focus();
}
takeInvitation();
// A link that is put into a tab where this page is already shown.
addEventListener("hashchange", takeInvitation);

// A form that changes something is sent once, however often its button is pressed, until the page is shown anew, or so much
// later that whoever presses again has stopped waiting.
const SENT_FOR = 10_000;
let sent = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    say("It was sent, and is waited for.");
    return;
  }
  sent.add(form);
  setTimeout(() => sent.delete(form), SENT_FOR);
});
addEventListener("pageshow", () => { sent = new WeakSet(); });

// Who comes back to a form that was refused is shown its page anew, and not asked whether to send it once more. A secret that is
// shown this once is not lost so.
if (document.querySelector(".problem") && !document.querySelector(".once")) history.replaceState(history.state, "", location.href);

// To the second and without a zone, as fields have it. Intl would need longer for its first formatter than all else here.
const inReadersZone = (at) => new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

const whereItScrolls = new ResizeObserver((resized) => {
  for (const { target } of resized) {
    const frame = target.closest(".scroll");
    frame.tabIndex = frame.scrollWidth > frame.clientWidth ? 0 : -1;
  }
});

// Where rooms and views stand in one line that goes on behind the edge, the one that is shown is in sight.
const inOneLine = matchMedia("(max-width: 55.99rem)");
function showWhereOneIs() {
  if (!inOneLine.matches) return;
  for (const here of document.querySelectorAll("nav [aria-current]")) {
    const nav = here.closest("nav"), left = here.getBoundingClientRect().left - nav.getBoundingClientRect().left;
    nav.scrollLeft += left - (nav.clientWidth - here.offsetWidth) / 2;
  }
}
showWhereOneIs();
inOneLine.addEventListener("change", showWhereOneIs);

const A_MOMENT = 2_000;
let hushed;

// For those who listen: said once, when nothing else is.
function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(hushed);
  hushed = setTimeout(() => { said.textContent = ""; }, A_MOMENT);
}

function copyWith(button) {
  const text = button.textContent, label = button.getAttribute("aria-label");
  let undone;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    } catch {
      done = "Not copied";  // the browser did not let us
    }
    button.textContent = done;
    button.setAttribute("aria-label", done);
    say(`${label.replace("Copy", done)}.`);
    clearTimeout(undone);
    undone = setTimeout(() => {
      button.textContent = text;
      button.setAttribute("aria-label", label);
    }, A_MOMENT);
  });
}

function enhance(part) {
  // A table that is shown whole is no stop for who goes by keyboard.
  for (const one of part.querySelectorAll(".scroll, .scroll > table")) whereItScrolls.observe(one);
  for (const button of part.querySelectorAll("[data-copy]")) copyWith(button);
  // Times come in UTC; here they are in the reader's zone, and UTC where one points.
  for (const time of part.querySelectorAll("time:not([title])")) {
    time.title = time.textContent;
    time.textContent = inReadersZone(new Date(time.dateTime)).replace("T", " ").slice(0, "seconds" in time.dataset ? 19 : 16);
  }
}

enhance(document);
// What htmx has put into the page.
document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));

// Enter in a field sends the form by its own button, not by that of a search within it, which stands before.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Enter" || event.isComposing || !field.matches("input:not([type=search])")) return;
  const own = field.form?.querySelector("[data-enter]");
  if (!own) return;
  event.preventDefault();
  field.form.requestSubmit(own);
});

// A search that looks as one types says what it has found: how many, or that there is nothing.
document.addEventListener("htmx:afterSwap", () => {
  const found = document.getElementById("found"), told = found?.querySelector("caption") ?? found?.querySelector("p");
  if (told) say(told.textContent.trim());
});
// And that it could not look, in place of what it had found with other words.
const FAILURES = ["htmx:sendError", "htmx:responseError", "htmx:timeout"];
for (const failure of FAILURES) {
  document.addEventListener(failure, ({ detail: { target } }) => {
    if (target.id !== "found") return;
    const said = document.createElement("p");
    said.className = "problem";
    said.setAttribute("role", "alert");
    said.textContent = "The server did not answer. Search again.";
    target.replaceChildren(said);
  });
}

// What is live is read again every ten seconds: where it can be seen, nobody has paused it, somebody has been there lately, so
// that a page which was left open does not keep its session, and nobody is reading in it.
const TICK = 10_000, LATELY = 300_000;
let lastSign = Date.now();
for (const sign of ["pointermove", "keydown", "scroll"]) addEventListener(sign, () => { lastSign = Date.now(); }, { passive: true });

const pause = document.getElementById("pause");
let isPaused = false;

function isReadIn(part) {
  const selected = getSelection();
  return part.querySelector("details[open]") || part.contains(document.activeElement)
    || (!selected.isCollapsed && selected.containsNode(part, true));
}

function tick() {
  for (const part of document.querySelectorAll("[data-live]")) if (!isReadIn(part)) htmx.trigger(part, "tick");
}

setInterval(() => {
  if (!isPaused && !document.hidden && Date.now() - lastSign < LATELY) tick();
}, TICK);

if (pause) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Resume updates" : "Pause updates";
    if (!isPaused) tick();
  });
}

// Who has moved a table sideways finds it there again.
let moved = [];
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  moved = [...target.querySelectorAll(".scroll")].map((table) => table.scrollLeft);
});
document.addEventListener("htmx:afterSwap", () => {
  document.querySelectorAll("[data-live] .scroll").forEach((table, index) => { table.scrollLeft = moved[index] ?? 0; });
});

// What comes late leaves alone what somebody has begun to read, or has paused.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  if (target.matches("[data-live]") && (isPaused || isReadIn(target))) event.detail.shouldSwap = false;
});
// Where it can't be read again it says how old it is. The next answer brings other words.
for (const failure of FAILURES) {
  document.addEventListener(failure, ({ detail: { target } }) => {
    if (!target.matches("[data-live]")) return;
    const told = document.getElementById("as-of");
    told.className = "warn";
    told.firstElementChild.textContent = "The server did not answer. Not updated since";
  });
}

// Where the session has ended, the answer is another page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  if (!target.matches("[data-live], #found") || (xhr.status === 200 && new URL(xhr.responseURL).pathname === location.pathname)) return;
  event.detail.shouldSwap = false;
  if (xhr.status === 200) location.reload();
});

// Moments that are asked for are written in the reader's zone, as all others, and sent in UTC.
for (const field of document.querySelectorAll("[data-utc]")) {
  field.labels[0].querySelector("span").textContent = "your time";
  if (field.defaultValue) field.value = inReadersZone(new Date(`${field.defaultValue}Z`));
  const before = field.value;
  field.form.addEventListener("formdata", ({ formData }) => {
    // Left alone it stays what it was: where clocks are set back, an hour comes twice.
    if (field.value === before) formData.set(field.name, field.defaultValue);
    else if (field.value) formData.set(field.name, new Date(field.value).toISOString().slice(0, 19));
  });
}
