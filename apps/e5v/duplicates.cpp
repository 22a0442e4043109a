#include "library/duplicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "commands.h"
#include "library_options.h"
#include "terminal.h"

namespace e5v::app {
namespace {

struct DuplicatesOptions {
  std::filesystem::path library, folder;
  double min_score = 0.98;
  bool exact = false, json = false;
};

std::string group_json(const library::DuplicateGroup& group) {
  Json files = Json::array();
  for (const library::DuplicateFile& file : group.files)
    files.push_back({{"path", file.path}, {"bytes", file.bytes}, {"width", file.width}, {"height", file.height}});
  const Json json{{"kind", group.exact ? "exact" : "near"},
                  {"score", group.score},
                  {"best", group.files.front().path},
                  {"files", files}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string group_text(const library::DuplicateGroup& group) {
  std::string text = group.exact ? "same bytes\n" : fmt::format("cosine {:.4f}\n", group.score);
  for (const library::DuplicateFile& file : group.files)
    text += fmt::format("  {:<4}  {:>11}  {:>10}  {}\n", &file == &group.files.front() ? "best" : "",
                        file.width > 0 ? fmt::format("{}x{}", file.width, file.height) : "-", file.bytes,
                        one_line(file.path));
  return text;
}

int run_duplicates(const DuplicatesOptions& options) {
  library::Library library(library_folder(options.library));
  library::Filter filter;
  if (!options.folder.empty())
    filter.folder = std::filesystem::weakly_canonical(options.folder / "").parent_path().string();
  std::vector<library::DuplicateGroup> groups = exact_duplicates(library, filter);
  if (!options.exact)
    std::ranges::move(near_duplicates(library, options.min_score, filter), std::back_inserter(groups));
  std::string text;
  for (const library::DuplicateGroup& group : groups) text += options.json ? group_json(group) : group_text(group);
  write_stream(stdout, text);
  tell("e5v: {}\n", counted(static_cast<std::int64_t>(groups.size()), "group"));
  return kSuccess;
}

constexpr const char* kDuplicatesDescription =
    "list photos of a library that show the same\n"
    "\n"
    "First the groups of files with the same bytes, then those of photos whose vectors are near each other. In each "
    "group, the file with the most pixels comes first and is marked as the best one; of equal ones, that with the most "
    "bytes. Nothing is deleted.";

constexpr const char* kDuplicatesFooter =
    "Cosines: which cosine means that two photos show the same depends on the model and the photos. Look at some "
    "groups, and raise or lower --min-score.\n"
    "\n"
    "Examples:\n"
    "  e5v duplicates\n"
    "  e5v duplicates --min-score 0.95 --folder ~/Pictures/2019\n"
    "  e5v duplicates --exact --json";

}  // namespace

Run add_duplicates(CLI::App& app) {
  const auto options = std::make_shared<DuplicatesOptions>();
  CLI::App* command = app.add_subcommand("duplicates", kDuplicatesDescription)->footer(kDuplicatesFooter);
  add_library_option(*command, options->library);
  add_table(*command, {
                          {"--min-score", real(options->min_score, 0, 1), "the minimum cosine of near duplicates"},
                          {"--folder", path(options->folder, "DIR"), "the folder of photos that are compared", "all"},
                          {"--exact", flag(options->exact), "leave out near duplicates"},
                          {"--json", flag(options->json), "print a JSON object per group"},
                      });
  return [options] { return run_duplicates(*options); };
}

}  // namespace e5v::app
