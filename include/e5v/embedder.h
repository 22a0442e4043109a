#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "e5v/embedding.h"
#include "e5v/error.h"
#include "e5v/input.h"
#include "e5v/options.h"

namespace e5v {

/// How a model is loaded and inputs are treated.
struct EmbedderOptions : LoadOptions, PrepareOptions, RunOptions {
  bool operator==(const EmbedderOptions&) const = default;
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
