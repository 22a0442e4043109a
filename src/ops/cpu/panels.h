#pragma once
#include <algorithm>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor/stored_matrix.h"

/// Weights in the layout of the CPU's fast kernels (oneDNN's, or ours for tiles). They are written to it block by block
/// from their stored form, each time that they are multiplied. A block stays in cache until it has been used, which
/// costs less than the memory of a copy of the whole model, and nothing at the start. Threads take blocks when they are
/// free and do not wait for each other, so that one packs while others multiply. Sums do not depend on the number of
/// threads.
namespace e5v::ops::cpu {

/// A weight [N, K] as panels of outputs: [chunks][ceil(N / width)][chunk][width] words of four bytes. A word holds
/// adjacent elements along K: two of bf16 or four of i8. Padding of N and K is zero.
struct PanelLayout {
  tensor::DType dtype = tensor::DType::bf16;
  std::int64_t outputs = 0, inputs = 0;  ///< N, K
  std::int64_t width = 0, words = 0;
  std::int64_t chunk = words;  ///< adjacent words, a multiple of 16; the last chunk may be shorter

  std::int64_t word_elements() const { return 4 / size_of(dtype); }
  std::int64_t padded_outputs() const { return (outputs + width - 1) / width * width; }
  std::int64_t size() const { return padded_outputs() * words; }  ///< in words
  /// The words of the chunk that begins at `begin`.
  std::int64_t chunk_words(std::int64_t begin) const { return std::min(chunk, words - begin); }
  /// The place of a word of an output, in words.
  std::int64_t offset(std::int64_t output, std::int64_t word) const {
    const std::int64_t begin = word / chunk * chunk;
    return begin * padded_outputs() + output / width * width * chunk_words(begin) + (word - begin) * width +
           output % width;
  }
};

/// The layout in oneDNN's description of a packed weight. Nothing when it is another layout, or larger than the weight,
/// or when this CPU has no instructions to write it.
std::optional<PanelLayout> panel_layout(const dnnl::memory::desc& packed);

/// to[w * to_stride + r] = from[r * from_stride + w] for 16 rows r and 16 words w, with strides in words. Needs
/// AVX512F.
void transpose_word_tile(const std::uint32_t* from, std::int64_t from_stride, std::uint32_t* to,
                         std::int64_t to_stride);

/// Writes layout.outputs rows of the stacked parts, beginning with row `begin`. Needs AVX512F.
void pack_panels(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, const PanelLayout& layout,
                 std::byte* to);

/// Packs the weight for products that sum over its rows: layout.outputs of its columns, beginning with `begin`, a
/// multiple of 32, of all its rows, which are layout.inputs. Only for bf16 in panels of width 32. Needs AVX512BW.
void pack_transposed_panels(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, const PanelLayout& layout,
                            std::byte* to);

/// sums[n] = the sum over output n of panels of i8. Needs AVX512-VNNI.
void panel_sums(const PanelLayout& layout, const std::byte* packed, std::int32_t* sums);

/// Writes rows of the stacked parts, beginning with row `begin`, as many as `to` describes, in its layout: bf16 from
/// parts [N_i, K] of any format, or i8 from parts of int8 or int4. If the layout is not one of panels, oneDNN reorders
/// a plain copy.
void pack_weight(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, dnnl::memory& to);

/// Sums over the rows that pack_weight wrote to an i8 weight: the part of a product for one unit of x's zero.
std::vector<std::int32_t> row_sums(std::span<const tensor::StoredMatrix> parts, std::int64_t begin,
                                   const dnnl::memory& packed);

/// oneDNN's kernel for a weight [N, K] of bf16 (for x bf16 and y f32) or i8 (x u8, y i32), and the layout that it
/// needs.
struct PackedForm {
  dnnl::memory::desc desc;
  std::string kernel;
};
/// Throws DeviceError when this CPU has no fast kernel for bf16.
PackedForm packed_form(tensor::DType dtype, std::int64_t outputs, std::int64_t inputs);

/// Runs body(begin, weight) for blocks of outputs of the stacked parts, in parallel. Each block is packed in memory
/// that its thread keeps.
void for_packed_blocks(std::span<const tensor::StoredMatrix> parts, tensor::DType dtype,
                       const std::function<void(std::int64_t, const dnnl::memory&)>& body);

/// The memory of the blocks of all threads.
std::int64_t packed_blocks_bytes(tensor::DType dtype, std::int64_t inputs);

/// The maximum number of outputs of a block.
std::int64_t max_block_outputs(tensor::DType dtype, std::int64_t inputs);

/// The number N of rows of the stacked parts.
std::int64_t outputs_of(std::span<const tensor::StoredMatrix> parts);

}  // namespace e5v::ops::cpu
