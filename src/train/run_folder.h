#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "train/optimizer.h"
#include "train/parameter.h"
#include "train/trainee.h"

namespace e5v::train {

/// What must be the same for a run to go on where it stopped: name and value, for messages and comparison.
using RunIdentity = std::map<std::string, std::string>;

/// Where a run stands besides its parameters and the optimizer's averages.
struct RunState {
  std::int64_t step = 0;  ///< steps made
  RunIdentity identity;
  double best_held_out = 0;            ///< least loss on held-out pairs so far
  std::int64_t worse_evaluations = 0;  ///< since then
  bool best_kept = false;              ///< the result in the folder is of the best evaluation
};

/// The folder of a training run. States are folders checkpoints/step-000100, each complete or not there at all:
/// adapter (PEFT's two files) or weights.safetensors (f32), optimizer.safetensors, state.json.
class RunFolder {
 public:
  /// Makes the folder and keeps other processes out while the object lives. Throws InvalidInput when that fails, when
  /// another one is training there, or when there is a run already, unless it is resumed or replaced: then all that
  /// it made is removed.
  RunFolder(const std::filesystem::path& folder, bool resume, bool replace);
  /// Only looks at a folder that another process keeps.
  explicit RunFolder(const std::filesystem::path& folder) : folder_(folder) {}

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path metrics() const { return folder_ / "metrics.jsonl"; }
  std::filesystem::path curves() const { return folder_ / "curves.html"; }

  /// The newest state; nothing when there is none. Throws InvalidInput when it is broken.
  std::optional<RunState> newest() const;
  /// Puts the newest state into model and optimizer. Throws InvalidInput when it does not fit.
  void load(Trainee& model, Optimizer& optimizer) const;
  /// Writes a state, then removes all but the last `keep`. Throws InvalidInput or DeviceError when it cannot be
  /// written; the states before it stay.
  void save(const RunState& state, const Trainee& model, const Optimizer& optimizer, std::int64_t keep) const;

 private:
  std::vector<std::filesystem::path> states() const;
  void remove_state(const std::filesystem::path& state) const;

  std::filesystem::path folder_;
  OutputFile lock_;
};

/// Throws InvalidInput that names what differs, and how, unless both are the same.
void require_same_run(const RunIdentity& saved, const RunIdentity& now);

}  // namespace e5v::train
