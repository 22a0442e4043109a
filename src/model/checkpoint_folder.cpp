#include "model/checkpoint_folder.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "model/checkpoint.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;

bool is_side_file(const fs::path& file) {
  constexpr std::array kEndings{".json", ".txt", ".model", ".jinja", ".md"};
  if (file.filename() == "config.json" || file.filename() == kIndexFile) return false;
  const std::string ending = file.extension().string();
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

/// The weight files that an index names; none when it is broken.
Shards old_shards(const fs::path& index) try { return read_index(index); } catch (const Error&) {
  return {};
}

void remove_file(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  require(!error, "[{}] cannot be removed: {}", file.string(), error.message());
}

/// Removes the remains of a sharded checkpoint next to the new file of weights, because readers that begin with the
/// index would take the old weights. The index is removed last, so that an interrupted call can be repeated.
void remove_old_shards(const fs::path& output) {
  const fs::path index = output / kIndexFile;
  if (!fs::exists(output / kSingleFile) || !fs::exists(index)) return;
  for (const auto& [name, tensors] : old_shards(index)) {
    const fs::path shard = fs::path(name).lexically_normal();
    if (shard.extension() == ".safetensors" && shard != kSingleFile) remove_file(output / shard);
  }
  remove_file(index);
}

/// Removes settings of the previous checkpoint that the new one does not have, because readers would take the old ones.
void remove_old_settings(const fs::path& model, const fs::path& output) {
  for (const char* name : {"processor_config.json", "preprocessor_config.json", "adapter_config.json"}) {
    if (!fs::exists(model / name) && fs::exists(output / name)) remove_file(output / name);
  }
}

}  // namespace

void prepare_output(const fs::path& model, const fs::path& output, bool force) {
  std::error_code error;
  require(!fs::equivalent(model, output, error), "[{}] is the model's own folder", output.string());
  require(!fs::exists(output) || fs::is_directory(output), "[{}] is a file, expected a folder", output.string());
  fs::create_directories(output, error);
  require(fs::is_directory(output), "[{}] cannot be created: {}", output.string(), error.message());
  require(force || fs::is_empty(output), "[{}] is not empty; option force replaces the checkpoint in it",
          output.string());
}

void begin_replacement(const fs::path& output) {
  std::error_code error;
  fs::remove(output / "config.json", error);
}

void copy_side_files(const fs::path& model, const fs::path& output) try {
  remove_old_shards(output);
  remove_old_settings(model, output);
  for (const fs::directory_entry& entry : fs::directory_iterator(model)) {
    if (!entry.is_regular_file() || !is_side_file(entry.path())) continue;
    fs::copy_file(entry.path(), output / entry.path().filename(), fs::copy_options::overwrite_existing);
  }
} catch (const fs::filesystem_error& error) {
  fail<InvalidInput>("[{}] cannot be copied: {}", error.path1().string(), error.code().message());
}

}  // namespace e5v::model
