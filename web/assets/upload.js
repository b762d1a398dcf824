// The upload page: takes files by choice, drop and paste, and works them off.

import { announce, copy } from "./site.js";
import { Card } from "./card.js";
import { untilChecked, upload } from "./transfer.js";
import { byteSize, snippets } from "./words.js";

// Two at a time keep the line busy while one is being checked.
const ACTIVE_MAX = 2;

const part = (name) => document.querySelector(`[data-${name}]`);
const form = part("upload-form");
const bytesMax = Number(form.dataset.bytesMax);
const filesMax = Number(form.dataset.filesMax);

const queued = [];
const results = new Map();
let active = 0;
let failed = 0;

function add(files, remark = "") {
  const accepted = files.slice(0, filesMax);
  const cut = `Only the first ${filesMax} of ${files.length} files were taken.`;
  part("note").textContent = accepted.length < files.length ? cut : remark;
  if (accepted.length === 0) return;
  document.body.classList.add("working");
  part("promises").hidden = true;
  part("queue").hidden = false;
  for (const file of accepted) addOne(file);
  workOff();
}

function addOne(file) {
  const card = new Card(part("card-template"), file);
  part("cards").append(card.element);
  const job = { file, card, leave: new AbortController() };
  card.onCancel(() => cancel(job));
  card.onRetry(() => {
    failed -= 1;
    job.leave = new AbortController();
    card.showQueued();
    queued.push(job);
    workOff();
  });
  const problem = problemWith(file);
  if (problem) fail(job, problem, false);
  else queued.push(job);
}

function cancel(job) {
  job.leave.abort();
  const position = queued.indexOf(job);
  if (position < 0) return;
  queued.splice(position, 1);
  fail(job, "Cancelled.", true);
  showSummary();
}

// What the server would refuse anyway, said before anything is sent.
function problemWith(file) {
  if (file.size === 0) return "This file is empty.";
  if (file.size > bytesMax) return `This file is larger than ${byteSize(bytesMax)}.`;
  if (file.type && !file.type.startsWith("image/")) return "This file is not an image.";
  return null;
}

function workOff() {
  while (active < ACTIVE_MAX && queued.length > 0) {
    active += 1;
    run(queued.shift()).finally(() => {
      active -= 1;
      workOff();
    });
  }
  showSummary();
}

async function run(job) {
  const { file, card, leave } = job;
  const watch = {
    sending: (sent, total) => card.showSending(sent, total),
    checking: () => card.showChecking(),
    waiting: (seconds, attempt, attempts) => card.showWaiting(seconds, attempt, attempts),
  };
  try {
    leave.signal.throwIfAborted();
    card.showPreview();
    card.showSending(0, file.size);
    const image = await upload(file, watch, leave.signal);
    succeed(card, image);
  } catch (error) {
    if (leave.signal.aborted) fail(job, "Cancelled.", true);
    else fail(job, error.message, error.mayRetry ?? true);
  }
}

function succeed(card, image) {
  results.set(card.element, image);
  card.showResult(image);
  openSnippetsOfTheOnlyImage();
  announce(`${card.name} is uploaded.`);
  if (image.state === "pending") watchCheck(card, image);
}

async function watchCheck(card, image) {
  const known = await untilChecked(image);
  if (known.state === "pending") return;
  results.set(card.element, known);
  card.showResult(known);
  announce(`${card.name} is checked.`);
}

function fail(job, text, mayRetry) {
  failed += 1;
  job.card.showFailure(text, mayRetry);
  announce(`${job.card.name}: ${text}`);
}

// One image has room for all its snippets; a list of them stays short.
function openSnippetsOfTheOnlyImage() {
  const cards = part("cards").children;
  for (const card of cards) card.querySelector("[data-more]").open = cards.length === 1;
}

function showSummary() {
  const total = part("cards").children.length;
  const counts = results.size === total ? total : `${results.size} of ${total}`;
  const noun = total === 1 ? "image" : "images";
  const leftOut = failed > 0 ? `, ${failed} left out` : "";
  part("summary").textContent = `${counts} ${noun} uploaded${leftOut}`;
  part("copy-all").hidden = results.size < 2;
}

part("copy-all-button").addEventListener("click", (event) => {
  const kind = part("copy-all-kind").value;
  const shown = [...part("cards").children].map((element) => results.get(element));
  const texts = shown.filter(Boolean).map((image) => snippets(image)[kind]);
  copy(texts.join("\n"), event.currentTarget);
});

const input = form.elements.file;
input.multiple = true;
input.addEventListener("change", () => {
  add([...input.files]);
  input.value = "";
});

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.add("dragging");
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});

document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.remove("dragging");
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  // A folder arrives as a file that cannot be read.
  const files = items.filter((item) => !item.webkitGetAsEntry()?.isDirectory);
  const remark = files.length < items.length ? "Folders are not taken, only files." : "";
  add(files.map((item) => item.getAsFile()), remark);
});

document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length === 0) return;
  event.preventDefault();
  add(files);
});

addEventListener("beforeunload", (event) => {
  if (active > 0 || queued.length > 0) event.preventDefault();
});
