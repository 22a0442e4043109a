#include "base/lfs_pointer.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace e5v {

bool is_lfs_pointer(std::string_view content) {
  // The second is that of Git LFS before its first release, which it still reads.
  constexpr std::array<std::string_view, 2> kFirstLines{"version https://git-lfs.github.com/spec/",
                                                        "version https://hawser.github.com/spec/"};
  return std::any_of(kFirstLines.begin(), kFirstLines.end(), [&](auto line) { return content.starts_with(line); });
}

void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view content) {
  require(!is_lfs_pointer(content),
          "[{}] is a Git LFS pointer, not the file itself: run \"git lfs pull\" in its folder, or download the file",
          path.string());
}

}  // namespace e5v
