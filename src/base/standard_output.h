#pragma once
#include <cstdio>
#include <string_view>

#include "e5v/error.h"

namespace e5v {

/// The reader of standard output has gone: `e5v embed ... | head`.
class BrokenPipe : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Writes all of it and flushes. Throws BrokenPipe, or DeviceError when the system refuses for another reason.
void write_stream(std::FILE* stream, std::string_view text);

}  // namespace e5v
