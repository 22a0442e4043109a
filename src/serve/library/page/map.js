// The map: all photos in two dimensions, on a canvas that moves and zooms.
import { ask, byId, counted, element, labelOf, showImage, thumbnail } from "/library/server.js";

const CELL = 68, PICTURE = 58;  // in pixels: at most one picture in each cell, dots for the others
const KEPT_PICTURES = 600, MAX_SCALE = 400;

const canvas = byId("map"), tip = byId("map-tip");
const paper = canvas.getContext("2d");
const pictures = new Map();  // id -> the loaded image, in the order of their use
const pointers = new Map();
let points = [], view = { x: 0, y: 0, scale: 1 }, hovered = null, colours = {}, waiting = false, moved = 0;

const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });
// Pixels of a unit of the map in each direction: the whole map fills the canvas, with room for the pictures at its edge.
const unit = () => ({ x: (size().width / 2 - PICTURE / 2 - 6) * view.scale, y: (size().height / 2 - PICTURE / 2 - 6) * view.scale });
const place = (point) => ({ x: size().width / 2 + (point.x - view.x) * unit().x, y: size().height / 2 - (point.y - view.y) * unit().y });

function pictureOf(point) {
  let picture = pictures.get(point.id);
  if (picture) pictures.delete(point.id);
  else {
    picture = new Image();
    picture.onload = draw;
    showImage(picture, thumbnail(point.id));
    picture.loading = "eager";
  }
  pictures.set(point.id, picture);
  if (pictures.size > KEPT_PICTURES) pictures.delete(pictures.keys().next().value);
  return picture;
}

function drawPicture(point, at) {
  const picture = pictureOf(point);
  if (!picture.complete || picture.naturalWidth === 0) return drawDot(at, 4);
  const ratio = PICTURE / Math.max(picture.naturalWidth, picture.naturalHeight);
  const width = picture.naturalWidth * ratio, height = picture.naturalHeight * ratio;
  paper.fillStyle = "#ffffff";
  paper.fillRect(at.x - width / 2, at.y - height / 2, width, height);
  paper.drawImage(picture, at.x - width / 2, at.y - height / 2, width, height);
  paper.strokeStyle = point === hovered ? colours.accent : colours.line;
  paper.lineWidth = point === hovered ? 3 : 1;
  paper.strokeRect(at.x - width / 2, at.y - height / 2, width, height);
}

function drawDot(at, radius, opacity = 1) {
  paper.globalAlpha = opacity;
  paper.fillStyle = colours.accent;
  paper.beginPath();
  paper.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  paper.fill();
  paper.globalAlpha = 1;
}

function drawNow() {
  waiting = false;
  const { width, height } = size(), ratio = devicePixelRatio || 1;
  if (width === 0) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const style = getComputedStyle(document.documentElement);
  colours = { accent: style.getPropertyValue("--accent"), line: style.getPropertyValue("--line") };
  paper.setTransform(ratio, 0, 0, ratio, 0, 0);
  paper.clearRect(0, 0, width, height);
  const cells = new Set(), withPicture = [], scale = unit();
  for (const point of points) {
    const at = place(point);
    if (at.x < -CELL || at.y < -CELL || at.x > width + CELL || at.y > height + CELL) continue;
    // Cells belong to the map and not to the screen, so that pictures do not flicker while it moves.
    const column = Math.floor((point.x * scale.x) / CELL), row = Math.floor((point.y * scale.y) / CELL);
    const cell = column * 65536 + row;
    if (cells.has(cell)) drawDot(at, 2.2, 0.55);
    else {
      cells.add(cell);
      withPicture.push([point, at]);
    }
  }
  for (const [point, at] of withPicture) drawPicture(point, at);
  if (hovered) drawPicture(hovered, place(hovered));
}

function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(drawNow);
}

function nearest(x, y, within) {
  let best = null, least = within * within;
  for (const point of points) {
    const at = place(point), distance = (at.x - x) ** 2 + (at.y - y) ** 2;
    if (distance < least) [best, least] = [point, distance];
  }
  return best;
}

function hover(point) {
  if (point === hovered) return;
  hovered = point;
  tip.hidden = !point;
  if (point) {
    const image = showImage(element("img", { alt: "" }), thumbnail(point.id));
    tip.replaceChildren(image, labelOf(point));
    const at = place(point), { width, height } = size();
    tip.style.setProperty("left", `${Math.max(4, Math.min(at.x + 36, width - 220))}px`);
    tip.style.setProperty("top", `${Math.max(4, Math.min(at.y - 60, height - 210))}px`);
  }
  canvas.style.setProperty("cursor", point ? "pointer" : "grab");
  draw();
}

function zoom(factor, x = size().width / 2, y = size().height / 2) {
  const before = { x: view.x + (x - size().width / 2) / unit().x, y: view.y - (y - size().height / 2) / unit().y };
  view.scale = Math.min(MAX_SCALE, Math.max(0.8, view.scale * factor));
  view.x = before.x - (x - size().width / 2) / unit().x;
  view.y = before.y + (y - size().height / 2) / unit().y;
  hover(null);
  draw();
}

function move(dx, dy) {
  view.x = Math.max(-1.2, Math.min(1.2, view.x - dx / unit().x));
  view.y = Math.max(-1.2, Math.min(1.2, view.y + dy / unit().y));
  hover(null);
  draw();
}

function showAll() {
  view = { x: 0, y: 0, scale: 1 };
  hover(null);
  draw();
}

/** The photo in the middle, which the keyboard opens and a screen reader hears. */
function middle() {
  const { width, height } = size();
  return nearest(width / 2, height / 2, Math.max(width, height));
}

function sayMiddle() {
  const point = middle();
  hover(point);
  byId("map-status").textContent = point ? `In the middle: ${labelOf(point)}` : "";
}

const open = (point) => { if (point) location.hash = `#/photo/${point.id}`; };

const KEYS = {
  ArrowLeft: () => move(80, 0), ArrowRight: () => move(-80, 0), ArrowUp: () => move(0, 80), ArrowDown: () => move(0, -80),
  "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: showAll,
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Enter") return open(middle());
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
  sayMiddle();
}

function onPointerMove(event) {
  const before = pointers.get(event.pointerId);
  if (!before) return hover(nearest(event.offsetX, event.offsetY, 34));
  const now = { x: event.offsetX, y: event.offsetY };
  moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
  const other = [...pointers].find(([id]) => id !== event.pointerId);
  pointers.set(event.pointerId, now);
  if (!other) return move(now.x - before.x, now.y - before.y);
  const distance = (a) => Math.max(1, Math.hypot(a.x - other[1].x, a.y - other[1].y));
  zoom(distance(now) / distance(before), (now.x + other[1].x) / 2, (now.y + other[1].y) / 2);
}

function onPointerUp(event) {
  if (!pointers.delete(event.pointerId) || event.type !== "pointerup" || moved > 6) return;
  open(nearest(event.offsetX, event.offsetY, 34));
}

export function startMap() {
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (pointers.size === 0) moved = 0;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  });
  canvas.addEventListener("pointermove", onPointerMove);
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, onPointerUp);
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("keydown", onKey);
  canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) sayMiddle(); });
  byId("zoom-in").addEventListener("click", () => zoom(1.5));
  byId("zoom-out").addEventListener("click", () => zoom(1 / 1.5));
  byId("zoom-all").addEventListener("click", showAll);
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

export async function showMap() {
  byId("map-hint").textContent = "The server makes the map…";
  try {
    const answer = await ask("/library/map");
    points = answer.points;
    const some = points.length < answer.photos ? `${points.length.toLocaleString("en")} of ` : "";
    byId("map-hint").textContent = `${some}${counted(answer.photos, "photo")}, projected on the two directions in which their vectors differ most. ` +
      `These hold ${(answer.variance * 100).toFixed(0)} % of the variance, so photos that are near each other here may differ in others.`;
    canvas.dataset.points = points.length;
    draw();
  } catch (error) {
    byId("map-hint").textContent = "";
    throw error;
  }
}
