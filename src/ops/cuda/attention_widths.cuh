#pragma once
// The attention that the kernels of attention_tile.cuh can compute.
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "ops/cuda/kernels.h"

namespace e5v::ops::cuda {

inline bool is_aligned(const View& view) {
  const std::int64_t bytes = view.stride * (view.type == Element::f32 ? 4 : 2);
  return reinterpret_cast<std::uintptr_t>(view.data) % 16 == 0 && bytes % 16 == 0;
}

/// Calls body(std::integral_constant<int, width>). Returns false if there are no tiles with this head width.
template <class Body>
bool with_width(int width, const Body& body) {
  switch (width) {
    case 16: body(std::integral_constant<int, 16>()); return true;
    case 32: body(std::integral_constant<int, 32>()); return true;
    case 64: body(std::integral_constant<int, 64>()); return true;
    case 80: body(std::integral_constant<int, 80>()); return true;
    case 96: body(std::integral_constant<int, 96>()); return true;
    case 128: body(std::integral_constant<int, 128>()); return true;
    default: return false;
  }
}

inline bool has_tensor_tiles(int width, std::initializer_list<View> inputs) {
  bool fits = with_width(width, [](auto) {});
  for (const View& view : inputs) fits = fits && view.type == Element::bf16 && is_aligned(view);
  return fits;
}

}  // namespace e5v::ops::cuda
