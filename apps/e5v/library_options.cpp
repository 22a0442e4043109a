#include "library_options.h"

#include <fmt/format.h>

#include "base/error.h"

namespace e5v::app {

void add_library_option(CLI::App& command, std::filesystem::path& folder) {
  add_table(command, {{"--library", path(folder, "DIR"), "the folder of the library",
                       "$XDG_DATA_HOME/e5v/library, or ~/.local/share/e5v/library"}});
}

std::filesystem::path library_folder(const std::filesystem::path& given) {
  return given.empty() ? library::Library::default_folder() : given;
}

ModelOptions model_for(const library::Library& library, const ModelOptions& given) {
  if (!given.folder.empty()) return given;
  require(library.model().has_value(), "[{}] the library has no model yet; option model names the checkpoint",
          library.folder().string());
  ModelOptions chosen = given;
  chosen.folder = library.model()->folder;
  chosen.load.dtype = library.model()->load.dtype;
  chosen.load.adapter = library.model()->load.adapter;
  chosen.prepare = library.model()->prepare;
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
