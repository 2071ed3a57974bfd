// Uploads files in parts: several at once, each tried again, going on where an earlier upload has stopped.
// Without it there is a form for one file.
"use strict";

const PART = 16 * 1024 * 1024;
const MOST_PARTS = 10000;
const AT_ONCE = 3;
const TRIES = 6;
const SIGHT = 512;
// Parts that others have sent are gone on with if they have a size that serves here.
const LEAST_PART = 5 * 1024 * 1024;

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const digest = async (blob) =>
  crypto.subtle ? base64(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())) : null;
const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
const query = (fields) => new URLSearchParams(fields).toString();

// Why something was not done; "over" if nobody is signed in any more, "again" if trying again may help.
class Refused extends Error {
  constructor(text, again, over, after = 0) {
    super(text);
    this.after = after;
    this.again = again;
    this.over = over;
  }
}
class Cancelled extends Error {}

// Asks the console; its answer is a document, or the page is one where one signs in.
const ask = (place, method, path, body, { headers = {}, progress = null, file = null } = {}) =>
  new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) if (value) request.setRequestHeader(name, value);
    request.onload = () => {
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        if (request.status === 429) {
          const after = Number(request.getResponseHeader("retry-after")) || 1;
          return fail(new Refused(place.say.failed, true, false, after * 1000));
        }
        const over = request.status < 400 || request.status === 403;
        return fail(new Refused(place.say.failed, !over && request.status >= 500, over));
      }
      if (request.status === 200) return done(answer);
      return fail(new Refused(answer.text, answer.again, false));
    };
    request.onerror = () => fail(new Refused(place.say.failed, true, false));
    request.onabort = () => fail(new Cancelled());
    request.onloadend = () => file && file.requests.delete(request);
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    if (file) {
      if (file.cancelled) return fail(new Cancelled());
      file.requests.add(request);
    }
    request.send(body);
  });

const patiently = async (file, work) => {
  for (let number = 1; ; number += 1) {
    try {
      return await work();
    } catch (error) {
      if (file.cancelled || error instanceof Cancelled) throw new Cancelled();
      if (!error.again || number >= TRIES) throw error;
      file.tell(file.place.say.waiting);
      await pause(Math.max(500 * 2 ** number, error.after));
    }
  }
};

class Upload {
  constructor(place, blob) {
    this.place = place;
    this.blob = blob;
    this.key = place.key || place.prefix + (blob.webkitRelativePath || blob.name);
    this.requests = new Set();
    this.sent = new Map();
    this.cancelled = false;
    this.stop = () => {};
    this.id = null;
    this.draw();
  }

  draw() {
    const { say } = this.place;
    this.row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = this.blob.name;
    this.bar = document.createElement("progress");
    this.bar.max = Math.max(this.blob.size, 1);
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `${say.progress}: ${this.blob.name}`);
    this.state = document.createElement("span");
    this.state.className = "quiet state";
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "second";
    this.row.append(name, this.bar, this.state, this.button);
    this.place.list.append(this.row);
    this.offer(say.cancel, () => this.cancel());
  }

  offer(text, act) {
    this.button.hidden = !text;
    this.button.textContent = text;
    this.button.setAttribute("aria-label", `${text}: ${this.blob.name}`);
    this.button.onclick = act;
  }

  tell(text) {
    this.state.textContent = text;
  }

  show() {
    let all = 0;
    for (const bytes of this.sent.values()) all += bytes;
    const part = Math.min(all / Math.max(this.blob.size, 1), 1);
    this.bar.value = all;
    this.tell(this.place.say.going.replace("{percent}", String(Math.floor(part * 100))));
  }

  async run() {
    const { place } = this;
    const stopped = new Promise((_, fail) => {
      this.stop = () => fail(new Cancelled());
    });
    this.row.dataset.state = "going";
    this.offer(place.say.cancel, () => this.cancel());
    this.tell(place.say.checking);
    try {
      if (place.look) await Promise.race([stopped, this.look()]);
      // Who cancels does not wait for a pause between two tries to end.
      await Promise.race([stopped, this.blob.size <= PART ? this.whole() : this.inParts()]);
      this.bar.value = this.bar.max;
      this.row.dataset.state = "done";
      this.offer("", null);
      this.tell(place.say.done);
      place.told.textContent = `${this.blob.name}: ${place.say.done}`;
      return true;
    } catch (error) {
      for (const request of this.requests) request.abort();
      if (this.cancelled) {
        this.offer("", null);
        await this.giveUp();
        this.showCancelled();
        return false;
      }
      this.row.dataset.state = "failed";
      // What is no answer of the console's is the file's: moved, or changed since it was chosen.
      const text = error instanceof Refused ? (error.over ? place.say.over : error.message) : place.say.unreadable;
      this.tell(text);
      place.told.textContent = `${this.blob.name}: ${text}`;
      this.offer(place.say.again, () => place.enqueue(this));
      return false;
    }
  }

  headers(sha256) {
    return {
      "x-form-token": this.place.token,
      "x-part-sha256": sha256,
      "content-type": this.blob.type || "application/octet-stream",
    };
  }

  // Whether it is what it has to be: what its beginning tells is told before all of it is sent.
  async look() {
    const path = `${this.place.look}?${query({ name: this.blob.name, size: this.blob.size })}`;
    // A file that cannot be read any more is found out here.
    const head = await this.blob.slice(0, SIGHT).arrayBuffer();
    await patiently(this, () =>
      ask(this.place, "POST", path, head, { headers: this.headers(null), file: this }));
  }

  async whole() {
    const sha256 = await digest(this.blob);
    const path = `/uploads/whole?${query({ bucket: this.place.bucket, key: this.key })}`;
    await patiently(this, () =>
      ask(this.place, "POST", path, this.blob, {
        headers: this.headers(sha256),
        file: this,
        progress: (bytes) => {
          this.sent.set(1, bytes);
          this.show();
        },
      }));
  }

  // The parts of an upload that are there already, by their numbers.
  async parts(id) {
    const found = new Map();
    for (let after = 0; after !== null; ) {
      const fields = { bucket: this.place.bucket, key: this.key, upload: id, after };
      const page = await ask(this.place, "GET", `/uploads/parts?${query(fields)}`, null, { file: this });
      for (const part of page.parts) found.set(part.number, part);
      after = page.next;
    }
    return found;
  }

  own_size() {
    return Math.max(PART, Math.ceil(this.blob.size / MOST_PARTS / 1048576) * 1048576);
  }

  // What S3 makes of the digests of an upload's parts, of this file's own.
  async sum(digests) {
    if (digests.includes(null)) return "";
    const bytes = digests.map((it) => Uint8Array.from(atob(it), (c) => c.charCodeAt(0)));
    return digest(new Blob(bytes));
  }

  slice(number) {
    return this.blob.slice((number - 1) * this.size, Math.min(number * this.size, this.blob.size));
  }

  async isSame(part) {
    const slice = this.slice(part.number);
    return slice.size > 0 && slice.size === part.size && part.sha256 === (await digest(slice));
  }

  // Goes on with an open upload of this name whose first part is this file's; else begins one.
  async place_to_go_on() {
    const fields = { bucket: this.place.bucket, key: this.key };
    if (crypto.subtle) {
      const open = await patiently(this, () => ask(this.place, "GET", `/uploads/open?${query(fields)}`, null, { file: this }));
      for (const { id } of open) {
        const found = await patiently(this, () => this.parts(id));
        const first = found.get(1);
        if (!first) continue;
        const most = Math.max(4 * PART, 2 * this.own_size());
        if (first.size < LEAST_PART || first.size > most || this.blob.size > first.size * MOST_PARTS) continue;
        this.size = first.size;
        if (!(await this.isSame(first))) continue;
        return { id, found };
      }
    }
    this.size = this.own_size();
    const body = new URLSearchParams({ ...fields, type: this.blob.type, token_of_form: this.place.token });
    // Not broken off: what was begun has to be known to be given up.
    const begun = await patiently(this, () => ask(this.place, "POST", "/uploads/begin", body));
    return { id: begun.id, found: new Map() };
  }

  async inParts() {
    const { place } = this;
    this.sent.clear();
    const { id, found } = await this.place_to_go_on();
    this.id = id;
    if (this.cancelled) {
      await this.giveUp();
      throw new Cancelled();
    }
    const count = Math.ceil(this.blob.size / this.size);
    const digests = new Array(count).fill(null);
    let next = 1;
    const work = async () => {
      while (next <= count) {
        const number = next;
        next += 1;
        if (this.cancelled) throw new Cancelled();
        const slice = this.slice(number);
        const there = found.get(number);
        const sha256 = await digest(slice);
        digests[number - 1] = sha256;
        if (!there || there.size !== slice.size || there.sha256 !== sha256) {
          const fields = { bucket: place.bucket, key: this.key, upload: id, number };
          await patiently(this, () =>
            ask(place, "POST", `/uploads/part?${query(fields)}`, slice, {
              headers: this.headers(sha256),
              file: this,
              progress: (bytes) => {
                this.sent.set(number, bytes);
                this.show();
              },
            }));
        }
        this.sent.set(number, slice.size);
        this.show();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.tell(place.say.joining);
    const sum = await this.sum(digests);
    const fields = { bucket: place.bucket, key: this.key, upload: id, size: this.blob.size, sum };
    const body = new URLSearchParams({ ...fields, token_of_form: place.token });
    await patiently(this, () => ask(place, "POST", "/uploads/finish", body, { file: this }));
    this.id = null;
  }

  cancel() {
    this.cancelled = true;
    const { queue } = this.place;
    if (queue.includes(this)) {
      queue.splice(queue.indexOf(this), 1);
      return this.showCancelled();
    }
    for (const request of this.requests) request.abort();
    return this.stop();
  }

  // What was sent goes, too. What cannot be given up now stays in the bucket's list of uploads.
  async giveUp() {
    if (!this.id) return;
    // As the forms of the list have it.
    const key = this.key.replace(/[%\r\n\0]/g, encodeURIComponent);
    const fields = { bucket: this.place.bucket, key, upload: this.id };
    const body = new URLSearchParams({ ...fields, token_of_form: this.place.token });
    this.id = null;
    for (let number = 1; number < TRIES; number += 1) {
      try {
        const answer = await fetch("/uploads/abort", { method: "POST", body, redirect: "manual" });
        if (answer.status < 500 && answer.status !== 429) return;
      } catch {
        // The line is broken.
      }
      await pause(500 * 2 ** number);
    }
  }

  showCancelled() {
    this.row.dataset.state = "cancelled";
    this.tell(this.place.say.cancelled);
    this.offer("", null);
  }
}

class Place {
  constructor(part) {
    const { bucket, prefix, key, look, after, token, say } = part.dataset;
    const plain = (text) => text && decodeURIComponent(text);
    Object.assign(this, { bucket, prefix: plain(prefix), key: plain(key), look, after, token, say: JSON.parse(say) });
    this.list = part.querySelector(".uploads");
    this.told = part.querySelector("[role=status]");
    this.queue = [];
    this.busy = false;
    this.clean = true;
    const form = part.querySelector("form");
    const input = part.querySelector("input[type=file]");
    input.multiple = !key;
    part.querySelector("form button").hidden = true;
    input.addEventListener("change", () => {
      this.take(input.files);
      input.value = "";
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const kind of ["dragenter", "dragover"]) {
      part.addEventListener(kind, (event) => {
        event.preventDefault();
        part.classList.add("over");
      });
    }
    for (const kind of ["dragleave", "drop"]) part.addEventListener(kind, () => part.classList.remove("over"));
    part.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take(event.dataTransfer.files);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.busy) event.preventDefault();
    });
  }

  take(files) {
    const all = [...files].slice(0, this.key ? 1 : files.length);
    for (const blob of all) this.enqueue(new Upload(this, blob));
  }

  enqueue(upload) {
    upload.cancelled = false;
    this.queue.push(upload);
    if (!this.busy) this.work();
  }

  async work() {
    this.busy = true;
    let all = true;
    while (this.queue.length > 0) all = (await this.queue.shift().run()) && all;
    this.busy = false;
    const failed = this.list.querySelector("[data-state=failed], [data-state=cancelled]");
    if (!all || failed || !this.after) return;
    sessionStorage.setItem("at-once", this.after);
    location.assign(this.after);
  }
}

for (const part of document.querySelectorAll(".uploader")) new Place(part);
