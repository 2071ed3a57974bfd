// Instances and key pairs: what their forms have beyond what works without a script.
"use strict";

// A file is read into a field. What is no text goes there in base64, if the form has a box that says so.
for (const file of document.querySelectorAll("input[type=file][data-into]")) {
  const field = document.getElementById(file.dataset.into);
  const packed = document.getElementById(file.dataset.packed || "");
  const most = Number(file.dataset.most);
  file.closest("[hidden]").hidden = false;
  file.addEventListener("change", async () => {
    const chosen = file.files[0];
    if (!chosen) return;
    let bytes = null;
    let text = null;
    if (chosen.size <= most) {
      bytes = new Uint8Array(await chosen.arrayBuffer());
      try {
        text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
        // A field would make other line breaks of these.
        if (packed && text.includes("\r")) text = null;
      } catch {
        text = null;
      }
    }
    const usable = bytes !== null && (text !== null || packed !== null);
    file.setCustomValidity(usable ? "" : file.dataset.unusable);
    if (!usable) {
      file.reportValidity();
      return;
    }
    if (packed) packed.checked = text === null;
    field.value = text === null ? btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) : text;
    field.focus();
  });
  // The file itself is not sent, so nothing of it may hold the form up.
  file.form.addEventListener("submit", () => file.setCustomValidity(""));
}

// Boxes that were ticked stay so, the focus stays where it was, and what is read is not scrolled away,
// when a list or an output is drawn anew.
for (const part of document.querySelectorAll("[data-live]")) {
  let ticked = [];
  let focus = null;
  let scrolled = null;
  part.addEventListener("part:before", () => {
    ticked = [...part.querySelectorAll("input[type=checkbox]:checked")].map((it) => it.value);
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    focus = held && held.id;
    const output = part.querySelector("[data-follow]");
    scrolled = output && output.scrollTop + output.clientHeight + 8 < output.scrollHeight ? output.scrollTop : null;
  });
  const follow = () => {
    const output = part.querySelector("[data-follow]");
    if (output) output.scrollTop = scrolled === null ? output.scrollHeight : scrolled;
  };
  part.addEventListener("part:after", () => {
    for (const box of part.querySelectorAll("input[name=id]")) box.checked = ticked.includes(box.value);
    const again = focus && document.getElementById(focus);
    if (again) again.focus({ preventScroll: true });
    follow();
    count();
  });
  follow();
}

// One box ticks them all.
const boxes = () => [...document.querySelectorAll("input[name=id][type=checkbox]")];
function count() {
  const every = document.querySelector("[data-every]");
  if (!every) return;
  every.parentElement.hidden = false;
  const all = boxes();
  const ticked = all.filter((box) => box.checked).length;
  every.checked = ticked > 0 && ticked === all.length;
  every.indeterminate = ticked > 0 && ticked < all.length;
}
document.addEventListener("change", (event) => {
  if ("every" in event.target.dataset) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.type === "checkbox") count();
});
count();
