"use strict";

const list = document.getElementById("items");
const message = document.getElementById("message");
const key = document.getElementById("key");

function say(text, wrong = false) {
  message.textContent = text;
  message.className = wrong ? "wrong" : "";
}

async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (key.value) headers.Authorization = "Bearer " + key.value;
  const response = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

function setImage(item, file) {
  const picture = item.querySelector("img");
  if (picture.src) URL.revokeObjectURL(picture.src);
  item.file = file;
  picture.hidden = !file;
  picture.alt = file ? file.name || "image" : "";
  item.querySelector(".picker").classList.toggle("has", Boolean(file));
  item.querySelector(".clear").hidden = !file;
  if (file) picture.src = URL.createObjectURL(file);
  else {
    picture.removeAttribute("src");
    item.querySelector("input[type=file]").value = "";
  }
}

function addItem(text = "") {
  const item = document.getElementById("item").content.firstElementChild.cloneNode(true);
  item.querySelector("textarea").value = text;
  item.querySelector("input[type=file]").addEventListener("change", (event) => setImage(item, event.target.files[0]));
  item.querySelector(".clear").addEventListener("click", () => setImage(item, null));
  item.querySelector(".remove").addEventListener("click", () => {
    setImage(item, null);
    item.remove();
  });
  item.addEventListener("dragover", (event) => {
    event.preventDefault();
    item.classList.add("over");
  });
  item.addEventListener("dragleave", () => item.classList.remove("over"));
  item.addEventListener("drop", (event) => {
    event.preventDefault();
    item.classList.remove("over");
    const file = [...event.dataTransfer.files].find((candidate) => candidate.type.startsWith("image/"));
    if (file) setImage(item, file);
  });
  item.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((candidate) => candidate.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    setImage(item, file);
  });
  list.append(item);
  return item;
}

function asDataAddress(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

async function readItems() {
  const items = [];
  for (const item of list.children) {
    const text = item.querySelector("textarea").value.trim();
    if (!text && !item.file) continue;
    const entry = {};
    if (text) entry.text = text;
    if (item.file) entry.image = await asDataAddress(item.file);
    items.push({ entry, label: text, source: item.file ? item.querySelector("img").src : "" });
  }
  return items;
}

function cosine(a, b) {
  let dot = 0, left = 0, right = 0;
  for (let i = 0; i < a.length; ++i) {
    dot += a[i] * b[i];
    left += a[i] * a[i];
    right += b[i] * b[i];
  }
  return left > 0 && right > 0 ? dot / Math.sqrt(left * right) : 0;
}

function heading(item, index, scope) {
  const cell = document.createElement("th");
  cell.scope = scope;
  if (item.source) {
    const picture = document.createElement("img");
    picture.src = item.source;
    picture.alt = "";
    cell.append(picture);
  }
  cell.append(item.label || `image ${index + 1}`);
  cell.title = item.label;
  return cell;
}

function showSimilarities(items, vectors) {
  const table = document.getElementById("similarities");
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  head.append(document.createElement("td"));
  items.forEach((item, index) => head.append(heading(item, index, "col")));
  const body = table.createTBody();
  vectors.forEach((vector, index) => {
    const row = body.insertRow();
    row.append(heading(items[index], index, "row"));
    vectors.forEach((other) => {
      const similarity = cosine(vector, other);
      const cell = row.insertCell();
      cell.textContent = similarity.toFixed(3);
      cell.style.setProperty("background-color", `rgba(var(--cell), ${(Math.max(0, similarity) * 0.45).toFixed(3)})`);
    });
  });
}

function showVectors(items, data) {
  const place = document.getElementById("vectors");
  place.replaceChildren();
  data.forEach((entry, index) => {
    const title = document.createElement("p");
    title.textContent = `${items[index].label || `image ${index + 1}`}: ${entry.embedding.length} numbers, ${entry.tokens} tokens`;
    const numbers = document.createElement("pre");
    numbers.textContent = entry.embedding.slice(0, 32).map((value) => value.toFixed(5)).join(" ") + (entry.embedding.length > 32 ? " …" : "");
    place.append(title, numbers);
  });
}

async function compare() {
  const items = await readItems();
  if (items.length === 0) return say("Give at least one text or image.", true);
  say("Computing…");
  const begin = performance.now();
  const request = { model: document.getElementById("models").value, items: items.map((item) => item.entry) };
  const prompt = document.getElementById("prompt").value.trim();
  if (prompt) request.prompt = prompt;
  const answer = await ask("/v1/embed", request);
  say(`${items.length} ${items.length === 1 ? "vector" : "vectors"} in ${((performance.now() - begin) / 1000).toFixed(2)} s, ${answer.usage.total_tokens} tokens`);
  showSimilarities(items, answer.data.map((entry) => entry.embedding));
  showVectors(items, answer.data);
  document.getElementById("result").hidden = false;
}

async function showModels() {
  const answer = await ask("/v1/models");
  const choice = document.getElementById("models");
  choice.replaceChildren(...answer.data.map((model) => new Option(model.id, model.id)));
  document.getElementById("model").textContent = answer.data
    .map((model) => `${model.id}: ${model.dimensions} dimensions, ${model.compute}, up to ${model.max_model_len} tokens`).join("; ");
}

function guarded(work) {
  return () => work().catch((error) => say(error.message, true));
}

document.getElementById("add").addEventListener("click", () => addItem().querySelector("textarea").focus());
document.getElementById("compare").addEventListener("click", guarded(compare));
key.addEventListener("change", guarded(showModels));
list.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) guarded(compare)();
});
addItem("a cat");
addItem("a dog on a beach");
guarded(showModels)();
