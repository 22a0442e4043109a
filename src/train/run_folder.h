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

/// What must be the same when a run continues: names and values, for messages and comparison.
using RunIdentity = std::map<std::string, std::string>;

/// The state of a run besides its parameters and the optimizer's averages.
struct RunState {
  std::int64_t step = 0;  ///< steps done
  RunIdentity identity;
  double best_held_out = 0;            ///< minimum held-out loss so far
  std::int64_t worse_evaluations = 0;  ///< since that minimum
  bool best_kept = false;              ///< the folder has the result of the best evaluation
};

/// The folder of a training run. A state is a folder checkpoints/step-000100, which is complete or absent. It holds
/// adapter (PEFT's two files) or weights.safetensors (f32), optimizer.safetensors and state.json.
class RunFolder {
 public:
  /// Creates the folder and locks it against other processes while the object exists. Throws InvalidInput when that
  /// fails, when another process trains there, or when the folder holds a run that is neither resumed nor replaced.
  /// Replacing removes everything that the run made.
  RunFolder(const std::filesystem::path& folder, bool resume, bool replace);
  /// Only reads a folder that another process owns.
  explicit RunFolder(const std::filesystem::path& folder) : folder_(folder) {}

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path metrics() const { return folder_ / "metrics.jsonl"; }
  std::filesystem::path curves() const { return folder_ / "curves.html"; }

  /// The newest state; nothing when there is none. Throws InvalidInput when it is broken.
  std::optional<RunState> newest() const;
  /// Loads the newest state into model and optimizer. Throws InvalidInput when it does not fit.
  void load(Trainee& model, Optimizer& optimizer) const;
  /// Writes a state, then removes all but the last `keep` states. Throws InvalidInput or DeviceError when it cannot be
  /// written; earlier states stay.
  void save(const RunState& state, const Trainee& model, const Optimizer& optimizer, std::int64_t keep) const;

 private:
  std::vector<std::filesystem::path> states() const;
  void remove_state(const std::filesystem::path& state) const;

  std::filesystem::path folder_;
  OutputFile lock_;
};

/// Throws InvalidInput, which names the differences, unless both are the same.
void require_same_run(const RunIdentity& saved, const RunIdentity& now);

}  // namespace e5v::train
