#include "embed/engine.h"

#include "embed/clip_engine.h"
#include "embed/llava_engine.h"
#include "embed/loading.h"
#include "model/model_folder.h"

namespace e5v::embed {

std::unique_ptr<Engine> open_engine(const std::filesystem::path& path, const EmbedderOptions& options) {
  const std::filesystem::path folder = model::find_model_folder(path);
  if (model::is_clip(folder)) return std::make_unique<ClipEngine>(folder, options);
  return std::make_unique<LlavaEngine>(folder, options);
}

}  // namespace e5v::embed
