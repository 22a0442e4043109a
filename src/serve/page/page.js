"use strict";

const byId = (id) => document.getElementById(id);
const list = byId("items");
let models = [];

/** An error of the server: its message, and the field of the request that it names. */
class Refusal extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (byId("key").value) headers.Authorization = "Bearer " + byId("key").value;
  const request = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
  const response = await fetch(path, request).catch(() => { throw new Error("The server does not answer."); });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401) byId("key").focus();
  const error = answer.error || {};
  throw new Refusal(error.message || `The server answered with status ${response.status}.`, error.param);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Items

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
    item.querySelector("input").value = "";
  }
}

/** Gives the first file to an item, and each further one to an item of its own. */
function setImages(item, files) {
  const images = [...files].filter((file) => file.type.startsWith("image/"));
  images.forEach((file, index) => setImage(index === 0 ? item : addItem(), file));
  return images.length > 0;
}

function removeItem(item) {
  const neighbour = item.nextElementSibling || item.previousElementSibling;
  setImage(item, null);
  item.remove();
  (neighbour ? neighbour.querySelector(".remove") : byId("add")).focus();
}

function addItem(text = "") {
  const item = byId("item").content.firstElementChild.cloneNode(true);
  item.querySelector("textarea").value = text;
  item.querySelector("input").addEventListener("change", (event) => setImages(item, event.target.files));
  item.querySelector(".clear").addEventListener("click", () => {
    setImage(item, null);
    item.querySelector("input").focus();
  });
  item.querySelector(".remove").addEventListener("click", () => removeItem(item));
  item.addEventListener("dragover", (event) => {
    event.preventDefault();
    item.classList.add("over");
  });
  item.addEventListener("dragleave", () => item.classList.remove("over"));
  item.addEventListener("drop", (event) => {
    item.classList.remove("over");
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    setImages(item, event.dataTransfer.files);
  });
  item.addEventListener("paste", (event) => {
    if (setImages(item, event.clipboardData.files)) event.preventDefault();
  });
  list.append(item);
  return item;
}

function asDataAddress(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(`${file.name || "The image"} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

/** The items that hold something: what the server is asked, and how they are shown. */
async function readItems() {
  const items = [];
  for (const place of list.children) {
    const text = place.querySelector("textarea").value.trim();
    if (!text && !place.file) continue;
    const entry = {};
    if (text) entry.text = text;
    if (place.file) entry.image = await asDataAddress(place.file);
    items.push({ entry, place, label: text || place.file.name || `image ${items.length + 1}`, file: place.file });
  }
  return items;
}

// Results

function cosine(a, b) {
  let dot = 0, left = 0, right = 0;
  for (let i = 0; i < a.length; ++i) {
    dot += a[i] * b[i];
    left += a[i] * a[i];
    right += b[i] * b[i];
  }
  return left > 0 && right > 0 ? dot / Math.sqrt(left * right) : 0;
}

function nameOf(item) {
  const name = element("div", { className: "name", title: item.label });
  if (item.source) name.append(element("img", { src: item.source, alt: "" }));
  name.append(element("span", {}, item.label));
  return name;
}

function showRanking(items, vectors) {
  const query = Number(byId("query").value);
  const others = items.map((item, index) => ({ item, similarity: cosine(vectors[query], vectors[index]), index }))
    .filter((other) => other.index !== query).sort((a, b) => b.similarity - a.similarity);
  byId("ranking").replaceChildren(...others.map(({ item, similarity }) => {
    const bar = element("span", { className: similarity < 0 ? "bar negative" : "bar" });
    bar.style.setProperty("width", `${Math.abs(similarity) * 100}%`);
    return element("li", {}, nameOf(item), element("div", { className: "track" }, bar),
      element("span", { className: "number" }, similarity.toFixed(3)));
  }));
}

function showMatrix(items, vectors) {
  const table = byId("similarities");
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  head.append(element("td"), ...items.map((item) => element("th", { scope: "col" }, nameOf(item))));
  const body = table.createTBody();
  vectors.forEach((vector, index) => {
    const row = body.insertRow();
    row.append(element("th", { scope: "row" }, nameOf(items[index])));
    for (const other of vectors) {
      const similarity = cosine(vector, other);
      const cell = row.insertCell();
      cell.textContent = similarity.toFixed(3);
      cell.style.setProperty("background-color",
        `rgba(var(${similarity < 0 ? "--far" : "--near"}), ${(Math.abs(similarity) * 0.45).toFixed(3)})`);
    }
  });
}

function showVectors(items, data) {
  byId("vectors").replaceChildren(...data.map((entry, index) => element("details", {},
    element("summary", {}, items[index].label,
      element("span", { className: "hint" }, `${entry.embedding.length} numbers from ${entry.tokens} tokens`)),
    element("pre", { tabIndex: 0 }, JSON.stringify(entry.embedding)))));
}

let sources = [];

function show(items, data) {
  sources.forEach((source) => URL.revokeObjectURL(source));
  for (const item of items) item.source = item.file ? URL.createObjectURL(item.file) : "";
  sources = items.map((item) => item.source).filter(Boolean);
  const vectors = data.map((entry) => entry.embedding);
  const before = byId("query").value;
  byId("query").replaceChildren(...items.map((item, index) => new Option(`${index + 1}. ${item.label}`, index)));
  if (Number(before) < items.length) byId("query").value = before || "0";
  byId("query").onchange = () => showRanking(items, vectors);
  showRanking(items, vectors);
  showMatrix(items, vectors);
  showVectors(items, data);
  byId("ranking-section").hidden = byId("matrix-section").hidden = items.length < 2;
  byId("result").hidden = false;
}

// The form

function showError(error, items = []) {
  byId("status").textContent = "";
  byId("error").textContent = error ? error.message : "";
  byId("error").hidden = !error;
  if (error) byId("result").hidden = true;  // it would be that of another request
  for (const item of list.children) item.classList.remove("wrong");
  const found = /^items\[(\d+)\]/.exec((error && error.field) || "");
  const wrong = found && items[Number(found[1])];
  if (!wrong) return;
  wrong.place.classList.add("wrong");
  const message = error.message.replace(/^items\[\d+\]: /, "");
  byId("error").textContent = `Item ${[...list.children].indexOf(wrong.place) + 1}: ${message}`;
}

async function compare() {
  const items = await readItems();
  if (items.length === 0) throw new Error("Give at least one text or one image.");
  const request = { model: byId("models").value, items: items.map((item) => item.entry) };
  const prompt = byId("prompt").value === "template" ? byId("template").value : byId("prompt").value;
  if (prompt) request.prompt = prompt;
  const begin = performance.now();
  const answer = await ask("/v1/embed", request).catch((error) => { throw Object.assign(error, { items }); });
  const time = performance.now() - begin;
  show(items, answer.data);
  byId("status").textContent =
    `${items.length} ${items.length === 1 ? "vector" : "vectors"} from ${answer.usage.total_tokens} tokens in ${time < 1000 ? `${Math.ceil(time)} ms` : `${(time / 1000).toFixed(1)} s`}`;
}

async function submit() {
  if (byId("compare").disabled) return;
  showError(null);
  byId("compare").disabled = true;
  byId("status").textContent = "Computing…";
  try {
    await compare();
  } catch (error) {
    showError(error, error.items);
  }
  byId("compare").disabled = false;
}

function showFacts() {
  const model = models.find((one) => one.id === byId("models").value);
  if (!model) return;
  const facts = [["Dimensions", model.dimensions], ["Context", `${model.max_model_len.toLocaleString("en")} tokens`],
    ["Arithmetic", model.compute]];
  byId("facts").replaceChildren(...facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
}

async function showModels() {
  try {
    models = (await ask("/v1/models")).data;
    byId("models").replaceChildren(...models.map((model) => new Option(model.id, model.id)));
    showFacts();
    showError(null);
  } catch (error) {
    showError(error);
  }
}

byId("add").addEventListener("click", () => addItem().querySelector("textarea").focus());
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
byId("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
});
byId("models").addEventListener("change", showFacts);
byId("prompt").addEventListener("change", () => {
  byId("template-label").hidden = byId("prompt").value !== "template";
});
byId("key").addEventListener("change", showModels);
addItem("a cat");
addItem("a dog on a beach");
showModels();
