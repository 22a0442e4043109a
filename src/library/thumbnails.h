#pragma once
#include <filesystem>
#include <string>

#include "library/search.h"

/// The images of photos: small ones, which a library keeps, and the files themselves.
namespace e5v::library {

/// The file of a photo: the bytes of the first of its files whose content is still that which was indexed. So nothing
/// is read that the library does not know, whatever has been put in the place of a file. Throws InvalidInput, which
/// names the files, if there is none.
std::string read_photo(const Photo& photo);

/// The longest side of a small image, in pixels.
enum class ThumbnailSize : int { small = 320, large = 1600 };

/// Small images of photos, upright, as WebP. Each is made when it is first asked for and kept:
///   FOLDER/thumbnails/HH/HASH-EDGE.webp   HH are the first two digits of the hash
/// The folder may be removed at any time. Thread-safe; photos are decoded on the thread that asks.
class Thumbnails {
 public:
  /// `library` is the folder of a library. If it cannot be written, nothing is kept.
  explicit Thumbnails(const std::filesystem::path& library) : folder_(library / "thumbnails") {}

  /// The small image of a photo. Throws InvalidInput if no file of the photo can be read or decoded.
  std::string get(const Photo& photo, ThumbnailSize size) const;

  /// What stands for the small image of a photo that cannot be decoded: a grey area that is crossed out.
  static const std::string& placeholder();

 private:
  std::filesystem::path folder_;
};

}  // namespace e5v::library
