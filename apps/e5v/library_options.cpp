#include "library_options.h"

#include <fmt/format.h>

#include "base/error.h"
#include "stores/store_url.h"

namespace e5v::app {

void add_library_option(CLI::App& command, std::filesystem::path& folder) {
  add_table(command, {{"--library", path(folder, "DIR"), "the folder of the library",
                       "$XDG_DATA_HOME/e5v/library, or ~/.local/share/e5v/library"}});
}

std::filesystem::path library_folder(const std::filesystem::path& given) {
  return given.empty() ? library::Library::default_folder() : given;
}

void add_store_option(CLI::App& command, std::string& url) {
  const auto problem = [](const std::string& given) {
    return stores::StoreUrl::is_url(given) ? ""
                                           : "expected an address such as postgresql://HOST/DATABASE, found " + given;
  };
  add_table(command, {{"--store", text(url, "URL").checked(problem),
                       "the address of a store that several machines use, in the place of a library", "a library"}});
}

void require_one_store(const std::string& url, const std::filesystem::path& library) {
  if (!url.empty() && !library.empty()) throw CLI::ExcludesError("--store", "--library");
}

ModelOptions model_for(const std::optional<library::ModelRecord>& record, const std::string& store,
                       const ModelOptions& given) {
  if (!given.folder.empty()) return given;
  require(record.has_value(), "[{}] there is no model yet; option model names the checkpoint", store);
  ModelOptions chosen = given;
  chosen.folder = record->folder;
  chosen.load.dtype = record->load.dtype;
  chosen.load.adapter = record->load.adapter;
  chosen.prepare = record->prepare;
  return chosen;
}

Embedder load_library_model(const ModelOptions& chosen, library::ModelRecord& record) {
  Embedder embedder = Embedder::load(chosen.folder, chosen.load);
  record = library::ModelRecord::of(embedder, chosen.folder, chosen.load, chosen.prepare);
  return embedder;
}

std::string counted(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace e5v::app
