// Any bytes are either a file of vectors, all of whose numbers can be read, or InvalidInput.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "eval/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file is mapped at a page, so its numbers lie as its header places them.
  std::vector<std::max_align_t> aligned(size / sizeof(std::max_align_t) + 1);
  if (size > 0) std::memcpy(aligned.data(), data, size);
  const std::span bytes(reinterpret_cast<const std::byte*>(aligned.data()), size);
  try {
    const e5v::tensor::ConstMatrix matrix = e5v::eval::parse_npy(bytes, "fuzz");
    if (matrix.rows < 1 || matrix.columns < 1) std::abort();
    std::size_t numbers = 0;
    for (std::int64_t i = 0; i < matrix.rows; ++i)
      for (std::int64_t d = 0; d < matrix.columns; ++d, ++numbers)
        if (reinterpret_cast<const std::byte*>(matrix.row<float>(i) + d + 1) > bytes.data() + size) std::abort();
    if (numbers * sizeof(float) > size) std::abort();
  } catch (const e5v::InvalidInput& error) {
    if (!std::string_view(error.what()).starts_with("[fuzz")) std::abort();
  }
  return 0;
}
