// Any bytes are either vectors, all of whose numbers and ids can be read, or InvalidInput. The first byte chooses among
// the formats: 0 is .npy, 1 .safetensors, 2 .jsonl, 3 a text of ids.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vectors/ids.h"
#include "vectors/jsonl.h"
#include "vectors/npy.h"
#include "vectors/safetensors.h"

namespace {

using namespace e5v;

void require_readable(const vectors::VectorArray& array, std::span<const std::byte> bytes) {
  if (array.rows < 1 || array.columns < 1) std::abort();
  std::vector<double> row(static_cast<std::size_t>(array.columns));
  for (std::int64_t i = 0; i < array.rows; ++i) array.read(i, row);
  const std::byte* end = array.numbers + array.rows * array.columns * tensor::size_of(array.dtype);
  if (array.numbers < bytes.data() || end > bytes.data() + bytes.size()) std::abort();
}

void read_safetensors(std::span<const std::byte> bytes) {
  tensor::SafetensorsContent content;
  try {
    content = tensor::parse_safetensors(bytes, "fuzz");
  } catch (const ModelError& error) {  // of the format, which has a fuzzer of its own
    throw InvalidInput(error.what());
  }
  const vectors::VectorArray array = vectors::embeddings_of(content.tensors, "fuzz");
  require_readable(array, bytes);
  const auto ids = vectors::id_text_of(content.tensors);
  if (ids && std::ssize(vectors::parse_ids(*ids, array.rows, "fuzz")) != array.rows) std::abort();
}

void read_jsonl(std::string_view text) {
  const vectors::JsonRows rows = vectors::read_json_rows(
      [&](std::span<char> buffer) {
        const std::size_t count = text.copy(buffer.data(), buffer.size());
        text.remove_prefix(count);
        return count;
      },
      "fuzz");
  if (rows.rows < 1 || rows.width < 1 || std::ssize(rows.numbers) != rows.rows * rows.width) std::abort();
  if (!rows.ids.empty() && std::ssize(rows.ids) != rows.rows) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int format = data[0] % 4;
  ++data, --size;
  // A file is mapped at a page, so its numbers lie as its header places them.
  std::vector<std::max_align_t> aligned(size / sizeof(std::max_align_t) + 1);
  if (size > 0) std::memcpy(aligned.data(), data, size);
  const std::span bytes(reinterpret_cast<const std::byte*>(aligned.data()), size);
  const std::string_view text(reinterpret_cast<const char*>(aligned.data()), size);
  try {
    switch (format) {
      case 0: require_readable(vectors::parse_npy(bytes, "fuzz"), bytes); break;
      case 1: read_safetensors(bytes); break;
      case 2: read_jsonl(text); break;
      default: vectors::parse_ids(text, std::ranges::count(text, '\n'), "fuzz");
    }
  } catch (const InvalidInput& error) {
    if (!std::string_view(error.what()).starts_with("[fuzz")) std::abort();
  }
  return 0;
}
