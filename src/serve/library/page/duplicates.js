// The view of duplicates.
import { ask, byId, counted, element, showImage, thumbnail } from "/library/server.js";

function fileItem(file, index) {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  const size = file.width ? `${file.width} × ${file.height}, ` : "";
  return element("li", {},
    element("a", { className: "tile", href: `#/photo/${file.id}`, title: name },
      showImage(element("img", { alt: name }), thumbnail(file.id)),
      element("span", { className: "caption" }, element("span", { className: "name" }, `${size}${Math.ceil(file.bytes / 1000)} kB`),
        ...(index === 0 ? [element("span", { className: "best" }, "best")] : []))),
    element("p", { className: "path" }, file.path));
}

function groupElement(group) {
  return element("div", { className: "group" },
    element("h3", {}, group.exact ? "The same bytes" : `Cosine ${group.score.toFixed(4)} or more`),
    element("ul", {}, ...group.files.map(fileItem)));
}

let shown = "";

export async function showDuplicates(again = false) {
  const score = byId("min-score").value;
  if (!again && shown === score) return;
  byId("duplicates-status").textContent = "Comparing all photos…";
  byId("groups").replaceChildren();
  shown = "";
  try {
    const answer = await ask(`/library/duplicates?min_score=${encodeURIComponent(score)}`);
    byId("groups").replaceChildren(...answer.groups.map(groupElement));
    const cut = answer.groups.length < answer.total ? `; the first ${answer.groups.length.toLocaleString("en")} are shown` : "";
    const left = answer.near ? "" : ". The library is too large to compare all photos here: e5v duplicates with a folder compares a part";
    byId("duplicates-status").textContent = counted(answer.total, "group") + cut + left;
    shown = score;
  } catch (error) {
    byId("duplicates-status").textContent = "";
    throw error;
  }
}

export function startDuplicates(report) {
  byId("duplicates-form").addEventListener("submit", (event) => {
    event.preventDefault();
    report(null);
    showDuplicates(true).catch(report);
  });
}
