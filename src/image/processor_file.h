#pragma once
#include <filesystem>
#include <optional>

#include "base/json.h"

namespace e5v::image {

/// The settings of a model folder's image processor, and the file they stand in.
struct ProcessorFile {
  std::filesystem::path path;
  Json settings;
};

/// processor_config.json, if it has an "image_processor" that is not null, or else preprocessor_config.json; nothing
/// when there is neither. The one that counts counts alone: what it lacks has the class's defaults, whatever the other
/// says. Throws ModelError when a file cannot be read or is not JSON, and for an "image_token" other than <image>.
/// Source: transformers 5, get_image_processor_dict.
std::optional<ProcessorFile> find_processor(const std::filesystem::path& folder);

}  // namespace e5v::image
