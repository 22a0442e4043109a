#include "families/llava_next.h"

#include "families/llava_next/engine.h"
#include "families/llava_next/inspection.h"
#include "families/llava_next/prepare.h"
#include "families/table.h"

namespace e5v::families {
namespace {

namespace fs = std::filesystem;

class LlavaNextFamily : public Family {
 public:
  std::string_view name() const override { return "LLaVA-NeXT"; }
  std::string_view model_types() const override { return model::kLlavaNextTypes; }
  bool matches(const Json& config) const override { return model::describes_llava_next(config); }

  const model::TensorNames& tensor_names() const override { return model::llava_next_names(); }
  bool has_plain_prompts() const override { return false; }
  embed::StyledTokenizer read_tokenizer(const fs::path& folder) const override {
    return read_llava_next_tokenizer(folder, model::read_config(folder));
  }

  std::unique_ptr<embed::Engine> open(const fs::path& folder, const LoadOptions& options) const override {
    return std::make_unique<LlavaNextEngine>(folder, options);
  }
  std::unique_ptr<Inspection> inspect(const fs::path& folder, const LoadOptions& load,
                                      const PrepareOptions& prepare) const override {
    return std::make_unique<LlavaNextInspection>(folder, load, prepare);
  }
};

}  // namespace

const Family& llava_next() {
  static const LlavaNextFamily family;
  return family;
}

model::ModelConfig require_llava_next(const fs::path& folder, std::string_view operation) {
  const Family& found = family_of(folder);
  require<ModelError>(&found == &llava_next(), "[{}] {} is a {}, expected a LLaVA-NeXT or one of its language models",
                      operation, folder.string(), found.name());
  return model::read_config(folder);
}

}  // namespace e5v::families
