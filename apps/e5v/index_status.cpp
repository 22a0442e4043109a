#include "index_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "base/standard_output.h"
#include "commands.h"
#include "terminal.h"

namespace e5v::app {
namespace {

using library::FileEntry;
using library::FileState;

std::string files_text(std::int64_t files) { return fmt::format("{} file{}", files, files == 1 ? "" : "s"); }

std::string status_json(library::Library& library) {
  const library::Counts counts = library.catalogue().counts();
  Json folders = Json::array(), failed = Json::array();
  for (const library::Root& root : library.catalogue().roots())
    folders.push_back({{"path", root.path}, {"exclude", root.exclude}});
  for (const FileEntry& file : library.catalogue().files_with(FileState::failed))
    failed.push_back({{"path", file.status.path}, {"reason", file.reason}});
  Json status{
      {"library", library.folder().string()},
      {"folders", folders},
      {"files", {{"done", counts.done}, {"waiting", counts.waiting}, {"failed", counts.failed}, {"gone", counts.gone}}},
      {"vectors", counts.vectors},
      {"failed", failed}};
  if (library.model()) {
    status["model"] = library.model()->folder.string();
    status["fingerprint"] = library.model()->fingerprint.space();
    status["width"] = library.model()->width;
  }
  return status.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string status_text(library::Library& library) {
  const library::Counts counts = library.catalogue().counts();
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<12} {}\n", name, one_line(value));
  };
  line("library", library.folder().string());
  line("model", library.model()
                    ? fmt::format("{} ({})", library.model()->folder.string(), library.model()->fingerprint.compute)
                    : "none yet");
  for (const library::Root& root : library.catalogue().roots())
    line("folder",
         root.path + (root.exclude.empty() ? "" : fmt::format(", without {}", fmt::join(root.exclude, ", "))));
  line("photos", fmt::format("{} in {}", counts.vectors, files_text(counts.done)));
  line("waiting", files_text(counts.waiting));
  line("deleted", files_text(counts.gone) + ", kept until --purge");
  line("failed", files_text(counts.failed));
  for (const FileEntry& file : library.catalogue().files_with(FileState::failed))
    text += fmt::format("  {}: {}\n", one_line(file.status.path), one_line(file.reason));
  return text;
}

}  // namespace

int print_index_status(library::Library& library, bool json) {
  write_stream(stdout, json ? status_json(library) : status_text(library));
  return kSuccess;
}

}  // namespace e5v::app
