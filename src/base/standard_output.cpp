#include "base/standard_output.h"

#include <cerrno>

#include "base/error.h"

namespace e5v {

void write_stream(std::FILE* stream, std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
  if (written) return;
  if (errno == EPIPE) throw BrokenPipe("[stdout] its reader has gone");
  fail<DeviceError>("[stdout] cannot be written: {}", system_error_text());
}

}  // namespace e5v
