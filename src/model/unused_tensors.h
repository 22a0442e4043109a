#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint.h"
#include "model/config.h"
#include "model/config_clip.h"

namespace e5v::model {

/// The tensors that a model reads from a checkpoint, by canonical names.
struct ReadTensors {
  std::set<std::string, std::less<>> names;
  /// The number of computed layers by the beginning of their names: prefix + "N.".
  std::map<std::string, std::int64_t> layers;
  std::vector<std::string> modules;  ///< prefixes of computed modules
};

/// The stored names, in order, of tensors that the model does not read and that are outside of its modules. Tensors
/// that are never used (TensorNames) and those of layers that are not computed are left out. Throws ModelError, which
/// names the tensor, when one belongs to a computed module: ignoring it would change the vectors (biases, further
/// norms, adapters, scales of matrices that are not quantised).
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ReadTensors& reads);
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ModelConfig& config);
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ClipModelConfig& config);

/// The names as a line of text: the first three, and the number of the others.
std::string names_text(const std::vector<std::string>& names);

}  // namespace e5v::model
