#pragma once
#include "families/family.h"
#include "model/config.h"

namespace e5v::families {

/// LLaVA-NeXT over Llama or Mistral, and these language models alone.
const Family& llava_next();

/// The config of a folder for what works with this family alone. Throws ModelError that names `operation` ("train"),
/// the family expected and the family found; and what model::read_config() throws.
model::ModelConfig require_llava_next(const std::filesystem::path& folder, std::string_view operation);

}  // namespace e5v::families
