#pragma once
#include <cstdint>

#include "base/hash.h"
#include "e5v/embedder.h"
#include "embed/prepare.h"

/// The content and the size of an input, without decoding its images.
namespace e5v::scheduler {

/// Returns whether all images of the input are in memory, so that content_key() reads no file.
bool is_in_memory(const Input& input);

/// Returns the input with the files of its images read into memory, but not decoded. Throws InvalidInput.
Input loaded(Input input);

/// Returns a hash of the text, the bytes of the images, the fingerprint, and the options that affect the result. The
/// images must be in memory.
Hash128 content_key(const Input& input, const Fingerprint& fingerprint, const PrepareOptions& options);

/// The size of an input in the queue.
struct Size {
  std::int64_t tokens = 0, bytes = 0;
};

/// Returns the estimated size of an input that is not prepared: 32 tokens, plus one token for every four bytes of text,
/// plus 2,400 tokens for every image.
Size expected_size(const Input& input);
/// Returns the same for an input with a number of images. `bytes` is the size of text and images together.
Size expected_size(std::size_t text_bytes, std::size_t images, std::size_t bytes);
/// Returns the size of a prepared input.
Size size_of(const embed::PreparedInput& input);

}  // namespace e5v::scheduler
