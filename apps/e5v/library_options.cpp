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

void add_library_model_options(CLI::App& command, ModelOptions& options) {
  add_model_options(command, options, false);
  add_adapter_option(command, options.load);
  add_prepare_options(command, options.prepare);
  command.get_option("--model")->default_str("that of the library");
  for (const char* name : {"--dtype", "--adapter", "--alpha", "--max-tiles", "--max-pixels"}) {
    CLI::Option* option = command.get_option(name);
    const std::string other = option->get_default_str();
    option->default_str(fmt::format("that of the library; with --model, {}", other.empty() ? "none" : other));
  }
}

ModelOptions model_for(const std::optional<library::ModelRecord>& recorded_model, const std::string& store,
                       const ModelOptions& given, const CLI::App& command) {
  if (!given.folder.empty()) return given;
  require(recorded_model.has_value(), "[{}] there is no model yet; option model names the checkpoint", store);
  const library::ModelRecord& record = *recorded_model;
  ModelOptions chosen = given;
  chosen.folder = record.folder;
  const auto complete = [&](const char* option, auto& value, const auto& recorded) {
    if (command.count(option) == 0) value = recorded;
  };
  complete("--dtype", chosen.load.dtype, record.load.dtype);
  complete("--adapter", chosen.load.adapter, record.load.adapter);
  complete("--paper-compat", chosen.prepare.paper_compat, record.prepare.paper_compat);
  complete("--alpha", chosen.prepare.alpha, record.prepare.alpha);
  complete("--max-tiles", chosen.prepare.max_tiles, record.prepare.max_tiles);
  complete("--max-pixels", chosen.prepare.max_pixels, record.prepare.max_pixels);
  complete("--no-exif", chosen.prepare.apply_exif, record.prepare.apply_exif);
  complete("--truncate", chosen.prepare.truncate, record.prepare.truncate);
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
