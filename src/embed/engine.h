#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "e5v/embedder.h"
#include "embed/prepare.h"
#include "nn/precision.h"
#include "tensor/arena.h"

namespace e5v::embed {

/// A model as the embedder sees it: what prepares inputs for it, and vectors of batches of these.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual Preparer& preparer() = 0;
  /// Numbers per vector.
  virtual std::int64_t width() const = 0;
  /// Where it computes.
  virtual tensor::Place place() const = 0;
  virtual nn::Precision precision() const = 0;
  /// The fingerprint's part of that name.
  virtual std::string weights() const = 0;
  /// The vectors of prepared inputs, not normalised. y_SD f32 [S, width()], S inputs, and the arena are of place().
  virtual void compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const = 0;
  /// Reads all weights; the name of the first that holds NaN or infinity.
  virtual std::optional<std::string> first_non_finite() const = 0;
  /// Memory held beyond the checkpoint's mapped pages.
  virtual std::int64_t owned_bytes() const = 0;

  /// Where the vectors of inputs come from whose prompt has that hash (PreparedInput::prompt).
  Fingerprint fingerprint(const std::string& prompt_hash, bool normalize);
};

}  // namespace e5v::embed
