#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "base/file.h"
#include "library/metadata_module.h"
#include "library/metadata_text.h"

extern "C" const e5v::library::MetadataReader* e5v_open_metadata_1();  // of the module, which is linked here

namespace {

using e5v::library::Metadata;

/// Whatever the bytes: texts are valid and short, and numbers are in their ranges.
bool is_sane(const Metadata& metadata) {
  for (const std::string& text : {metadata.caption, metadata.camera, metadata.lens, metadata.taken})
    if (!e5v::is_valid_utf8(text) || text.size() > 2 * e5v::library::kMaxCaptionBytes + 1) return false;
  for (const std::string& keyword : metadata.keywords)
    if (!e5v::is_valid_utf8(keyword) || keyword.size() > e5v::library::kMaxKeywordBytes) return false;
  return metadata.width >= 0 && metadata.height >= 0 && metadata.orientation >= 1 && metadata.orientation <= 8 &&
         metadata.rating.value_or(0) >= -1 && metadata.rating.value_or(0) <= 5;
}

}  // namespace

/// The first byte chooses between an image file and a packet of XMP.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string content(reinterpret_cast<const char*>(data) + 1, size - 1);
  Metadata metadata;
  if (data[0] == 'x') {
    e5v_open_metadata_1()->read_packet(content, metadata);
  } else {
    e5v_open_metadata_1()->read(std::as_bytes(std::span(content)), metadata);
  }
  if (!is_sane(metadata)) std::abort();
  return 0;
}
