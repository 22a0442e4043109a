#pragma once
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>

#include "tensor/stored_matrix.h"

/// Weights in the layout of oneDNN's fast kernels, written there straight from how they are stored: without a plain
/// copy in between, by all threads.
namespace e5v::ops::cpu {

/// A weight [N, K] as panels of outputs: [ceil(N / width)][words][width] words of four bytes. A word holds neighbours
/// along K: two of bf16 or four of i8. What is beyond N and K is zero.
struct PanelLayout {
  tensor::DType dtype = tensor::DType::bf16;
  std::int64_t outputs = 0, inputs = 0;  ///< N, K
  std::int64_t width = 0, words = 0;

  std::int64_t word_elements() const { return 4 / size_of(dtype); }
};

/// What oneDNN's description of a packed weight comes to; nothing when it is another layout, or holds more than the
/// weight, or this CPU has no instructions to write it with.
std::optional<PanelLayout> panel_layout(const dnnl::memory::desc& packed);

/// Writes rows of the stacked parts from `begin` on, as many as `to` describes, in its layout: bf16, from parts [N_i,
/// K] of any format, or i8, from parts of int8. A layout that is not one of panels gets a plain copy, reordered by
/// oneDNN.
void pack_weight(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, dnnl::memory& to);

/// N of the stacked parts.
std::int64_t outputs_of(std::span<const tensor::StoredMatrix> parts);

}  // namespace e5v::ops::cpu
