// Converts stored weights to numbers. Included once per instruction set, between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE of the including file.
#if defined(E5V_OPS_CPU_EXPAND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef E5V_OPS_CPU_EXPAND_INL_H_
#undef E5V_OPS_CPU_EXPAND_INL_H_
#else
#define E5V_OPS_CPU_EXPAND_INL_H_
#endif

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/cpu/vector-inl.h"
#include "tensor/stored_matrix.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

template <class To>
HWY_INLINE void expand_int8(const std::int8_t* values, float scale, std::size_t count, To* y) {
  const hn::RebindToSigned<FloatTag> word;
  const hn::Rebind<std::int8_t, FloatTag> byte;
  const auto factor = hn::Set(FloatTag(), scale);
  const std::size_t lanes = hn::Lanes(FloatTag());
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    store(hn::Mul(hn::ConvertTo(FloatTag(), hn::PromoteTo(word, hn::LoadU(byte, values + i))), factor), y + i);
  }
  for (; i < count; ++i) y[i] = To(static_cast<float>(values[i]) * scale);
}

/// count is a multiple of 8. A word holds eight values. Its copies, shifted by 0, 4, ..., 28 bits, are the lanes of one
/// vector (or of two, if vectors have four lanes).
HWY_INLINE void expand_int4(const std::int32_t* words, float scale, std::size_t count, float* y) {
  const hn::CappedTag<float, 8> d;
  const hn::RebindToSigned<decltype(d)> word;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, scale);
  for (std::size_t i = 0; i < count; ++words) {
    const auto copies = hn::Set(bits, static_cast<std::uint32_t>(*words));
    for (std::uint32_t first = 0; first < 8; first += static_cast<std::uint32_t>(lanes), i += lanes) {
      const auto nibbles = hn::And(hn::Shr(copies, hn::ShiftLeft<2>(hn::Iota(bits, first))), hn::Set(bits, 15u));
      const auto numbers = hn::Sub(hn::BitCast(word, nibbles), hn::Set(word, 8));
      hn::StoreU(hn::Mul(hn::ConvertTo(d, numbers), factor), d, y + i);
    }
  }
}

#if HWY_TARGET == HWY_AVX3
/// y[i] = table[code i] in blocks of 32, with one look-up each. `swapped` says whether the first code of a byte is in
/// its high bits. Returns how many elements were computed.
HWY_INLINE std::size_t look_up_codes(const std::uint8_t* codes, bool swapped, FloatVector table, std::size_t count,
                                     tensor::BFloat16* y) {
  HWY_ALIGN tensor::BFloat16 rounded[16];
  store(table, rounded);
  const __m512i values = _mm512_castsi256_si512(_mm256_load_si256(reinterpret_cast<const __m256i*>(rounded)));
  const __m512i nibbles = _mm512_set1_epi32(0x000F000F);
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i / 2)));
    const __m512i high = swapped ? _mm512_slli_epi32(bytes, 16) : _mm512_slli_epi32(bytes, 12);
    const __m512i low = swapped ? _mm512_srli_epi32(bytes, 4) : bytes;
    const __m512i places = _mm512_and_si512(_mm512_or_si512(low, high), nibbles);
    _mm512_storeu_si512(y + i, _mm512_permutexvar_epi16(places, values));
  }
  return i;
}
#endif

HWY_INLINE void expand_int4(const std::int32_t* words, float scale, std::size_t count, tensor::BFloat16* y) {
#if HWY_TARGET == HWY_AVX3
  const auto table = hn::Mul(hn::Iota(FloatTag(), -8.0f), hn::Set(FloatTag(), scale));
  const std::size_t done = look_up_codes(reinterpret_cast<const std::uint8_t*>(words), false, table, count, y);
  words += done / 8, count -= done, y += done;
#endif
  constexpr std::size_t kAtOnce = 64;
  HWY_ALIGN float wide[kAtOnce];
  for (std::size_t i = 0; i < count; i += kAtOnce) {
    const std::size_t part = HWY_MIN(kAtOnce, count - i);
    expand_int4(words + i / 8, scale, part, wide);
    transform(
        part, y + i, [](auto v) HWY_ATTR { return v; }, wide);
  }
}

/// y[i] = round((code i - 8) factor), ties to even; count is a multiple of 8. Uses sixteen look-ups at once in a table
/// of all codes. The first code of a byte is in its low bits.
HWY_INLINE void expand_int4(const std::int32_t* words, float factor, std::size_t count, std::int8_t* y) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = static_cast<float>(static_cast<std::uint32_t>(words[i / 8]) >> (4 * (i % 8)) & 15u) - 8.0f;
    y[i] = static_cast<std::int8_t>(std::nearbyint(code * factor));
  }
#else
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<std::int8_t, decltype(d)> narrow;
  const hn::FixedTag<std::int8_t, 16> bytes;
  const hn::FixedTag<std::uint8_t, 16> codes;
  HWY_ALIGN std::int8_t numbers[16];
  for (std::size_t i = 0; i < 16; i += hn::Lanes(d)) {
    const auto code = hn::Iota(d, static_cast<float>(i) - 8.0f);
    hn::StoreU(hn::DemoteTo(narrow, hn::NearestInt(hn::Mul(code, hn::Set(d, factor)))), narrow, numbers + i);
  }
  const auto table = hn::Load(bytes, numbers);
  const auto expand_32 = [=](const std::uint8_t* from, std::int8_t* to) HWY_ATTR {
    const auto low_bits = hn::Set(codes, std::uint8_t{15});
    const auto pairs = hn::LoadU(codes, from);
    const auto first = hn::BitCast(codes, hn::TableLookupBytes(table, hn::And(pairs, low_bits)));
    const auto second = hn::BitCast(codes, hn::TableLookupBytes(table, hn::ShiftRight<4>(pairs)));
    hn::StoreU(hn::BitCast(bytes, hn::InterleaveLower(codes, first, second)), bytes, to);
    hn::StoreU(hn::BitCast(bytes, hn::InterleaveUpper(codes, first, second)), bytes, to + 16);
  };
  const auto* from = reinterpret_cast<const std::uint8_t*>(words);
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) expand_32(from + i / 2, y + i);
  if (i == count) return;
  HWY_ALIGN std::uint8_t padded[16] = {};
  HWY_ALIGN std::int8_t last[32];
  std::memcpy(padded, from + i / 2, (count - i) / 2);
  expand_32(padded, last);
  std::memcpy(y + i, last, count - i);
#endif
}

/// y[i] = table[code i] * scale; count is a multiple of 8. The first of the two codes in a byte is in the high bits.
HWY_INLINE void expand_nf4(const std::uint8_t* codes, const float* table, float scale, std::size_t count, float* y) {
#if HWY_MAX_BYTES < 32  // no vector holds half of the table
  for (std::size_t i = 0; i < count; ++i) y[i] = table[codes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15] * scale;
#else
  const hn::FixedTag<float, 8> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const auto shifts = hn::ShiftLeft<2>(hn::Xor(hn::Iota(bits, 0), hn::Set(bits, 1u)));
  const auto low = hn::LoadU(d, table), high = hn::LoadU(d, table + 8), factor = hn::Set(d, scale);
  for (std::size_t i = 0; i < count; i += 8) {
    std::uint32_t word = 0;
    std::memcpy(&word, codes + i / 2, sizeof(word));
    const auto code = hn::Shr(hn::Set(bits, word), shifts);
    const auto place = hn::IndicesFromVec(d, hn::And(code, hn::Set(bits, 7u)));
    const auto upper = hn::BitCast(d, hn::ShiftLeft<28>(code));  // its sign is the code's highest bit
    const auto value =
        hn::IfNegativeThenElse(upper, hn::TableLookupLanes(high, place), hn::TableLookupLanes(low, place));
    hn::StoreU(hn::Mul(value, factor), d, y + i);
  }
#endif
}

HWY_INLINE void expand_nf4(const std::uint8_t* codes, const float* table, float scale, std::size_t count,
                           tensor::BFloat16* y) {
#if HWY_TARGET == HWY_AVX3
  const std::size_t done = look_up_codes(codes, true, hn::Mul(load(table), hn::Set(FloatTag(), scale)), count, y);
  codes += done / 2, count -= done, y += done;
#endif
  HWY_ALIGN float wide[tensor::kNf4Block];  // count is at most a block
  expand_nf4(codes, table, scale, count, wide);
  transform(
      count, y, [](auto v) HWY_ATTR { return v; }, wide);
}

/// The scale of a block of a nf4 matrix, rounded as in bitsandbytes: product and sum are not fused.
HWY_INLINE float nf4_scale(const tensor::StoredMatrix& weight, std::int64_t block) {
  const tensor::Nf4Tables& tables = weight.nf4_tables;
  if (!tables.nested()) return reinterpret_cast<const float*>(weight.scales.data)[block];
  const auto code = std::to_integer<std::size_t>(weight.scales.data[block]);
  const volatile float product =  // volatile, because compilers would fuse it into a multiply-add
      reinterpret_cast<const float*>(tables.scale_map.data)[code] *
      reinterpret_cast<const float*>(tables.nested_scales.data)[block / tensor::kNf4NestedBlock];
  return product + tables.offset;
}

/// y[i] = number first + i of a row-major nf4 matrix; first and count are multiples of 8.
template <class To>
void expand_nf4(const tensor::StoredMatrix& weight, std::int64_t first, std::int64_t count, To* y) {
  const auto* codes = reinterpret_cast<const std::uint8_t*>(weight.values.data);
  const auto* table = reinterpret_cast<const float*>(weight.nf4_tables.code_map.data);
  for (std::int64_t i = first; i < first + count;) {
    const std::int64_t block = i / tensor::kNf4Block, end = std::min((block + 1) * tensor::kNf4Block, first + count);
    expand_nf4(codes + i / 2, table, nf4_scale(weight, block), static_cast<std::size_t>(end - i), y + (i - first));
    i = end;
  }
}

/// Element `index` of a tensor of f32, f16 or bf16.
HWY_INLINE float scale_at(const tensor::TensorView& scales, std::int64_t index) {
  switch (scales.dtype) {
    case tensor::DType::f16: return static_cast<float>(reinterpret_cast<const tensor::Half*>(scales.data)[index]);
    case tensor::DType::bf16: return static_cast<float>(reinterpret_cast<const tensor::BFloat16*>(scales.data)[index]);
    default: return reinterpret_cast<const float*>(scales.data)[index];
  }
}

/// The value of one unit of a row's bytes. For int8 it is the scale. For int4 it is the value for which the largest
/// code of the group with the largest scale is 127 units.
HWY_INLINE float byte_scale(const tensor::StoredMatrix& weight, std::int64_t row) {
  if (weight.format == tensor::WeightFormat::int8) return scale_at(weight.scales, row);
  const std::int64_t groups = weight.scales.shape[1];
  float largest = 0;
  for (std::int64_t i = 0; i < groups; ++i) {
    const float scale = scale_at(weight.scales, row * groups + i);
    largest = HWY_MAX(largest, scale < 0 ? -scale * (128.0f / 127.0f) : scale);  // -8 times it must not exceed 127
  }
  return largest / 16.0f;
}

/// Columns [begin, begin + count) of a row of int8 or int4 in units of byte_scale; for int4 begin and count are
/// multiples of 8.
HWY_INLINE void expand_bytes(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin,
                             std::int64_t count, std::int8_t* y) {
  if (weight.format == tensor::WeightFormat::int8) {
    std::memcpy(y, weight.values.data + row * weight.columns + begin, static_cast<std::size_t>(count));
    return;
  }
  const std::int64_t group = weight.group(), groups = weight.scales.shape[1];
  const float unit = byte_scale(weight, row), inverse = unit > 0 ? 1.0f / unit : 0.0f;
  const auto* words = reinterpret_cast<const std::int32_t*>(weight.values.data) + row * weight.values.shape[1];
  for (std::int64_t k = begin; k < begin + count;) {
    const std::int64_t end = std::min((k / group + 1) * group, begin + count);
    const float factor = scale_at(weight.scales, row * groups + k / group) * inverse;
    expand_int4(words + k / 8, factor, static_cast<std::size_t>(end - k), y + (k - begin));
    k = end;
  }
}

template <class From, class To>
HWY_INLINE void expand_plain(const std::byte* values, std::int64_t index, std::size_t count, To* y) {
  transform(
      count, y, [](auto v) HWY_ATTR { return v; }, reinterpret_cast<const From*>(values) + index);
}

/// y[i] = column begin + i of a row of the weight, i in [0, count). For int4 and nf4, begin and count are multiples
/// of 8.
template <class To>
void expand(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, std::int64_t count, To* y) {
  const std::int64_t index = row * weight.columns + begin;
  const auto size = static_cast<std::size_t>(count);
  if (weight.format == tensor::WeightFormat::plain) {
    switch (weight.values.dtype) {
      case tensor::DType::f16: return expand_plain<tensor::Half>(weight.values.data, index, size, y);
      case tensor::DType::bf16: return expand_plain<tensor::BFloat16>(weight.values.data, index, size, y);
      default: return expand_plain<float>(weight.values.data, index, size, y);
    }
  }
  if (weight.format == tensor::WeightFormat::int8) {
    const auto* values = reinterpret_cast<const std::int8_t*>(weight.values.data) + index;
    return expand_int8(values, scale_at(weight.scales, row), size, y);
  }
  if (weight.format == tensor::WeightFormat::nf4) return expand_nf4(weight, index, count, y);
  const std::int64_t group = weight.group(), groups = weight.scales.shape[1];
  const auto* words = reinterpret_cast<const std::int32_t*>(weight.values.data) + row * weight.values.shape[1];
  for (std::int64_t k = begin; k < begin + count;) {
    const std::int64_t end = std::min((k / group + 1) * group, begin + count);
    expand_int4(words + k / 8, scale_at(weight.scales, row * groups + k / group), static_cast<std::size_t>(end - k),
                y + (k - begin));
    k = end;
  }
}

/// Prefetches columns [begin, begin + count) of a row, as far as they exist. Rows are far apart, so that the processor
/// does not predict the next one.
HWY_INLINE void prefetch(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, std::int64_t count) {
  const bool packed = weight.format == tensor::WeightFormat::int4 || weight.format == tensor::WeightFormat::nf4;
  const auto bytes = [&](std::int64_t columns) {
    return packed ? columns / 2 : columns * size_of(weight.values.dtype);
  };
  const std::byte* from = weight.values.data + row * bytes(weight.columns);
  const std::int64_t end = bytes(std::min(begin + count, weight.columns));
  for (std::int64_t byte = bytes(begin); byte < end; byte += 64) hwy::Prefetch(from + byte);
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
