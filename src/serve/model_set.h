#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "e5v/embedder.h"

namespace e5v::serve {

/// The prompts for inputs without a prompt.
struct PromptSet {
  std::string text = "text", image = "image", composed = "cirr-query";

  /// Returns the prompt for an input by its content: text, image or both.
  const std::string& of(const Input& input) const;
  /// Returns the set "e5v" (the defaults of e5v embed) or "mteb" (the prompts of mteb's wrapper of E5-V). Throws
  /// InvalidInput for another name.
  static PromptSet named(std::string_view name);
};

/// A served model.
struct ServedModel {
  std::string name;                  ///< its name for clients
  std::vector<std::string> aliases;  ///< additional names for clients
  std::filesystem::path folder;
  Embedder embedder;
  PromptSet prompts;
  std::int64_t context = 0;     ///< maximum number of tokens of an input
  std::int64_t created = 0;     ///< time of loading, in seconds since 1970
  std::string dtype = {};       ///< the arithmetic (Fingerprint::compute)
  bool sees = false;            ///< whether it accepts images
  std::int64_t vocabulary = 0;  ///< number of token ids
  QueueOptions queue = {};
  /// The inputs of requests that wait for room in the queue (ItemFeed), and their size in bytes.
  struct Held {
    std::atomic<std::int64_t> inputs = 0, bytes = 0;
  };
  std::shared_ptr<Held> held = std::make_shared<Held>();

  /// Decodes token ids. Throws a Refusal, which names `field`, for an id outside of the vocabulary.
  std::string text_of(const std::vector<std::int64_t>& ids, const std::string& field) const;
};

/// The models of a server by name.
class ModelSet {
 public:
  void add(std::shared_ptr<ServedModel> model) { models_.push_back(std::move(model)); }
  /// Returns the model with this name, or the first model if the name is empty. Throws a Refusal with status 404 for an
  /// unknown name.
  std::shared_ptr<const ServedModel> find(std::string_view name) const;
  const std::vector<std::shared_ptr<ServedModel>>& all() const { return models_; }

 private:
  std::vector<std::shared_ptr<ServedModel>> models_;
};

/// The specification of a model to serve.
struct ModelSpec {
  std::vector<std::string> names;  ///< the first one is the name in responses
  std::filesystem::path folder;
  LoadOptions load;
  PromptSet prompts;
};

/// Loads a model and embeds a text, so that the first request does not include one-time costs. Throws the exceptions of
/// Embedder::load().
std::shared_ptr<ServedModel> load(const ModelSpec& spec);

}  // namespace e5v::serve
