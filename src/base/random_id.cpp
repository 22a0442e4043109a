#include "base/random_id.h"

#include <fmt/format.h>

#include <random>

namespace e5v {

std::string random_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}", random());
}

}  // namespace e5v
