#pragma once
#include <filesystem>
#include <optional>

#include "base/json.h"

namespace e5v::image {

/// The settings of a model folder's image processor, and their file.
struct ProcessorFile {
  std::filesystem::path path;
  Json settings;
};

/// processor_config.json, if it has an "image_processor" that is not null, otherwise preprocessor_config.json; nothing
/// when there is neither. Only one file is used: a key that it lacks has the class's default, whatever the other file
/// says. Throws ModelError when a file cannot be read or is not JSON, and for an "image_token" other than <image>.
/// Source: transformers 5, get_image_processor_dict.
std::optional<ProcessorFile> find_processor(const std::filesystem::path& folder);

}  // namespace e5v::image
