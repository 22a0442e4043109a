#include "image/processor_file.h"

#include "base/file.h"

namespace e5v::image {
namespace {

namespace fs = std::filesystem;

/// Reads a file of a checkpoint. A file that is no JSON is a fault of the checkpoint.
Json read_model_json(const fs::path& file) try { return read_json(file); } catch (const InvalidInput& error) {
  throw ModelError(error.what());
}

}  // namespace

std::optional<ProcessorFile> find_processor(const fs::path& folder) {
  constexpr const char *kNested = "image_processor", *kToken = "image_token";
  const fs::path combined = folder / "processor_config.json", alone = folder / "preprocessor_config.json";
  if (is_entry(combined)) {
    const Json json = read_model_json(combined);
    require<ModelError>(json.is_object(), "[{}] expected an object, found {}", combined.string(), json.type_name());
    const std::string token = json_value<std::string>(json, kToken, "<image>", combined.string());
    require<ModelError>(token == "<image>", "[{}] \"{}\": expected <image>, found {}", combined.string(), kToken,
                        in_quotes(token));
    if (json.contains(kNested) && !json[kNested].is_null()) return ProcessorFile{combined, json[kNested]};
  }
  if (is_entry(alone)) return ProcessorFile{alone, read_model_json(alone)};
  return std::nullopt;
}

}  // namespace e5v::image
