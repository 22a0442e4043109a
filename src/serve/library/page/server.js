// What the page asks the server.

const STORED_KEY = "e5v-key";
let key = sessionStorage.getItem(STORED_KEY) || "";

/** An error of the server: its message, its status, and the field of the request that it names. */
export class Refusal extends Error {
  constructor(message, status, field) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

export function useKey(text) {
  key = text;
  sessionStorage.setItem(STORED_KEY, text);
}

function headers(more = {}) {
  return key ? { ...more, Authorization: "Bearer " + key } : more;
}

/** The answer to a GET or, with a body, to a POST. */
export async function ask(path, body, signal) {
  const request = body
    ? { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body), signal }
    : { headers: headers(), signal };
  const response = await fetch(path, request).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("The server does not answer.");
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const error = answer.error || {};
  throw new Refusal(error.message || `The server answered with status ${response.status}.`, response.status, error.param);
}

export const thumbnail = (id, size = "small") => `/library/photos/${id}/thumbnail?size=${size}`;
export const original = (id) => `/library/photos/${id}/file`;

const visible = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    visible.unobserve(entry.target);
    fetchImage(entry.target);
  }
}, { rootMargin: "200px" });

async function fetchImage(image) {
  const response = await fetch(image.dataset.path, { headers: headers() }).catch(() => null);
  if (response && response.ok) image.src = URL.createObjectURL(await response.blob());
}

/** Shows an image of the server when it is near the screen. An element cannot send a key, so with one it is fetched. */
export function showImage(image, path) {
  if (key) {
    image.dataset.path = path;
    visible.observe(image);
  } else {
    image.loading = "lazy";
    image.src = path;
  }
  return image;
}

/** The address of a file for a link: with a key, that of a copy in this page. */
export async function addressOf(path) {
  if (!key) return path;
  const response = await fetch(path, { headers: headers() });
  if (!response.ok) throw new Refusal("The file of this photo cannot be read.", response.status);
  return URL.createObjectURL(await response.blob());
}

export const byId = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** What a photo is called where it is not seen: its caption, or the name of its file. */
export const labelOf = (photo) => photo.caption || photo.name;
