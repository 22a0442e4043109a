#include "tensor/dtype.h"

#include <array>
#include <utility>

namespace e5v::tensor {
namespace {

struct Description {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array<Description, 11> kDescriptions{{
    {"f64", 8},
    {"f32", 4},
    {"f16", 2},
    {"bf16", 2},
    {"i64", 8},
    {"i32", 4},
    {"i16", 2},
    {"i8", 1},
    {"u8", 1},
    {"bool", 1},
    {"f8_e4m3", 1},
}};

}  // namespace

std::int64_t size_of(DType type) { return kDescriptions[static_cast<std::size_t>(type)].size; }

std::string_view name_of(DType type) { return kDescriptions[static_cast<std::size_t>(type)].name; }

}  // namespace e5v::tensor
