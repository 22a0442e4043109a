// The view of one photo.
import { addressOf, ask, byId, element, labelOf, original, showImage, thumbnail } from "/library/server.js";
import { addressOfSearch, grid } from "/library/search.js";
import { moveWithArrows, tile } from "/library/grid.js";

let shown = "";

function bytesText(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function factsOf(photo) {
  const facts = [];
  const add = (name, value) => { if (value) facts.push(element("dt", {}, name), element("dd", {}, value)); };
  add("Taken", (photo.taken || "").replace("T", ", "));
  add("Camera", photo.camera);
  add("Lens", photo.lens);
  add("Size", photo.width ? `${photo.width} × ${photo.height} pixels, ${bytesText(photo.bytes)}` : bytesText(photo.bytes));
  add("Rating", photo.rating === undefined ? "" : photo.rating < 0 ? "rejected" : `${photo.rating} of 5`);
  add("Caption", photo.caption);
  add("Keywords", (photo.keywords || []).join(", "));
  add("Place", photo.place && photo.place.map((degrees) => degrees.toFixed(5)).join(", "));
  photo.paths.forEach((path, index) => add(index === 0 ? "File" : "Copy", path));
  return element("dl", {}, ...facts);
}

/** The words that are nearest to a photo. While the server embeds the list, the section says so and asks again. */
async function showWords(id, section) {
  for (;;) {
    const answer = await ask(`/library/photos/${id}/words?top=8`);
    if (shown !== id) return;
    if (answer.ready) {
      const highest = Math.max(answer.words[0].score, 0.01);
      section.replaceChildren(element("ul", { className: "words" }, ...answer.words.map(({ text, score }) => {
        const bar = element("span", { className: "bar" });
        bar.style.setProperty("width", `${Math.max(0, score / highest) * 100}%`);
        return element("li", {}, element("a", { href: addressOfSearch({ text }) }, text),
          element("span", { className: "track" }, bar), element("span", { className: "number" }, score.toFixed(3)));
      })), element("p", { className: "hint" }, `From a list of ${answer.total} English words.`));
      return;
    }
    section.replaceChildren(element("p", { className: "hint" },
      `The model embeds the list of words: ${answer.embedded} of ${answer.total}. This is done once.`));
    await new Promise((done) => setTimeout(done, 700));
    if (shown !== id) return;
  }
}

async function showSimilar(id, list) {
  const answer = await ask("/library/search", { like: id, top: 12 });
  if (shown !== id) return;
  list.replaceChildren(...answer.photos.map((photo) => element("li", {}, tile(photo))));
}

/** What changes the photo: words that become a composed query. */
function changeForm(id) {
  const text = element("input", { type: "text", ariaLabel: "What is to be different from this photo", placeholder: "what is to be different", autocomplete: "off" });
  const form = element("form", { className: "row" }, text, element("button", { type: "submit" }, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = addressOfSearch({ like: id, text: text.value.trim() });
  });
  return form;
}

function stepLinks(id) {
  const [before, after] = grid.neighbours(id);
  const link = (photo, text, name) => photo ? [element("a", { href: `#/photo/${photo.id}`, className: name }, text)] : [];
  return [...link(before, "← previous", "previous"), ...link(after, "next →", "next")];
}

export async function showPhoto(id, report) {
  shown = id;
  const view = byId("photo-view");
  view.replaceChildren(element("h2", { id: "photo-title" }, "…"));
  const photo = await ask(`/library/photos/${id}`);
  if (shown !== id) return;
  const words = element("div", { ariaLive: "polite" }), similar = element("ul", { className: "grid similar", ariaLabel: "Photos like this one" });
  moveWithArrows(similar);
  const picture = element("a", { className: "picture", href: original(id), title: "Open the file" },
    showImage(element("img", { alt: labelOf(photo) }), thumbnail(id, "large")));
  picture.addEventListener("click", (event) => {
    event.preventDefault();
    addressOf(original(id)).then((address) => window.open(address, "_blank", "noopener"), report);
  });
  view.replaceChildren(
    element("p", { className: "row steps" }, element("a", { href: "#/", className: "back" }, "← all matches"), ...stepLinks(id)),
    element("div", { className: "photo" }, picture,
      element("div", {}, element("h2", { id: "photo-title", tabIndex: -1 }, photo.name), factsOf(photo),
        element("p", {}, element("a", { href: addressOfSearch({ like: id }), className: "like" }, "More like this")),
        element("h3", {}, "Like this, but…"), changeForm(id),
        element("h3", {}, "Nearest words"), words)),
    element("h3", {}, "More like this"), similar);
  view.querySelector(".back").href = backAddress;
  document.title = `${photo.name} – Photos`;
  view.querySelector("h2").focus({ preventScroll: true });
  scrollTo(0, 0);
  await Promise.all([showWords(id, words), showSimilar(id, similar)]);
}

export function leavePhoto() { shown = ""; }

/** Where Escape and the link back lead: the last search. */
export let backAddress = "#/";
export function setBackAddress(address) { backAddress = address; }

/** Shows the photo before (-1) or after (1) this one in the matches. */
export function step(direction) {
  const [before, after] = grid.neighbours(location.hash.split("/").pop());  // also of a photo that is still loading
  const photo = direction < 0 ? before : after;
  if (photo) location.hash = `#/photo/${photo.id}`;
}

