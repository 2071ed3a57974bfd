// What makes pages comfortable; all of them work without it.
"use strict";

// Asks before what cannot be undone.
document.addEventListener("submit", (event) => {
  const sure = (event.submitter && event.submitter.dataset.sure) || event.target.dataset.sure;
  if (sure && !window.confirm(sure)) {
    event.preventDefault();
    return;
  }
  // Nothing is sent twice by an impatient hand; a file may be had again.
  if (event.target.method === "post" && !("again" in event.target.dataset)) {
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    event.target.dataset.sent = "1";
  }
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Puts what stands behind the # of a link into the form, and takes it out of the address.
const parts = document.querySelectorAll("[data-part]");
if (parts.length && location.hash.length > 1) {
  const text = location.hash.slice(1);
  const cut = text.lastIndexOf("/");
  const values = cut < 0 ? [text] : [text.slice(0, cut), text.slice(cut + 1)];
  for (const field of parts) field.value = values[Number(field.dataset.part)] || "";
  history.replaceState(null, "", location.pathname + location.search);
}

// Goes on to a page that a foreign site has linked to, now that one of our own pages asks for it.
const onward = document.querySelector("[data-onward]");
if (onward) {
  const path = onward.dataset.onward;
  location.replace(path + (path.includes("?") ? "&" : "?") + "onward=1" + location.hash);
}

// What a link said behind its # is not lost by signing in.
const next = document.querySelector("[name=next]");
if (next && location.hash.length > 1) next.value = (next.value || "/") + location.hash;

// Follows what happens, as long as somebody looks.
for (const part of document.querySelectorAll("[data-live]")) {
  const told = part.nextElementSibling;
  let source = null;
  let mark = part.dataset.mark;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(part.dataset.live);
    source.addEventListener("part", (event) => {
      if (event.lastEventId === mark) return;
      mark = event.lastEventId;
      const held = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      // What was opened stays open.
      const opened = [...part.querySelectorAll("details")].map((it) => it.open);
      part.dispatchEvent(new Event("part:before"));
      part.innerHTML = event.data;
      part.querySelectorAll("details").forEach((it, at) => { it.open = opened[at] || false; });
      part.dispatchEvent(new Event("part:after"));
      if (held !== null) {
        const again = [...part.querySelectorAll("a")].find((it) => it.getAttribute("href") === held);
        if (again) again.focus();
      }
      part.dataset.updated = mark;
      if (told) told.textContent = part.dataset.said;
    });
    source.addEventListener("over", () => {
      source.close();
      location.reload();
    });
  };
  const close = () => {
    if (source) source.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  open();
}

// A menu that is open is closed by Escape, and by choosing.
const menu = document.querySelector("details.menu");
if (menu) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

// Goes on by itself with what a page of ours has just begun. A link that somebody has made does not.
const at_once = document.querySelector("[data-at-once] form");
if (at_once && sessionStorage.getItem("at-once") === location.pathname + location.search) {
  sessionStorage.removeItem("at-once");
  at_once.requestSubmit();
}

// Lines of commands are copied at once.
for (const line of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "second copy";
  button.textContent = line.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(line.textContent);
    button.textContent = line.dataset.copied;
    window.setTimeout(() => (button.textContent = line.dataset.copy), 2000);
  });
  line.before(button);
}
