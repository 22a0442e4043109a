#include "model/model_folder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hub_cache.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected = "a model is a folder with config.json, *.safetensors and tokenizer.json";
constexpr const char* kConfig = "config.json";
constexpr const char* kAdapterConfig = "adapter_config.json";

struct Foreign {
  std::string_view ending, what;
};
constexpr const char* kPickled =
    "pickled weights: convert them, in Python by model.save_pretrained(folder), which writes safetensors";
constexpr std::array<Foreign, 9> kForeign{{
    {".gguf", "GGUF, the format of llama.cpp: take the model's folder in the format of transformers"},
    {".bin", kPickled},
    {".pt", kPickled},
    {".pth", kPickled},
    {".ckpt", kPickled},
    {".onnx", "ONNX: take the model's folder in the format of transformers"},
    {".h5", "weights of TensorFlow: take those in safetensors"},
    {".msgpack", "weights of Flax: take those in safetensors"},
    {".distcp", "a distributed checkpoint of PyTorch: convert it to safetensors"},
}};

/// The paths of a folder's entries and of their entries, sorted. An entry that cannot be read has none.
std::vector<std::string> entries_below(const fs::path& folder) {
  constexpr std::size_t kMaxEntries = 10'000;
  std::vector<std::string> entries;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::end(entry) && entries.size() < kMaxEntries; entry.increment(error)) {
    entries.push_back(entry->path().lexically_relative(folder).string());
    if (entry.depth() == 1) entry.disable_recursion_pending();
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool holds(const fs::path& folder, const char* name) { return is_entry(folder / name); }

/// The folders that the user may have meant: a model inside this one, or folders of the hub's cache.
std::string inner_models(const fs::path& folder) {
  constexpr std::size_t kMaxNamed = 5;
  std::vector<std::string> found;
  for (const std::string& entry : entries_below(folder)) {
    const fs::path path(entry);
    const bool cached = entry.starts_with("models--") && !path.has_parent_path();
    if (path.filename() == kConfig) found.push_back((folder / path.parent_path()).string());
    if (cached) found.push_back((folder / path).string());
    if (found.size() == kMaxNamed) break;
  }
  return found.empty() ? "" : fmt::format("; perhaps you mean {}", fmt::join(found, " or "));
}

[[noreturn]] void fail_without_config(const fs::path& folder) {
  require<ModelError>(!holds(folder, kAdapterConfig),
                      "[{}] is the folder of an adapter (it holds {}, no {}): give the model that it was trained on as "
                      "option model, and this folder as option adapter",
                      folder.string(), kAdapterConfig, kConfig);
  const std::string foreign = foreign_weights(folder);
  fail<ModelError>("[{}] {}; {}{}", (folder / kConfig).string(), kNoSuchFile, kExpected,
                   foreign.empty() ? inner_models(folder) : "; found " + foreign);
}

}  // namespace

std::string foreign_weights(const fs::path& folder) {
  const std::vector<std::string> names = entries_below(folder);
  for (const Foreign& foreign : kForeign) {
    for (const std::string& name : names) {
      if (name.ends_with(foreign.ending) && name != "training_args.bin")
        return fmt::format("{}, {}", in_quotes(name), foreign.what);
    }
  }
  return "";
}

fs::path find_model_folder(const fs::path& path) try {
  const std::string missing = why_missing(path);
  require<ModelError>(missing.empty(), "[{}] {}", path.string(),
                      missing == kNoSuchFile ? "no such model folder" : missing);
  require<ModelError>(fs::is_directory(path), "[{}] is no folder; {}", path.string(), kExpected);
  const fs::path folder = hub_snapshot(path);
  if (!holds(folder, kConfig)) fail_without_config(folder);
  require<ModelError>(!holds(folder, kAdapterConfig),
                      "[{}] holds an adapter ({}) and a model, and transformers would add the adapter: move its "
                      "files to a folder of their own, and give that as option adapter if you want it",
                      folder.string(), kAdapterConfig);
  return folder;
} catch (const InvalidInput& error) {
  throw ModelError(error.what());
} catch (const fs::filesystem_error& error) {
  fail<ModelError>("[{}] cannot be read: {}", path.string(), error.code().message());
}

}  // namespace e5v::model
