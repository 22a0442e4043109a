#pragma once
#include <string>

namespace e5v {

/// Returns 16 random hexadecimal digits. They distinguish requests and responses in logs; they are no secret.
std::string random_id();

}  // namespace e5v
