#pragma once
#include "families/family.h"
#include "model/config.h"

namespace e5v::families {

/// LLaVA-NeXT over Llama or Mistral, and these language models alone.
const Family& llava_next();

/// The config of a folder, for operations that support only this family. Throws ModelError, which names `operation`
/// ("train") and the families expected and found. Also throws what model::read_config() throws.
model::ModelConfig require_llava_next(const std::filesystem::path& folder, std::string_view operation);

}  // namespace e5v::families
