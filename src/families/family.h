#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/json.h"
#include "e5v/options.h"
#include "embed/engine.h"
#include "embed/loading.h"
#include "families/inspection.h"
#include "model/tensor_names.h"

/// The kinds of models that there are. What belongs to one kind alone stands here, in a file of its own and a line of
/// the table; no other layer asks which kind a model is.
namespace e5v::families {

/// A family of models: which folders hold one, and all that the other layers want of it. What it makes refers to it,
/// so it lives as long as the program.
class Family {
 public:
  Family() = default;
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  virtual ~Family() = default;

  /// What messages call it: "LLaVA-NeXT".
  virtual std::string_view name() const = 0;
  /// The values of "model_type" that it takes, for the message about another one.
  virtual std::string_view model_types() const = 0;
  /// Whether it is the family of a config.json, which may be wrong in other ways. Does not throw.
  virtual bool matches(const Json& config) const = 0;

  /// How its checkpoints name tensors.
  virtual const model::TensorNames& tensor_names() const = 0;
  /// Whether its prompts are the bare text or image, with no chat frame around (text::ChatStyle::plain).
  virtual bool has_plain_prompts() const = 0;
  /// The tokenizer of a folder, checked against its config, and how prompts are framed. Throws ModelError.
  virtual embed::StyledTokenizer read_tokenizer(const std::filesystem::path& folder) const = 0;

  /// The model of a folder, ready to embed. Throws ModelError, and InvalidInput for options that do not fit it.
  virtual std::unique_ptr<embed::Engine> open(const std::filesystem::path& folder,
                                              const LoadOptions& options) const = 0;
  /// What can be said of a folder without loading it. Its config.json is read. Throws ModelError.
  virtual std::unique_ptr<Inspection> inspect(const std::filesystem::path& folder, const LoadOptions& load,
                                              const PrepareOptions& prepare) const = 0;
};

}  // namespace e5v::families
