#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "library/photo.h"

/// The module that reads EXIF, IPTC and XMP. It uses Exiv2, which is under the GPL, so it is loaded at run time, and a
/// build or a package may lack it.
namespace e5v::library {

/// What the module does. Its functions throw nothing, and any thread may call them.
struct MetadataReader {
  /// Sets the members that an image file says.
  void (*read)(std::span<const std::byte> file, Metadata& metadata);
  /// Replaces the members that a packet of XMP says.
  void (*read_packet)(const std::string& packet, Metadata& metadata);
};

/// The function of the module that returns its reader. Its name changes with the interface, so that a module of another
/// version is not used.
using OpenMetadata = const MetadataReader*();
inline constexpr const char* kOpenMetadata = "e5v_open_metadata_1";

/// A reader, or why there is none.
struct FoundReader {
  const MetadataReader* reader = nullptr;
  std::string problem;
};

/// The reader of a module, which stays loaded.
FoundReader open_metadata_module(const std::string& file);

/// The reader of this build's module, which is loaded by the first call.
const FoundReader& metadata_reader();

}  // namespace e5v::library
