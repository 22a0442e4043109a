#include "embed/engine.h"

#include "embed/clip_engine.h"
#include "embed/llava_engine.h"
#include "embed/loading.h"

namespace e5v::embed {

std::unique_ptr<Engine> open_engine(const std::filesystem::path& folder, const EmbedderOptions& options) {
  if (model::is_clip(check_folder(folder))) return std::make_unique<ClipEngine>(folder, options);
  return std::make_unique<LlavaEngine>(folder, options);
}

}  // namespace e5v::embed
