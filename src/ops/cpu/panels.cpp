// A panel is the transpose of its rows as words. Tiles of 16 rows by 16 words are transposed in registers, from a chunk
// of expanded rows that stays in the first-level cache to whole cache lines of the panel.
#include "ops/cpu/panels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "base/parallel.h"
#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace e5v::ops::cpu {
namespace {

using tensor::DType;
using tensor::StoredMatrix;

constexpr std::int64_t kTile = 16;          // rows and words
constexpr std::int64_t kChunkBytes = 1024;  // of a row; a multiple of a tile's 64 bytes
constexpr std::int64_t kAhead = 512;        // bytes of a row that are prefetched
using Word = std::uint32_t;
constexpr std::int64_t kLayoutRows =
    512;  // the number of rows for which the layout is chosen; it fits all other numbers
constexpr std::int64_t kPanelOutputs = 64;
constexpr std::int64_t kMaxBlockBytes = std::int64_t{16} << 20;

#ifdef __x86_64__
/// to[i] = the word of upper[i] and lower[i], for `count` columns of two rows of bf16, a multiple of 32. The words of a
/// panel are adjacent, and panels are panel_stride apart.
__attribute__((target("avx512f,avx512bw"))) void interleave_rows(const std::uint16_t* upper, const std::uint16_t* lower,
                                                                 std::int64_t count, Word* to,
                                                                 std::int64_t panel_stride) {
  alignas(64) static constexpr auto kOrder = [] {
    std::array<std::uint16_t, 64> order{};
    for (std::uint16_t i = 0; i < 64; ++i) order[i] = static_cast<std::uint16_t>(i / 2 + i % 2 * 32);
    return order;
  }();
  const __m512i low = _mm512_load_si512(kOrder.data()), high = _mm512_load_si512(kOrder.data() + 32);
  for (std::int64_t i = 0; i < count; i += 32, to += panel_stride) {
    const __m512i a = _mm512_loadu_si512(upper + i), b = _mm512_loadu_si512(lower + i);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi16(a, low, b));
    _mm512_storeu_si512(to + kTile, _mm512_permutex2var_epi16(a, high, b));
  }
}
#else
void interleave_rows(const std::uint16_t*, const std::uint16_t*, std::int64_t, Word*, std::int64_t) {}
#endif

/// Row `index` of the stacked parts, or no row after their end.
struct Row {
  const StoredMatrix* part = nullptr;
  std::int64_t index = 0;
};

Row row_of(std::span<const StoredMatrix> parts, std::int64_t index) {
  for (const StoredMatrix& part : parts) {
    if (index < part.rows) return {&part, index};
    index -= part.rows;
  }
  return {};
}

/// Elements [begin, begin + count) of a row in the panels' type, with zeros after its end.
void expand_chunk(const Row& row, std::int64_t begin, std::int64_t count, DType dtype, std::byte* to) {
  const std::int64_t there = row.part == nullptr ? 0 : std::clamp<std::int64_t>(row.part->columns - begin, 0, count);
  const std::int64_t size = size_of(dtype);
  if (there > 0 && row.part->values.dtype == dtype) {  // stored bf16, or int8
    std::memcpy(to, row.part->values.data + (row.index * row.part->columns + begin) * size,
                static_cast<std::size_t>(there * size));
  } else if (there > 0) {
    expand_columns(*row.part, row.index, begin, {to, dtype, 1, there, there});
  }
  std::memset(to + there * size, 0, static_cast<std::size_t>((count - there) * size));
}

/// Sixteen stored rows of the stacked parts, if they have the panels' type and a constant distance in whole words;
/// otherwise null.
const Word* stored_rows(std::span<const StoredMatrix> parts, std::int64_t first, const PanelLayout& layout) {
  const Row row = row_of(parts, first);
  if (row.part == nullptr || row.index + kTile > row.part->rows || row.part->values.dtype != layout.dtype)
    return nullptr;
  const std::int64_t bytes = row.part->columns * size_of(layout.dtype);
  if (bytes % static_cast<std::int64_t>(sizeof(Word)) != 0) return nullptr;
  return reinterpret_cast<const Word*>(row.part->values.data + row.index * bytes);
}

/// Columns [begin, begin + count) of a row in bf16, in their place, or in `memory` with zeros after the end.
const std::uint16_t* bf16_columns(const Row& row, std::int64_t begin, std::int64_t count,
                                  std::vector<std::uint16_t>& memory) {
  const StoredMatrix* part = row.part;
  if (part != nullptr && part->values.dtype == DType::bf16 && begin + count <= part->columns)
    return reinterpret_cast<const std::uint16_t*>(part->values.data) + row.index * part->columns + begin;
  memory.resize(static_cast<std::size_t>(count));
  expand_chunk(row, begin, count, DType::bf16, reinterpret_cast<std::byte*>(memory.data()));
  return memory.data();
}

/// Rows [begin, begin + plain.rows) of the stacked parts.
void copy_rows(std::span<const StoredMatrix> parts, std::int64_t begin, tensor::Matrix plain) {
  parallel_for(plain.rows, 1, [&](std::int64_t r) {
    expand_chunk(row_of(parts, begin + r), 0, plain.columns, plain.dtype, plain.row_range(r, 1).data);
  });
}

}  // namespace

std::optional<PanelLayout> panel_layout(const dnnl::memory::desc& packed) {
  if (!has_native_bf16() && !has_native_int8()) return {};
  const dnnl_memory_desc_t& d = packed.data;
  const dnnl_blocking_desc_t& blocks = d.format_desc.blocking;
  const bool bf16 = d.data_type == dnnl_bf16, i8 = d.data_type == dnnl_s8;
  if (d.format_kind != dnnl_blocked || d.ndims != 2 || d.extra.flags != dnnl_memory_extra_flag_none) return {};
  if (blocks.inner_nblks != 3 || !(bf16 || i8)) return {};
  PanelLayout layout{bf16 ? DType::bf16 : DType::i8, d.dims[1], d.dims[0], blocks.inner_blks[1], 0};
  layout.words = layout.chunk = d.padded_dims[0] / layout.word_elements();
  const bool known = blocks.inner_idxs[0] == 0 && blocks.inner_idxs[1] == 1 && blocks.inner_idxs[2] == 0 &&
                     blocks.inner_blks[2] == layout.word_elements() && layout.width % kTile == 0 &&
                     layout.words % kTile == 0 &&
                     blocks.strides[0] == blocks.inner_blks[0] * blocks.inner_blks[1] * blocks.inner_blks[2] &&
                     blocks.strides[1] == d.padded_dims[0] * layout.width;
  if (!known) return {};
  return layout;
}

#ifdef __x86_64__
__attribute__((target("avx512f"))) void transpose_word_tile(const Word* from, std::int64_t from_stride, Word* to,
                                                            std::int64_t to_stride) {
  __m512i r[kTile], t[kTile];
#pragma GCC unroll 16
  for (int i = 0; i < kTile; ++i) {
    r[i] = _mm512_loadu_si512(from + i * from_stride);
    _mm_prefetch(from + i * from_stride + kAhead / static_cast<std::int64_t>(sizeof(Word)), _MM_HINT_T0);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTile; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTile; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // r[4 g + j] holds, in its 128-bit lane l, word 4 l + j of rows 4 g to 4 g + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i a = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88), b = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
    const __m512i c = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xDD), d = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xDD);
    _mm512_storeu_si512(to + j * to_stride, _mm512_shuffle_i32x4(a, b, 0x88));
    _mm512_storeu_si512(to + (4 + j) * to_stride, _mm512_shuffle_i32x4(c, d, 0x88));
    _mm512_storeu_si512(to + (8 + j) * to_stride, _mm512_shuffle_i32x4(a, b, 0xDD));
    _mm512_storeu_si512(to + (12 + j) * to_stride, _mm512_shuffle_i32x4(c, d, 0xDD));
  }
}
#else
void transpose_word_tile(const Word*, std::int64_t, Word*, std::int64_t) {}
#endif

void pack_panels(std::span<const StoredMatrix> parts, std::int64_t begin, const PanelLayout& layout, std::byte* to) {
  constexpr std::int64_t kWords = kChunkBytes / static_cast<std::int64_t>(sizeof(Word));
  parallel_for(layout.padded_outputs() / kTile, 1, [&](std::int64_t tile) {
    const std::int64_t first = tile * kTile, unit = layout.word_elements();  // rows are counted from begin
    const auto place = [&](std::int64_t word) { return reinterpret_cast<Word*>(to) + layout.offset(first, word); };
    const Word* stored = first + kTile <= layout.outputs ? stored_rows(parts, begin + first, layout) : nullptr;
    const std::int64_t stored_words = layout.inputs / unit;
    std::int64_t word = 0;
    for (; stored != nullptr && word + kTile <= stored_words; word += kTile) {
      transpose_word_tile(stored + word, stored_words, place(word), layout.width);
    }
    alignas(64) std::array<Word, kTile * kWords> rows;
    for (; word < layout.words; word += kWords) {
      const std::int64_t count = std::min(kWords, layout.words - word);
      for (std::int64_t r = 0; r < kTile; ++r) {
        const Row row = first + r < layout.outputs ? row_of(parts, begin + first + r) : Row{};
        expand_chunk(row, word * unit, count * unit, layout.dtype,
                     reinterpret_cast<std::byte*>(rows.data() + r * kWords));
      }
      for (std::int64_t w = 0; w < count; w += kTile) {
        transpose_word_tile(rows.data() + w, kWords, place(word + w), layout.width);
      }
    }
  });
}

void pack_transposed_panels(std::span<const StoredMatrix> parts, std::int64_t begin, const PanelLayout& layout,
                            std::byte* to) {
  const std::int64_t columns = layout.padded_outputs();
  parallel_for(layout.words, layout.chunk, [&](std::int64_t word) {
    thread_local std::vector<std::uint16_t> upper, lower;
    const std::int64_t panel = layout.width * layout.chunk_words(word / layout.chunk * layout.chunk);
    interleave_rows(bf16_columns(row_of(parts, 2 * word), begin, columns, upper),
                    bf16_columns(row_of(parts, 2 * word + 1), begin, columns, lower), columns,
                    reinterpret_cast<Word*>(to) + layout.offset(0, word), panel);
  });
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512vnni"))) void panel_sums(const PanelLayout& layout, const std::byte* packed,
                                                              std::int32_t* sums) {
  const __m512i ones = _mm512_set1_epi8(1);
  for (std::int64_t output = 0; output < layout.outputs; output += kTile) {
    __m512i sum = _mm512_setzero_si512();
    for (std::int64_t begin = 0; begin < layout.words; begin += layout.chunk) {
      const Word* panel = reinterpret_cast<const Word*>(packed) + layout.offset(output, begin);
      for (std::int64_t word = 0; word < layout.chunk_words(begin); ++word) {
        sum = _mm512_dpbusd_epi32(sum, ones, _mm512_loadu_si512(panel + word * layout.width));
      }
    }
    const auto here = static_cast<unsigned>(std::min(kTile, layout.outputs - output));
    _mm512_mask_storeu_epi32(sums + output, static_cast<__mmask16>((1u << here) - 1u), sum);
  }
}
#else
void panel_sums(const PanelLayout&, const std::byte*, std::int32_t*) {}
#endif

void pack_weight(std::span<const StoredMatrix> parts, std::int64_t begin, dnnl::memory& to) {
  const dnnl::memory::desc desc = to.get_desc();
  if (const auto layout = panel_layout(desc)) {
    return pack_panels(parts, begin, *layout, static_cast<std::byte*>(to.get_data_handle()));
  }
  const std::int64_t outputs = desc.dims()[1], inputs = desc.dims()[0];
  const DType dtype = desc.data_type() == dnnl::memory::data_type::s8 ? DType::i8 : DType::bf16;
  const tensor::Tensor plain(dtype, {outputs, inputs});
  copy_rows(parts, begin, matrix_of(plain));
  dnnl::memory from(transposed_desc(outputs, inputs, dtype), dnnl_engine(), plain.data());
  dnnl::stream stream(dnnl_engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

std::vector<std::int32_t> row_sums(std::span<const StoredMatrix> parts, std::int64_t begin,
                                   const dnnl::memory& packed) {
  const dnnl::memory::desc desc = packed.get_desc();
  const std::int64_t outputs = desc.dims()[1], inputs = desc.dims()[0];
  std::vector<std::int32_t> sums(static_cast<std::size_t>(outputs));
  if (const auto layout = panel_layout(desc)) {
    panel_sums(*layout, static_cast<const std::byte*>(packed.get_data_handle()), sums.data());
    return sums;
  }
  std::vector<std::int8_t> bytes(static_cast<std::size_t>(inputs));
  for (std::int64_t r = 0; r < outputs; ++r) {
    expand_chunk(row_of(parts, begin + r), 0, inputs, DType::i8, reinterpret_cast<std::byte*>(bytes.data()));
    sums[static_cast<std::size_t>(r)] = std::accumulate(bytes.begin(), bytes.end(), 0);
  }
  return sums;
}

PackedForm packed_form(DType dtype, std::int64_t outputs, std::int64_t inputs) try {
  const bool bf16 = dtype == DType::bf16;
  const dnnl::memory::desc any({inputs, outputs}, dnnl_type(dtype), dnnl::memory::format_tag::any);
  const dnnl::matmul::primitive_desc layout(
      {matrix_desc(kLayoutRows, inputs, inputs, bf16 ? DType::bf16 : DType::u8), any,
       matrix_desc(kLayoutRows, outputs, outputs, bf16 ? DType::f32 : DType::i32)},
      dnnl_engine());
  PackedForm form{layout.weights_desc(), layout.impl_info_str()};
  require<DeviceError>(!bf16 || std::string_view(form.kernel).starts_with("brg"),
                       "[matmul] this CPU has no fast bf16 GEMM: {}", form.kernel);
  return form;
} catch (const dnnl::error& error) {
  fail<DeviceError>("[matmul] no {} GEMM on this CPU: {}", name_of(dtype), error.message);
}

/// The number of outputs of a block. With these sizes oneDNN 2.6's kernels are fastest for 256 rows; other sizes cost
/// up to 15 % (docs/journal.md).
std::int64_t max_block_outputs(DType dtype, std::int64_t inputs) {
  const std::int64_t best = (dtype == DType::bf16 ? 512 : 1024) * std::max<std::int64_t>(1, 4096 / inputs);
  const std::int64_t fitting = kMaxBlockBytes / (size_of(dtype) * inputs) / kPanelOutputs * kPanelOutputs;
  return std::clamp(fitting, kPanelOutputs, best);
}

std::int64_t packed_blocks_bytes(DType dtype, std::int64_t inputs) {
  return thread_count() * max_block_outputs(dtype, inputs) * inputs * size_of(dtype);
}

void for_packed_blocks(std::span<const StoredMatrix> parts, DType dtype,
                       const std::function<void(std::int64_t, const dnnl::memory&)>& body) {
  const std::int64_t outputs = outputs_of(parts), inputs = parts[0].columns;
  const std::int64_t share = (outputs / thread_count() + kPanelOutputs - 1) / kPanelOutputs * kPanelOutputs;
  const std::int64_t block = std::clamp(share, kPanelOutputs, max_block_outputs(dtype, inputs));
  const auto desc_of = [&](std::int64_t count) { return packed_form(dtype, count, inputs).desc; };
  const dnnl::memory::desc whole = desc_of(std::min(block, outputs));
  const dnnl::memory::desc last = outputs % block == 0 ? whole : desc_of(outputs % block);
  parallel_for((outputs + block - 1) / block, 1, [&](std::int64_t index) {
    thread_local Scratch packed;
    // oneDNN divides a product among all threads that it may use, although only this one works on it.
    if (omp_in_parallel() != 0) omp_set_num_threads(1);
    const std::int64_t begin = index * block;
    const dnnl::memory::desc& desc = begin + block <= outputs ? whole : last;
    dnnl::memory weight(desc, dnnl_engine(), packed.reserve(desc.get_size()));
    pack_weight(parts, begin, weight);
    body(begin, weight);
  });
}

std::int64_t outputs_of(std::span<const StoredMatrix> parts) {
  std::int64_t outputs = 0;
  for (const StoredMatrix& part : parts) outputs += part.rows;
  return outputs;
}

}  // namespace e5v::ops::cpu
