#include "model/checkpoint_folder.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;

bool is_side_file(const fs::path& file) {
  constexpr std::array kEndings{".json", ".txt", ".model", ".jinja", ".md"};
  if (file.filename() == "config.json" || file.filename() == "model.safetensors.index.json") return false;
  const std::string ending = file.extension().string();
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

}  // namespace

void prepare_output(const fs::path& model, const fs::path& output, bool force) {
  std::error_code error;
  require(!fs::equivalent(model, output, error), "[{}] is the model's own folder", output.string());
  require(!fs::exists(output) || fs::is_directory(output), "[{}] is a file, expected a folder", output.string());
  fs::create_directories(output, error);
  require(fs::is_directory(output), "[{}] cannot be made: {}", output.string(), error.message());
  require(force || fs::is_empty(output), "[{}] is not empty; --force replaces the checkpoint in it", output.string());
  fs::remove(output / "config.json", error);  // so that the folder is not complete until it is again
}

void copy_side_files(const fs::path& model, const fs::path& output) try {
  for (const fs::directory_entry& entry : fs::directory_iterator(model)) {
    if (!entry.is_regular_file() || !is_side_file(entry.path())) continue;
    fs::copy_file(entry.path(), output / entry.path().filename(), fs::copy_options::overwrite_existing);
  }
} catch (const fs::filesystem_error& error) {
  fail<InvalidInput>("[{}] cannot be copied: {}", error.path1().string(), error.code().message());
}

}  // namespace e5v::model
