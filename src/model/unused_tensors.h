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

/// What a model reads of a checkpoint, by canonical names.
struct ReadTensors {
  std::set<std::string, std::less<>> names;
  /// How many layers are computed, by what leads their names: prefix + "N.".
  std::map<std::string, std::int64_t> layers;
  std::vector<std::string> modules;  ///< prefixes of what is computed
};

/// Stored names of tensors that the model does not read and that stand outside what it computes, in order; those that
/// are never used (TensorNames) and those of layers that are not computed are left out. Throws ModelError that names
/// the tensor when one belongs to a module that is computed, and so would change the vectors if it were not passed
/// over: biases, further norms, adapters, scales of what is not quantised.
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ReadTensors& reads);
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ModelConfig& config);
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ClipModelConfig& config);

/// The names as a line of text: the first three, and how many there are more.
std::string names_text(const std::vector<std::string>& names);

}  // namespace e5v::model
