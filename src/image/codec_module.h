#pragma once
#include <string>
#include <string_view>

#include "image/codec.h"

/// Codecs in modules. The libraries that decode AVIF, HEIC, raw files and TIFF load about forty others. If they were
/// linked, every start of the program and every user of libe5v.so would load these, too. A module is loaded for the
/// first file of its format.
namespace e5v::image {

/// The function of a module that returns its codec. Its name changes with the interface, so that a module of another
/// version is not used.
using OpenCodec = const Codec*();
inline constexpr const char* kOpenCodec = "e5v_open_codec_2";

/// The codec of the module e5v_NAME.so. `format` and `origin` are for messages. Any thread may call it. Throws
/// InvalidInput when this build has no such module, or when the module or its libraries cannot be loaded.
const Codec& module_codec(std::string_view name, std::string_view format, std::string_view origin);

/// The same for a file, without a list of what was built.
const Codec& open_codec(const std::string& file, std::string_view format, std::string_view origin);

}  // namespace e5v::image
