// Any bytes are either a file of vectors, all of whose numbers can be read, or InvalidInput.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vectors/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file is mapped at a page, so its numbers lie as its header places them.
  std::vector<std::max_align_t> aligned(size / sizeof(std::max_align_t) + 1);
  if (size > 0) std::memcpy(aligned.data(), data, size);
  const std::span bytes(reinterpret_cast<const std::byte*>(aligned.data()), size);
  try {
    const e5v::vectors::NpyArray array = e5v::vectors::parse_npy(bytes, "fuzz");
    if (array.rows < 1 || array.columns < 1) std::abort();
    std::vector<double> row(static_cast<std::size_t>(array.columns));
    for (std::int64_t i = 0; i < array.rows; ++i) array.read(i, row);
    const std::byte* end = array.numbers + array.rows * array.columns * e5v::tensor::size_of(array.dtype);
    if (end > bytes.data() + size) std::abort();
  } catch (const e5v::InvalidInput& error) {
    if (!std::string_view(error.what()).starts_with("[fuzz")) std::abort();
  }
  return 0;
}
