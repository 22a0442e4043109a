#include "library/image_file.h"

#include <algorithm>
#include <array>
#include <string>

namespace e5v::library {

bool has_image_suffix(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 6> kSuffixes{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"};
  std::string suffix = file.extension().string();
  for (char& c : suffix)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::ranges::find(kSuffixes, suffix) != kSuffixes.end();
}

}  // namespace e5v::library
