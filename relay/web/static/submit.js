/* The page that makes hashes of somebody's pictures and sends them, and nothing else. Files are read here and by the
 * worker beside the page; only what `hashesOf` returns is ever put into a request. Nothing is stored in the browser.
 */

import { canBeFilmed, frames } from "./submit-video.js";

const AT_ONCE = 2000;
const form = document.getElementById("submit");
const list = document.getElementById("files");
const summary = document.getElementById("summary");
const send = document.getElementById("send");
const trouble = document.getElementById("trouble");

const STATES = {
  waiting: "Waiting …",
  working: "Making its fingerprint …",
  both: "Ready. Changed copies can be found, too.",
  plain: "Ready. There is too little in it to recognise changed copies: only exact copies can be found.",
  shut: "Ready, for exact copies only: your browser cannot open it. A copy in another format, such as JPEG, can do more.",
  noisy: "Ready, for exact copies only: your browser hides pictures from websites. Another browser can do more.",
  failed: "This file could not be read. It may have been moved; you can add it again.",
  other: "This is no picture or video, so nothing was made of it.",
};
const READY = new Set(["both", "plain", "shut", "noisy"]);

/** One for each file that was chosen: what became of it, and its hashes. */
const entries = new Map();
const waiting = [];
let isWorking = false;
let lastId = 0;

// ---------------------------------------------------------------- making hashes

const worker = new Worker(new URL("./submit-worker.js", import.meta.url), { type: "module" });
const answers = new Map();
worker.onmessage = ({ data }) => {
  answers.get(data.id)(data);
  answers.delete(data.id);
};
worker.onerror = () => {
  for (const [id, answer] of answers) answer({ id, failed: true });
  answers.clear();
};

function ask(task, sent, transfer = []) {
  lastId += 1;
  const id = lastId;
  return new Promise((resolve) => {
    answers.set(id, resolve);
    worker.postMessage({ id, task, ...sent }, transfer);
  });
}

const honest = ask("honest", {}).then((answer) => answer.honest === true);

function add(files) {
  for (const file of files) {
    const key = Symbol(file.name);
    const isMedia = /^(image|video)\//.test(file.type) || /\.(heic|heif|avif|jxl|mkv)$/i.test(file.name);
    entries.set(key, { file, state: isMedia ? "waiting" : "other", hashes: [], row: rowOf(key, file.name) });
    show(key);
    if (isMedia) waiting.push(key);
  }
  list.hidden = entries.size === 0;
  work();
}

async function work() {
  if (isWorking) return;
  isWorking = true;
  for (let key = waiting.shift(); key; key = waiting.shift()) {
    const entry = entries.get(key);
    if (!entry) continue; // it was removed meanwhile
    entry.state = "working";
    show(key);
    Object.assign(entry, await hashesOf(entry.file, (share) => progress(entry, share)));
    entry.file = null;
    show(key);
  }
  isWorking = false;
  summarise();
}

/** What the file is known by: never its name, its bytes, or anything else that is in it. */
async function hashesOf(file, onProgress) {
  const isFilm = file.type.startsWith("video/") && canBeFilmed(file);
  const found = await ask(isFilm ? "digest" : "picture", { file });
  if (found.failed) return { state: "failed", hashes: [] };
  let { pdq = [], opened = false } = found;
  if (isFilm) {
    for await (const frame of frames(file, onProgress)) {
      opened = true;
      pdq.push(...((await ask("frame", { frame }, [frame])).pdq ?? []));
    }
  }
  if (!(await honest)) pdq = [];
  const hashes = [
    { algorithm: "sha256", value: found.sha256 },
    ...pdq.map(({ value, quality }) => ({ algorithm: "pdq", value, quality })),
  ];
  if (!(await honest)) return { state: "noisy", hashes };
  if (!opened) return { state: "shut", hashes };
  return { state: pdq.length > 0 ? "both" : "plain", hashes };
}

// ---------------------------------------------------------------- showing

function rowOf(key, name) {
  const row = document.createElement("li");
  const text = document.createElement("div");
  const title = document.createElement("p");
  const state = document.createElement("p");
  const remove = document.createElement("button");
  title.className = "name";
  title.textContent = name;
  state.className = "state";
  remove.type = "button";
  remove.className = "plain";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${name}`);
  remove.addEventListener("click", () => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    entries.delete(key);
    row.remove();
    list.hidden = entries.size === 0;
    (next?.querySelector("button") ?? document.getElementById("choose")).focus();
    summarise();
  });
  text.append(title, state);
  row.append(text, remove);
  list.append(row);
  return row;
}

function show(key) {
  const entry = entries.get(key);
  if (!entry) return;
  entry.row.dataset.state = entry.state;
  entry.row.querySelector(".state").textContent = STATES[entry.state];
  summarise();
}

function progress(entry, share) {
  entry.row.querySelector(".state").textContent = `${STATES.working} ${Math.round(100 * share)} %`;
}

function summarise() {
  const all = [...entries.values()];
  const ready = all.filter((one) => READY.has(one.state)).length;
  const open = all.filter((one) => one.state === "waiting" || one.state === "working").length;
  if (all.length === 0) summary.textContent = "No files chosen yet.";
  else if (open > 0) summary.textContent = `${ready} of ${all.length} ready. You can add more meanwhile.`;
  else summary.textContent = ready === all.length ? `All ${ready} ready.` : `${ready} of ${all.length} ready.`;
  send.disabled = open > 0 || ready === 0;
}

// ---------------------------------------------------------------- sending

async function submit(event) {
  event.preventDefault();
  if (send.disabled || !form.reportValidity()) return;
  const hashes = distinct([...entries.values()].flatMap((one) => one.hashes));
  send.disabled = true;
  trouble.hidden = true;
  try {
    let answer = null;
    while (hashes.length > 0) {
      const part = hashes.slice(0, AT_ONCE);
      summary.textContent = `Sending … ${hashes.length} fingerprints left.`;
      answer = await post(part);
      hashes.splice(0, part.length);
      form.dataset.to = answer.link;
    }
    done(answer);
  } catch (error) {
    trouble.textContent = `${error.message} Nothing is lost: your files are still listed, and you can try again.`;
    trouble.hidden = false;
    trouble.focus();
    summarise();
  }
}

function distinct(hashes) {
  return [...new Map(hashes.map((one) => [`${one.algorithm} ${one.value}`, one])).values()];
}

/** Send one part; wait as long as the relay asks for when many people send at the same time. */
async function post(hashes) {
  const to = form.dataset.to;
  const about = form.elements.about?.value;
  for (;;) {
    const answer = await fetch(to ? `${new URL(to, location.href).pathname}/hashes` : form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(to ? { hashes } : { about, hashes }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
    }).catch(() => {
      throw new Error("This device could not reach the relay.");
    });
    if (answer.ok) return answer.json();
    if (answer.status !== 429 && answer.status !== 503) {
      const problem = await answer.json().catch(() => ({}));
      throw new Error(problem.detail ?? `The relay answered ${answer.status}.`);
    }
    const seconds = Math.min(Number(answer.headers.get("Retry-After")) || 30, 600);
    for (let left = seconds; left > 0; left -= 1) {
      summary.textContent = `The relay is busy. It goes on by itself in ${left} s; please leave this page open.`;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function done(answer) {
  entries.clear();
  worker.terminate();
  form.hidden = true;
  const result = document.getElementById("result");
  document.getElementById("number").textContent = answer.number;
  document.getElementById("count").textContent = answer.hashes;
  document.getElementById("link").value = answer.link;
  document.getElementById("open").href = answer.link;
  result.hidden = false;
  result.focus();
}

// ---------------------------------------------------------------- the page

const picker = document.getElementById("choose");
picker.addEventListener("change", () => {
  add(picker.files);
  picker.value = "";
});
form.addEventListener("submit", submit);

const drop = document.getElementById("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  add(event.dataTransfer.files);
});
// A file that misses the field would be opened by the browser, and the page with all its work would be gone.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());

const link = document.getElementById("link");
link.addEventListener("focus", () => link.select());
const copy = document.getElementById("copy");
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async (event) => {
  link.select();
  await navigator.clipboard.writeText(link.value);
  event.target.textContent = "Copied";
});

form.hidden = false;
summarise();
