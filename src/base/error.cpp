#include "base/error.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace e5v {

std::string system_error_text() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace e5v
