#include "serve/model_set.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "api/embedder_impl.h"
#include "serve/refusal.h"

namespace e5v::serve {

const std::string& PromptSet::of(const Input& input) const {
  if (input.images.empty()) return text;
  return input.text ? composed : image;
}

PromptSet PromptSet::named(std::string_view name) {
  if (name == "e5v") return {};
  if (name == "mteb") return {.text = "text", .image = "image", .composed = "mteb-query"};
  fail<InvalidInput>("[prompts] expected e5v or mteb, found {}", in_quotes(name));
}

std::string ServedModel::text_of(const std::vector<std::int64_t>& ids, const std::string& field) const {
  std::vector<std::int32_t> tokens;
  tokens.reserve(ids.size());
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= vocabulary)
      refuse_field(field, "expected token ids from 0 to {}, found {}", vocabulary - 1, id);
    tokens.push_back(static_cast<std::int32_t>(id));
  }
  return embedder.impl().engine->preparer()->tokenizer().decode(tokens);
}

std::shared_ptr<const ServedModel> ModelSet::find(std::string_view name) const {
  if (name.empty() && !models_.empty()) return models_.front();
  std::vector<std::string_view> names;
  for (const std::shared_ptr<ServedModel>& model : models_) {
    if (model->name == name || std::ranges::find(model->aliases, name) != model->aliases.end()) return model;
    names.push_back(model->name);
  }
  throw Refusal(404,
                fmt::format("[model] {} is not served; expected {}", in_quotes(name, 100), fmt::join(names, " or ")),
                "model");
}

std::shared_ptr<ServedModel> load(const ModelSpec& spec) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto model = std::make_shared<ServedModel>(
      ServedModel{.name = spec.names.front(),
                  .aliases = {spec.names.begin() + 1, spec.names.end()},
                  .folder = spec.folder,
                  .embedder = Embedder::load(spec.folder, spec.load),
                  .prompts = spec.prompts,
                  .created = std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                  .queue = spec.load.queue});
  const embed::ModelLimits& limits = model->embedder.impl().engine->preparer()->limits();
  model->context = limits.context;
  model->sees = limits.sees;
  model->vocabulary = limits.vocabulary;
  model->dtype = model->embedder.fingerprint().compute;
  const Input warm_up = Input::from_text("warm");
  model->embedder.embed({&warm_up, 1});
  return model;
}

}  // namespace e5v::serve
