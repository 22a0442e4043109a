#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "e5v/embedder.h"

namespace e5v::serve {

/// The prompts that a model uses for an input that names none.
struct PromptSet {
  std::string text = "text", image = "image", composed = "cirr-query";

  /// The prompt for what an input holds.
  const std::string& of(const Input& input) const;
  /// "e5v", the ones that e5v embed takes, or "mteb", the strings of mteb's wrapper of E5-V. Throws InvalidInput.
  static PromptSet named(std::string_view name);
};

/// A model that is served.
struct ServedModel {
  std::string name;                  ///< that clients know it by
  std::vector<std::string> aliases;  ///< further names
  std::filesystem::path folder;
  Embedder embedder;
  PromptSet prompts;
  std::int64_t context = 0;     ///< most tokens of an input
  std::int64_t created = 0;     ///< when it was loaded, in seconds since 1970
  std::string dtype = {};       ///< what it computes with
  bool sees = false;            ///< takes images
  std::int64_t vocabulary = 0;  ///< number of token ids

  /// The text of token ids. Throws a Refusal for one outside of the vocabulary; `name` is the field's.
  std::string text_of(const std::vector<std::int64_t>& ids, const std::string& name) const;
};

/// The models of a server, by name.
class ModelSet {
 public:
  void add(std::shared_ptr<ServedModel> model) { models_.push_back(std::move(model)); }
  /// The model of a name; without a name, the first one. Throws a Refusal with status 404 for an unknown name.
  std::shared_ptr<const ServedModel> find(std::string_view name) const;
  const std::vector<std::shared_ptr<ServedModel>>& all() const { return models_; }

 private:
  std::vector<std::shared_ptr<ServedModel>> models_;
};

/// What a server is to serve.
struct ModelSpec {
  std::vector<std::string> names;  ///< the first is the one that answers give
  std::filesystem::path folder;
  LoadOptions load;
  PromptSet prompts;
};

/// Loads a model and embeds a text, so that the first request does not pay for what happens once. Throws as
/// Embedder::load().
std::shared_ptr<ServedModel> load(const ModelSpec& spec);

}  // namespace e5v::serve
