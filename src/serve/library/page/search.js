// The form of the search: its state is in the address, except for an image of one's own.
import { ask, byId, counted, element, Refusal, showImage, thumbnail } from "/library/server.js";
import { Grid } from "/library/grid.js";

const PAGE = 60;
const FILTERS = ["from", "to", "camera", "folder", "orientation", "rating"];

export const grid = new Grid();
let state = { text: "", like: "", plus: [], minus: [], filter: {} };
let image = null;  // a File
let asked = null, running = null;

/** An image as what the server takes. */
function asDataAddress(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(`${file.name || "The image"} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

function stateOf(parameters) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name)]).filter(([, value]) => value));
  return { text: parameters.get("text") || "", like: parameters.get("like") || "", plus: parameters.getAll("plus"),
    minus: parameters.getAll("minus"), filter };
}

export function addressOfSearch({ text = "", like = "", plus = [], minus = [], filter = {} }) {
  const parameters = new URLSearchParams();
  if (text) parameters.set("text", text);
  if (like) parameters.set("like", like);
  for (const word of plus) parameters.append("plus", word);
  for (const word of minus) parameters.append("minus", word);
  for (const [name, value] of Object.entries(filter)) parameters.set(name, value);
  const query = parameters.toString();
  return query ? `#/?${query}` : "#/";
}

async function requestOf() {
  const request = { top: PAGE };
  if (state.text) request.text = state.text;
  if (state.like) request.like = state.like;
  else if (image) request.image = await asDataAddress(image);
  for (const list of ["plus", "minus"]) if (state[list].length > 0) request[list] = state[list];
  const { rating, ...filter } = state.filter;
  if (rating) filter.min_rating = Number(rating);
  if (Object.keys(filter).length > 0) request.filter = filter;
  return request;
}

const hasImage = () => Boolean(state.like || image);

function describe(answer, time) {
  const filtered = Object.keys(state.filter).length > 0;
  const searched = counted(answer.searched, "photo") + (filtered ? " that the filters let through" : "");
  if (!state.text && !hasImage() && state.plus.length + state.minus.length === 0)
    return answer.searched === 0 ? "No photo is in the library or passes the filters." : searched + (answer.photos[0].taken ? ", the newest first" : "");
  const scored = answer.photos[0] && answer.photos[0].percentile !== undefined
    ? "with their cosines and the share of unrelated queries that score lower" : "with their cosines";
  return `The best matches among ${searched}, ${scored} (${time} ms)`;
}

function showForm() {
  byId("text").value = state.text;
  byId("text").placeholder = hasImage() ? "what is to be different" : "a dog on a beach";
  byId("text").ariaLabel = hasImage() ? "What is to be different from the image" : "Words to search with";
  byId("hint").textContent = !hasImage() ? ""
    : state.text ? "Photos like the image, as the words change it" : "Photos like the image. Words say what is to be different.";
  byId("query-image").hidden = !hasImage();
  const picture = byId("query-picture");
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
  if (state.like) {
    picture.alt = "the photo to search with";
    showImage(picture, thumbnail(state.like));
  } else if (image) {
    picture.alt = image.name || "the image to search with";
    picture.src = URL.createObjectURL(image);
  } else picture.removeAttribute("src");
  const chip = (list, sign, what) => (word) => element("li", {}, element("button", {
    type: "button", ariaLabel: `Remove: ${what} ${word}`, title: "Remove", onclick: () => change({ [list]: state[list].filter((one) => one !== word) }) },
  `${sign} ${word} ×`));
  byId("chips").replaceChildren(...state.plus.map(chip("plus", "+", "more of")), ...state.minus.map(chip("minus", "−", "less of")));
  byId("chips").hidden = byId("chips").children.length === 0;
  for (const name of FILTERS) byId(name).value = state.filter[name] || "";
  const filters = Object.keys(state.filter).length;
  byId("filters-button").textContent = filters ? `Filters (${filters})` : "Filters";
  byId("clear").hidden = !(state.text || hasImage() || state.plus.length || state.minus.length || filters);
}

/** Changes a part of the state and searches. */
function change(part) {
  state = { ...state, ...part };  // another change may come before the address is read again
  const address = addressOfSearch(state);
  if (location.hash === address || (address === "#/" && location.hash === "")) run(true);
  else location.hash = address;
}

function setImage(file) {
  if (file && !file.type.startsWith("image/")) return showError(new Error(`Expected an image, found ${file.name || file.type}.`));
  image = file;
  byId("file").value = "";
  asked = null;
  change({ like: "" });
}

let showError = () => {};

/** Searches for what the address says, unless its photos are shown already. */
async function run(again = false) {
  const key = location.hash;
  showForm();
  if (!again && asked === key) return;
  if (running) running.abort();
  const own = running = new AbortController();
  byId("status").textContent = "Searching…";
  try {
    const request = await requestOf();
    const begin = performance.now();
    const answer = await ask("/library/search", request, own.signal);
    showError(null);
    asked = key;
    byId("status").textContent = describe(answer, Math.ceil(performance.now() - begin));
    grid.show(answer.photos, PAGE, async (offset) => (await ask("/library/search", { ...request, offset })).photos);
  } catch (error) {
    if (error.name === "AbortError") return;
    byId("status").textContent = "";
    grid.show([], PAGE, null);
    asked = null;
    showError(error);
    if (error instanceof Refusal && /^filter\./.test(error.field || "")) byId("filters").hidden = false;
  }
}

export function showSearch(parameters) {
  state = stateOf(parameters);
  if (state.like) image = null;
  run();
}

/** Fills the lists of the filters. */
export function offerFilters(info) {
  const fill = (name, counts, label) => byId(name).append(...counts.map(({ value, photos }) => new Option(`${label(value)} (${photos})`, value)));
  fill("camera", info.cameras, (value) => value);
  fill("folder", info.folders, (value) => value);
  const dated = Boolean(info.first);
  const offered = { from: dated, to: dated, camera: info.cameras.length > 0, rating: info.ratings };
  for (const [name, useful] of Object.entries(offered)) byId(name).parentElement.hidden = !useful && !state.filter[name];
  if (dated) byId("from").placeholder = info.first, byId("to").placeholder = info.last;
  for (const name of ["camera", "folder"]) byId(name).value = state.filter[name] || "";
}

function addTerm(list) {
  const word = byId("term").value.trim();
  if (!word) return byId("term").focus();
  byId("term").value = "";
  const other = list === "plus" ? "minus" : "plus";
  change({ text: byId("text").value.trim(), [list]: [...state[list].filter((one) => one !== word), word], [other]: state[other].filter((one) => one !== word) });
}

function takeFiles(event, files) {
  const found = [...files].find((file) => file.type.startsWith("image/"));
  if (!found) return;
  event.preventDefault();
  setImage(found);
}

export function startSearch(report) {
  showError = report;
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (document.activeElement === byId("term") && byId("term").value.trim()) return addTerm("plus");
    change({ text: byId("text").value.trim() });
  });
  byId("file").addEventListener("change", (event) => { if (event.target.files[0]) setImage(event.target.files[0]); });
  byId("remove-image").addEventListener("click", () => {
    setImage(null);
    byId("text").focus();
  });
  byId("plus").addEventListener("click", () => addTerm("plus"));
  byId("minus").addEventListener("click", () => addTerm("minus"));
  byId("clear").addEventListener("click", () => {
    image = null;
    asked = null;
    change({ text: "", like: "", plus: [], minus: [], filter: {} });
    byId("text").focus();
  });
  byId("filters-button").addEventListener("click", () => {
    const shown = byId("filters").hidden;
    byId("filters").hidden = !shown;
    byId("filters-button").ariaExpanded = String(shown);
  });
  for (const name of FILTERS) byId(name).addEventListener("change", () => {
    const filter = { ...state.filter, [name]: byId(name).value.trim() };
    if (!filter[name]) delete filter[name];
    change({ text: byId("text").value.trim(), filter });
  });
  // Images can be dropped anywhere on the page.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    byId("query").classList.add("over");
  });
  document.addEventListener("dragleave", () => byId("query").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    byId("query").classList.remove("over");
    takeFiles(event, event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => takeFiles(event, event.clipboardData.files));
}
