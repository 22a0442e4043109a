#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "e5v/error.h"
#include "e5v/input.h"
#include "e5v/options.h"

namespace e5v {

/// How a model is loaded and inputs are treated.
struct EmbedderOptions : LoadOptions, PrepareOptions, RunOptions {
  bool operator==(const EmbedderOptions&) const = default;
};

/// Where a vector comes from. Vectors are comparable when weights, preprocessing and compute agree; prompts differ by
/// intention (a text's and an image's).
struct E5V_EXPORT Fingerprint {
  std::string weights;        ///< of the tensors and the config; this and the next two are 128 bits in hexadecimal
  std::string preprocessing;  ///< of the tokenizer and the image preprocessing
  /// "f32", "bf16", "int8" or "fp8"; on a CPU "-wide" where int8 weights meet activations of 16 bits, "-f32" where
  /// 16-bit weights meet f32 arithmetic; "+l2" if normalised; "/1": the revision of this library's arithmetic.
  std::string compute;
  std::string prompt;  ///< of the template

  /// One hash of weights, preprocessing and compute, 128 bits in hexadecimal: the vector space.
  std::string space() const;
  /// One hash of everything, likewise.
  std::string id() const;
  bool operator==(const Fingerprint&) const = default;
};

/// What is known of one embedded input.
struct Embedding {
  std::span<const float> vector;  ///< valid during the call that hands it out
  std::int64_t tokens = 0;        ///< rows of the prompt, image tokens included
  std::shared_ptr<const Fingerprint> fingerprint;
};

/// Vectors of a list of inputs, in its order.
struct Embeddings {
  std::int64_t width = 0;
  std::vector<float> values;               ///< [inputs, width], row-major
  std::vector<std::int64_t> token_counts;  ///< [inputs]
  std::vector<Fingerprint> fingerprints;   ///< [inputs]

  std::int64_t size() const { return static_cast<std::int64_t>(token_counts.size()); }
  std::span<const float> row(std::int64_t index) const {
    return std::span(values).subspan(static_cast<std::size_t>(index * width), static_cast<std::size_t>(width));
  }
};

/// Where streamed inputs come from and vectors go to.
struct Stream {
  /// The next input, or nothing at the end. Called from another thread, one call at a time. An InvalidInput thrown here
  /// counts as one bad input.
  std::function<std::optional<Input>()> next;
  /// Called in the order of the inputs, with their indices.
  std::function<void(std::int64_t index, const Embedding&)> done;
  /// A bad input is reported here, in its place in the order, and left out. None: it ends the stream with its error.
  std::function<void(std::int64_t index, const InvalidInput&)> bad = nullptr;
  /// Called when all inputs of a batch have been handed out. What was done up to here does not depend on what follows:
  /// a new stream that begins with the next input forms the same batches, and so gives the same bits.
  std::function<void()> batch_end = nullptr;
};

/// An E5-V model ready to embed. Calls on one object run one after another; load several for more.
class E5V_EXPORT Embedder {
 public:
  /// Loads a Hugging Face folder: config.json, safetensors weights, tokenizer.json, and preprocessor_config.json if
  /// there is one. Throws ModelError when the folder is no usable checkpoint, InvalidInput for options that it or the
  /// device cannot have, DeviceError when memory is short or the GPU cannot be used.
  static Embedder load(const std::filesystem::path& folder, const EmbedderOptions& options = {});

  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  /// Embeds a list. Identical inputs, images and beginnings of prompts are computed once. Throws InvalidInput for the
  /// first bad input, led by its index; ModelError when a result is not finite.
  Embeddings embed(std::span<const Input> inputs);

  /// Embeds inputs as they come, in memory that does not grow with their number; images are decoded ahead by a thread.
  /// Throws what embed() does (bad inputs only where nothing is there to report them to), and what the given functions
  /// throw.
  void stream(const Stream& stream);

  /// Numbers per vector.
  std::int64_t width() const;

  /// The fingerprint of inputs that are embedded under a prompt (a name or a template). Throws InvalidInput for a name
  /// that is unknown.
  Fingerprint fingerprint(const std::string& prompt) const;

  struct Impl;
  /// For the program and tests of this project, which see the layers behind.
  Impl& impl() const { return *impl_; }

 private:
  explicit Embedder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace e5v
