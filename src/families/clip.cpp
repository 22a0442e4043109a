#include "families/clip.h"

#include "families/clip/engine.h"
#include "families/clip/inspection.h"
#include "families/clip/prepare.h"

namespace e5v::families {
namespace {

namespace fs = std::filesystem;

/// Whether a config is CLIP's, by "model_type" or, if that is absent, by the architecture.
bool is_clip(const Json& config) {
  if (!config.is_object()) return false;
  const auto type = config.find("model_type"), architectures = config.find("architectures");
  if (type != config.end() && type->is_string()) return *type == "clip";
  return architectures != config.end() && *architectures == Json::array({"CLIPModel"});
}

class ClipFamily : public Family {
 public:
  std::string_view name() const override { return "CLIP"; }
  std::string_view model_types() const override { return "clip"; }
  bool matches(const Json& config) const override { return is_clip(config); }

  const model::TensorNames& tensor_names() const override { return model::clip_names(); }
  bool has_plain_prompts() const override { return true; }
  embed::StyledTokenizer read_tokenizer(const fs::path& folder) const override {
    return {read_clip_tokenizer(folder, model::read_clip_config(folder).text), text::ChatStyle::plain};
  }

  std::unique_ptr<embed::Engine> open(const fs::path& folder, const LoadOptions& options) const override {
    return std::make_unique<ClipEngine>(folder, options);
  }
  std::unique_ptr<Inspection> inspect(const fs::path& folder, const LoadOptions&,
                                      const PrepareOptions& prepare) const override {
    return std::make_unique<ClipInspection>(folder, prepare);
  }
};

}  // namespace

const Family& clip() {
  static const ClipFamily family;
  return family;
}

}  // namespace e5v::families
