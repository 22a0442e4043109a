#pragma once
#include <cstdint>

#include "base/hash.h"
#include "e5v/embedder.h"
#include "embed/prepare.h"

/// What an input is and takes, as far as can be told without decoding it.
namespace e5v::scheduler {

/// True when the input's images are in memory, so that content_key() reads no file.
bool is_in_memory(const Input& input);

/// The input with its images in memory: files are read, not decoded. Throws InvalidInput.
Input loaded(Input input);

/// A hash of the text, the bytes of the images, and all that decides what becomes of them. The input must be in memory.
Hash128 content_key(const Input& input, const Fingerprint& fingerprint, const PrepareOptions& options);

/// What an input counts in the queue.
struct Size {
  std::int64_t tokens = 0, bytes = 0;
};

/// Before it is prepared: a text counts a token for every four bytes, an image 2,400.
Size expected_size(const Input& input);
/// When it is prepared.
Size size_of(const embed::PreparedInput& input);

}  // namespace e5v::scheduler
