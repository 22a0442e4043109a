// A grid of photos that loads more as one scrolls, and in which arrow keys move.
import { byId, element, labelOf, showImage, thumbnail } from "/library/server.js";

export function tile(photo) {
  const image = showImage(element("img", { alt: labelOf(photo) }), thumbnail(photo.id));
  const caption = element("span", { className: "caption" },
    element("span", { className: "name", ariaHidden: "true" }, photo.name));
  if (photo.score !== undefined) caption.append(element("span", { className: "score" }, photo.score.toFixed(3)));
  if (photo.percentile !== undefined) caption.append(element("span", { className: "percentile" }, `${photo.percentile.toFixed(2)} %`));
  return element("a", { className: "tile", href: `#/photo/${photo.id}`, title: labelOf(photo) }, image, caption);
}

/** Lets the arrow keys, Home and End move in a list of tiles, of which Tab reaches one. */
export function moveWithArrows(list) {
  const tiles = () => [...list.querySelectorAll(".tile")];
  const columns = () => {
    const all = tiles();
    const next = all.findIndex((one) => one.offsetTop > all[0].offsetTop);
    return next < 0 ? all.length : next;
  };
  list.addEventListener("focusin", (event) => {
    for (const one of tiles()) one.tabIndex = one === event.target ? 0 : -1;
  });
  list.addEventListener("keydown", (event) => {
    const all = tiles();
    const at = all.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns(), Home: -at, End: all.length - 1 - at };
    const to = at + steps[event.key];
    if (!(event.key in steps)) return;
    event.preventDefault();
    if (all[to]) all[to].focus();
  });
}

/** The grid of the search. */
export class Grid {
  photos = [];
  load = null;  // (offset) => the next photos
  complete = true;
  generation = 0;

  constructor() {
    this.list = byId("grid");
    moveWithArrows(this.list);
    new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.more();
    }, { rootMargin: "800px" }).observe(byId("end"));
  }

  /** Shows the first photos and keeps the function that gets more of them. */
  show(photos, pageSize, load) {
    ++this.generation;
    this.photos = [];
    this.list.replaceChildren();
    Object.assign(this, { load, pageSize });
    this.add(photos);
  }

  add(photos) {
    this.photos.push(...photos);
    this.complete = photos.length < this.pageSize;
    for (const photo of photos) this.list.append(element("li", {}, tile(photo)));
    this.list.querySelectorAll(".tile").forEach((one, index) => { if (index > 0 && one.tabIndex === 0 && one !== document.activeElement) one.tabIndex = -1; });
  }

  async more() {
    if (this.complete || this.loading || !this.load || byId("search-view").hidden) return;
    this.loading = true;
    const generation = this.generation;
    try {
      const photos = await this.load(this.photos.length);
      if (generation === this.generation) this.add(photos);
    } catch {
      this.complete = true;  // the next search says why
    }
    this.loading = false;
    // The end may still be in sight.
    if (!this.complete && byId("end").getBoundingClientRect().top < innerHeight + 800) this.more();
  }

  focus(id) {
    const index = id ? this.photos.findIndex((photo) => photo.id === id) : 0;
    const found = this.list.querySelectorAll(".tile")[Math.max(index, 0)];
    if (found) found.focus();
  }

  /** The photos before and after one of the list; undefined where there is none. */
  neighbours(id) {
    const at = this.photos.findIndex((photo) => photo.id === id);
    return at < 0 ? [] : [this.photos[at - 1], this.photos[at + 1]];
  }
}
