#include "index_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/json.h"
#include "base/standard_output.h"
#include "commands.h"
#include "stores/recall.h"
#include "terminal.h"

namespace e5v::app {
namespace {

using library::FileEntry;
using library::FileState;

/// What the status says, of a library or a store.
struct IndexStatus {
  const char* kind;  ///< "library" or "store"
  std::string name;
  std::optional<library::ModelRecord> model;
  std::vector<library::Root> roots;
  library::Counts counts;
  bool has_files = true;  ///< it knows files that wait, were deleted, or cannot be read
  std::vector<FileEntry> failed = {};
  std::optional<std::string> index = std::nullopt;      ///< of a store
  std::optional<stores::Recall> recall = std::nullopt;  ///< if it was measured
};

std::string files_text(std::int64_t files) { return fmt::format("{} file{}", files, files == 1 ? "" : "s"); }

std::string status_json(const IndexStatus& state) {
  const library::Counts& counts = state.counts;
  Json folders = Json::array(), failed = Json::array();
  for (const library::Root& root : state.roots) folders.push_back({{"path", root.path}, {"exclude", root.exclude}});
  for (const FileEntry& file : state.failed) failed.push_back({{"path", file.status.path}, {"reason", file.reason}});
  Json status{
      {state.kind, state.name},
      {"folders", folders},
      {"files", {{"done", counts.done}, {"waiting", counts.waiting}, {"failed", counts.failed}, {"gone", counts.gone}}},
      {"vectors", counts.vectors},
      {"failed", failed}};
  if (state.model) {
    status["model"] = state.model->folder.string();
    status["fingerprint"] = state.model->fingerprint.space();
    status["width"] = state.model->width;
  }
  if (state.index) status["index"] = *state.index;
  if (!state.has_files) status.erase("files"), status.erase("failed");
  if (state.recall)
    status["recall"] = {{"share", state.recall->share},
                        {"top", state.recall->top},
                        {"queries", state.recall->queries},
                        {"exact_seconds", state.recall->exact_seconds},
                        {"index_seconds", state.recall->near_seconds}};
  return status.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string recall_text(const stores::Recall& recall) {
  return fmt::format(
      "{:.4f} of the first {} photos, over {} photos as queries; {:.1f} ms a search, {:.1f} ms an exact one",
      recall.share, recall.top, recall.queries, 1e3 * recall.near_seconds, 1e3 * recall.exact_seconds);
}

std::string status_text(const IndexStatus& state) {
  const library::Counts& counts = state.counts;
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<12} {}\n", name, one_line(value));
  };
  line(state.kind, state.name);
  line("model", state.model ? fmt::format("{} ({})", state.model->folder.string(), state.model->fingerprint.compute)
                            : "none yet");
  for (const library::Root& root : state.roots)
    line("folder",
         root.path + (root.exclude.empty() ? "" : fmt::format(", without {}", fmt::join(root.exclude, ", "))));
  line("photos", state.has_files ? fmt::format("{} in {}", counts.vectors, files_text(counts.done))
                                 : std::to_string(counts.vectors));
  if (state.has_files) {
    line("waiting", files_text(counts.waiting));
    line("deleted", files_text(counts.gone) + ", kept until --purge");
    line("failed", files_text(counts.failed));
  }
  for (const FileEntry& file : state.failed)
    text += fmt::format("  {}: {}\n", one_line(file.status.path), one_line(file.reason));
  if (state.index) line("index", state.index->empty() ? "none" : *state.index);
  if (state.recall) line("recall", recall_text(*state.recall));
  return text;
}

int print_status(const IndexStatus& state, bool json) {
  write_stream(stdout, json ? status_json(state) : status_text(state));
  return kSuccess;
}

}  // namespace

int print_index_status(library::Library& library, bool json) {
  library::Catalogue& catalogue = library.catalogue();
  return print_status({"library", library.folder().string(), library.model(), catalogue.roots(), catalogue.counts(),
                       true, catalogue.files_with(FileState::failed)},
                      json);
}

int print_store_status(stores::PhotoStore& store, bool json, bool recall) {
  const auto model = store.model();
  require(model.has_value(), "[{}] the store has no photos yet: expected e5v index or e5v copy to have run",
          store.name());
  IndexStatus state{"store", store.name(), model, store.roots(), {}};
  if (stores::SharedFiles* files = store.shared_files()) {
    state.counts = files->counts();
    state.failed = files->failed();
  } else {
    state.counts.vectors = store.count({});
    state.has_files = false;
  }
  state.index = store.index();
  if (recall) state.recall = measure_recall(store);
  return print_status(state, json);
}

}  // namespace e5v::app
