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

/// The families of models. Everything about one family is in its own file and in one line of the table. No other layer
/// asks for the family of a model.
namespace e5v::families {

/// A family of models: it recognises its folders, and does for other layers what depends on the family. Its products
/// refer to it, so it must live as long as the program.
class Family {
 public:
  Family() = default;
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  virtual ~Family() = default;

  /// The name in messages, such as "LLaVA-NeXT".
  virtual std::string_view name() const = 0;
  /// The values of "model_type" that it accepts, for the message about another one.
  virtual std::string_view model_types() const = 0;
  /// Whether a config.json belongs to the family. The config may have faults. Does not throw.
  virtual bool matches(const Json& config) const = 0;

  /// The naming of tensors in its checkpoints.
  virtual const model::TensorNames& tensor_names() const = 0;
  /// Whether its prompts are the bare text or image, without a chat frame (text::ChatStyle::plain).
  virtual bool has_plain_prompts() const = 0;
  /// Reads the tokenizer of a folder, checks it against the config, and returns the style of prompts, too. Throws
  /// ModelError.
  virtual embed::StyledTokenizer read_tokenizer(const std::filesystem::path& folder) const = 0;

  /// Opens the model of a folder. Throws ModelError, and InvalidInput for options that do not fit it.
  virtual std::unique_ptr<embed::Engine> open(const std::filesystem::path& folder,
                                              const LoadOptions& options) const = 0;
  /// Describes a folder without loading its weights. Reads config.json. Throws ModelError.
  virtual std::unique_ptr<Inspection> inspect(const std::filesystem::path& folder, const LoadOptions& load,
                                              const PrepareOptions& prepare) const = 0;
};

}  // namespace e5v::families
