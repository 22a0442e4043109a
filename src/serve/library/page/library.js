// The page of a library: which view is shown, and what all views share.
import { ask, byId, counted, Refusal, useKey } from "/library/server.js";
import { grid, offerFilters, showSearch, startSearch } from "/library/search.js";
import { backAddress, leavePhoto, setBackAddress, showPhoto, step } from "/library/photo.js";
import { showDuplicates, startDuplicates } from "/library/duplicates.js";
import { showMap, startMap } from "/library/map.js";

const VIEWS = ["search", "photo", "duplicates", "map"];
const TITLES = { search: "Photos", photo: "Photos", duplicates: "Duplicates – Photos", map: "Map – Photos" };
let current = "", lastPhoto = "", scrolled = 0, informed = false;

function report(error) {
  byId("error").hidden = !error;
  byId("error").textContent = error ? error.message : "";
  if (!(error instanceof Refusal) || error.status !== 401) return;
  byId("key-form").hidden = false;
  byId("key").focus();
}

async function inform() {
  if (informed) return;
  const info = await ask("/library/info");
  informed = true;
  const { model } = info;
  const waiting = info.files.waiting ? `, ${counted(info.files.waiting, "file")} not indexed yet` : "";
  const failed = info.files.failed ? `, ${counted(info.files.failed, "file")} that cannot be read` : "";
  byId("facts").textContent = `${counted(info.photos, "photo")}${waiting}${failed} · model ${model.name}, ${model.dimensions} dimensions`;
  byId("note").textContent = model.note ? `About the model ${model.name}: ${model.note}` : "";
  byId("note").hidden = !model.note;
  offerFilters(info);
}

function switchTo(view) {
  if (current === "search") scrolled = scrollY;
  for (const name of VIEWS) byId(`${name}-view`).hidden = name !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === view) link.ariaCurrent = "page";
    else link.removeAttribute("aria-current");
  }
  if (view !== "photo") leavePhoto();
  document.title = TITLES[view];
  const before = current;
  current = view;
  if (view === "search" && before === "photo") {
    scrollTo(0, scrolled);
    grid.focus(lastPhoto);
  }
}

async function route() {
  report(null);
  const hash = location.hash || "#/";
  try {
    const photo = /^#\/photo\/([0-9a-f]{32})$/.exec(hash);
    if (photo) {
      lastPhoto = photo[1];
      switchTo("photo");
      await Promise.all([inform(), showPhoto(photo[1], report)]);
    } else if (hash === "#/duplicates") {
      switchTo("duplicates");
      setBackAddress(hash);
      await Promise.all([inform(), showDuplicates()]);
    } else if (hash === "#/map") {
      switchTo("map");
      setBackAddress(hash);
      await Promise.all([inform(), showMap()]);
    } else if (hash === "#/" || hash.startsWith("#/?")) {
      setBackAddress(hash);
      showSearch(new URLSearchParams(hash.slice(3)));
      switchTo("search");
      await inform();
    } else if (hash === "#main") {
      byId("main").focus();
      history.replaceState(null, "", backAddress);
    } else location.hash = "#/";
  } catch (error) {
    report(error);
  }
}

function onKey(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    if (current !== "search") location.hash = "#/";
    byId("search-view").hidden = false;
    byId("text").focus();
    byId("text").select();
  } else if (event.key === "Escape") {
    if (typing && event.target.value) return;
    if (current !== "search") location.hash = current === "photo" ? backAddress : "#/";
    else if (typing) event.target.blur();
  } else if (current === "photo" && !typing && !event.target.closest(".tile")) {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  } else if (current === "search" && !typing && event.target === document.body && event.key.startsWith("Arrow")) {
    event.preventDefault();
    grid.focus(lastPhoto);
  } else if (event.key === "ArrowDown" && event.target.id === "text") {
    event.preventDefault();
    grid.focus();
  }
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
  byId("key-form").hidden = true;
  route();
});
addEventListener("hashchange", route);
document.addEventListener("keydown", onKey);
startSearch(report);
startDuplicates(report);
startMap();
route();
