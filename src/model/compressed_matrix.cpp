// Legend: N rows, K columns, S columns of scales.
#include "model/compressed_matrix.h"

#include <algorithm>

#include "base/parallel.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Shape;
using tensor::Tensor;
using tensor::TensorView;
using tensor::WeightFormat;
using Span = RoundingArgs::Span;
using Part = CompressedPart;

/// Element i of a row of unsigned numbers that are packed in words without gaps, `bits` each, also across words.
/// `stride` is the distance between the words of a row.
std::uint32_t packed_bits(const std::int32_t* words, std::int64_t stride, std::int64_t i, int bits) {
  const std::int64_t first = i * bits, word = first / 32;
  const auto offset = static_cast<unsigned>(first % 32);
  std::uint64_t pair = static_cast<std::uint32_t>(words[word * stride]);
  if (offset + static_cast<unsigned>(bits) > 32)
    pair |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(words[(word + 1) * stride])) << 32;
  return static_cast<std::uint32_t>(pair >> offset) & ((1u << bits) - 1);
}

std::int64_t words_of(std::int64_t numbers, int bits) { return (numbers * bits + 31) / 32; }

/// Reads the parts of one module.
class Reader {
 public:
  Reader(const FindModulePart& part, const QuantizedGroup& group, const std::string& origin, std::int64_t rows,
         std::int64_t columns)
      : part_(part), args_(group.weights), group_(group), origin_(origin), N_(rows), K_(columns) {}

  CompressedMatrix read(DType decoded) {
    check_form();
    read_scales();
    read_zero_points();
    CompressedMatrix result = compressed_format(group_, part_) == WeightFormat::plain ? decode(decoded) : direct();
    result.matrix.inputs = input_rounding();
    return result;
  }

 private:
  const TensorView& needed(const char* name) const {
    const TensorView* view = part_(name);
    require<ModelError>(view != nullptr, "[{}] tensor \"{}\" is missing, which {} needs", origin_, name, scheme());
    return *view;
  }
  void expect(const char* name, const TensorView& view, bool type_fits, std::string_view type,
              const Shape& shape) const {
    require<ModelError>(type_fits && view.shape == shape, "[{}] tensor \"{}\": expected {} {} for {}, found {} {}",
                        origin_, name, type, shape.text(), scheme(), name_of(view.dtype), view.shape.text());
  }
  std::string scheme() const { return fmt::format("config_groups.{} ({} bits)", group_.name, args_.bits); }

  /// Checks the tensor of the integers or floats.
  void check_form() {
    require<ModelError>(part_("weight_g_idx") == nullptr,
                        "[{}] tensor \"weight_g_idx\": columns in another order (actorder) are not supported", origin_);
    packed_ = part_(Part::kPacked);
    require<ModelError>(packed_ == nullptr || part_(Part::kWeight) == nullptr,
                        "[{}] expected one of \"weight\" and \"weight_packed\", found both", origin_);
    if (packed_ != nullptr) {
      require<ModelError>(!args_.floating, "[{}] tensor \"weight_packed\": packed floats are not supported", origin_);
      expect(Part::kPacked, *packed_, packed_->dtype == DType::i32, "i32", {N_, words_of(K_, args_.bits)});
      check_stored_shape();
    } else {
      values_ = &needed(Part::kWeight);
      const DType type = args_.floating ? DType::f8_e4m3 : DType::i8;
      expect(Part::kWeight, *values_, values_->dtype == type, name_of(type), {N_, K_});
    }
  }

  void check_stored_shape() const {
    const TensorView* shape = part_(Part::kShape);
    if (shape == nullptr) return;
    const bool pair = (shape->dtype == DType::i64 || shape->dtype == DType::i32) && shape->elements() == 2;
    const auto side = [&](std::size_t i) {
      return shape->dtype == DType::i64 ? shape->as<std::int64_t>()[i] : std::int64_t{shape->as<std::int32_t>()[i]};
    };
    require<ModelError>(pair && side(0) == N_ && side(1) == K_,
                        "[{}] tensor \"weight_shape\" does not say [{}, {}], as config.json does", origin_, N_, K_);
  }

  /// Reads the scales. Their shape decides which scale a number has.
  void read_scales() {
    height_ = args_.span == Span::tensor ? N_ : args_.span == Span::block ? args_.block[0] : 1;
    width_ = args_.span == Span::group ? args_.group : args_.span == Span::block ? args_.block[1] : K_;
    require<ModelError>(args_.span != Span::group || K_ % width_ == 0,
                        "[{}] groups of {} columns do not divide the {} columns (config_groups.{})", origin_, width_,
                        K_, group_.name);
    const TensorView& scale = needed(Part::kScale);
    scale_shape_ = {(N_ + height_ - 1) / height_, (K_ + width_ - 1) / width_};
    const bool floating = scale.dtype == DType::f32 || scale.dtype == DType::f16 || scale.dtype == DType::bf16;
    const bool flat = scale_shape_.elements() == scale.elements() && scale.shape.rank() <= 1 && scale_shape_[1] == 1;
    if (!flat || !floating) expect(Part::kScale, scale, floating, "f32, f16 or bf16", scale_shape_);
    scales_ = to_f32(scale);
  }

  void read_zero_points() {
    const TensorView* stored = part_(Part::kZeroPoint);
    if (args_.symmetric) return require_zeros(Part::kZeroPoint, stored);
    const TensorView& zero = needed(Part::kZeroPoint);
    const std::int64_t rows = scale_shape_[0], S = scale_shape_[1];
    zeros_.resize(static_cast<std::size_t>(rows * S));
    if (packed_ == nullptr || args_.span == Span::tensor) {
      require<ModelError>(zero.dtype == DType::i8 && zero.elements() == rows * S,
                          "[{}] tensor \"weight_zero_point\": expected i8 {}, found {} {}", origin_,
                          scale_shape_.text(), name_of(zero.dtype), zero.shape.text());
      const auto values = zero.as<std::int8_t>();
      std::ranges::copy(values, zeros_.begin());
      return;
    }
    // Zero points are packed along rows: a word holds numbers of one column of scales.
    expect(Part::kZeroPoint, zero, zero.dtype == DType::i32, "i32", {words_of(rows, args_.bits), S});
    const std::int32_t* words = zero.as<std::int32_t>().data();
    const int middle = 1 << (args_.bits - 1);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t s = 0; s < S; ++s) {
        zeros_[static_cast<std::size_t>(r * S + s)] =
            static_cast<float>(static_cast<int>(packed_bits(words + s, S, r, args_.bits)) - middle);
      }
    }
  }

  /// Older files store the zero points of symmetric schemes, which must be zero.
  void require_zeros(const char* name, const TensorView* stored) const {
    if (stored == nullptr) return;
    const auto bytes = stored->bytes();
    require<ModelError>(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }),
                        "[{}] tensor \"{}\" is not zero, but config_groups.{} is symmetric", origin_, name,
                        group_.name);
  }

  /// The stored number at a place, before zero point and scale.
  float stored_at(std::int64_t row, std::int64_t column) const {
    if (packed_ != nullptr) {
      const std::int32_t* words = packed_->as<std::int32_t>().data() + row * packed_->shape[1];
      return static_cast<float>(static_cast<int>(packed_bits(words, 1, column, args_.bits)) - (1 << (args_.bits - 1)));
    }
    const std::int64_t place = row * K_ + column;
    if (args_.floating) return static_cast<float>(reinterpret_cast<const tensor::Float8*>(values_->data)[place]);
    return reinterpret_cast<const std::int8_t*>(values_->data)[place];
  }

  template <class T>
  void decode_into(const Tensor& result) const {
    T* out = result.as<T>().data();
    const std::int64_t S = scale_shape_[1];
    parallel_for(N_, 16, [&](std::int64_t row) {
      const std::int64_t scales = row / height_ * S;
      for (std::int64_t k = 0; k < K_; ++k) {
        const auto s = static_cast<std::size_t>(scales + k / width_);
        const float zero = zeros_.empty() ? 0 : zeros_[s];
        out[row * K_ + k] = T((stored_at(row, k) - zero) * scales_.as<float>()[s]);
      }
    });
  }

  CompressedMatrix decode(DType type) const {
    CompressedMatrix result;
    const Tensor& made = result.memory.emplace_back(type, Shape{N_, K_});
    type == DType::bf16 ? decode_into<tensor::BFloat16>(made) : decode_into<float>(made);
    result.matrix = made.view();
    return result;
  }

  /// The integers in their stored form. Those of 8 packed bits are copied without packing.
  CompressedMatrix direct() const {
    CompressedMatrix result;
    TensorView scales = needed(Part::kScale);
    scales.shape = {N_, scales.elements() / N_};
    if (args_.span == Span::tensor) {
      const Tensor& made = result.memory.emplace_back(DType::f32, Shape{N_, 1});
      std::ranges::fill(made.as<float>(), scales_.as<float>()[0]);
      scales = made.view();
    }
    if (packed_ != nullptr && args_.bits == 4) {
      result.matrix = tensor::StoredMatrix::int4(*packed_, scales, K_);
      return result;
    }
    TensorView values = packed_ == nullptr ? *values_ : *packed_;
    if (packed_ != nullptr) {
      const Tensor& made = result.memory.emplace_back(DType::i8, Shape{N_, K_});
      std::int8_t* out = made.as<std::int8_t>().data();
      parallel_for(N_, 16, [&](std::int64_t row) {
        for (std::int64_t k = 0; k < K_; ++k) out[row * K_ + k] = static_cast<std::int8_t>(stored_at(row, k));
      });
      values = made.view();
    }
    result.matrix = tensor::StoredMatrix::int8(values, scales);
    return result;
  }

  tensor::InputRounding input_rounding() const {
    using Scale = tensor::InputRounding::Scale;
    if (!group_.inputs) return {};
    const RoundingArgs& inputs = *group_.inputs;
    tensor::InputRounding result;
    result.bits = inputs.bits, result.floating = inputs.floating, result.symmetric = inputs.symmetric;
    result.scale = inputs.span == Span::token ? Scale::row : inputs.span == Span::group ? Scale::group : Scale::given;
    if (result.scale == Scale::group) {
      result.group = inputs.group;
      require<ModelError>(K_ % inputs.group == 0, "[{}] groups of {} inputs do not divide the {} (config_groups.{})",
                          origin_, inputs.group, K_, group_.name);
    }
    if (result.scale != Scale::given) return result;
    result.given_scale = single(needed(Part::kInputScale), Part::kInputScale);
    require<ModelError>(result.given_scale > 0 && result.given_scale <= 1e30f,
                        "[{}] tensor \"input_scale\": expected a positive number, found {}", origin_,
                        result.given_scale);
    const TensorView* zero = part_(Part::kInputZeroPoint);
    if (inputs.symmetric) {
      require_zeros(Part::kInputZeroPoint, zero);
    } else {
      result.given_zero = single(needed(Part::kInputZeroPoint), Part::kInputZeroPoint);
    }
    return result;
  }

  float single(const TensorView& view, const char* name) const {
    require<ModelError>(view.elements() == 1, "[{}] tensor \"{}\": expected one number, found {}", origin_, name,
                        view.shape.text());
    if (view.dtype == DType::i8) return view.as<std::int8_t>()[0];
    return to_f32(view).as<float>()[0];
  }

  const FindModulePart& part_;
  const RoundingArgs& args_;
  const QuantizedGroup& group_;
  const std::string& origin_;
  std::int64_t N_, K_;
  const TensorView *packed_ = nullptr, *values_ = nullptr;
  std::int64_t height_ = 1, width_ = 1;  // the rows and columns that share a scale
  Shape scale_shape_;
  Tensor scales_;             // f32
  std::vector<float> zeros_;  // one for each scale, or none
};

}  // namespace

bool is_compressed(const FindModulePart& part) {
  const TensorView* weight = part(Part::kWeight);
  return part(Part::kPacked) != nullptr ||
         (weight != nullptr && (weight->dtype == DType::i8 || weight->dtype == DType::f8_e4m3));
}

WeightFormat compressed_format(const QuantizedGroup& group, const FindModulePart& part) {
  const RoundingArgs& args = group.weights;
  const bool rows_share = args.span == Span::channel || args.span == Span::tensor;
  if (args.floating || !args.symmetric || (!rows_share && args.span != Span::group)) return WeightFormat::plain;
  const TensorView *packed = part(Part::kPacked), *scale = part(Part::kScale);
  if (packed == nullptr || args.bits == 8) return rows_share ? WeightFormat::int8 : WeightFormat::plain;
  if (args.bits != 4 || packed->shape.rank() != 2 || scale == nullptr) return WeightFormat::plain;
  if (!rows_share) return args.group % 8 == 0 ? WeightFormat::int4 : WeightFormat::plain;
  const TensorView* shape = part(Part::kShape);  // the last word of a row may have unused bits
  const bool whole =
      shape != nullptr && shape->dtype == DType::i64 && shape->elements() == 2 && shape->as<std::int64_t>()[1] % 8 == 0;
  return whole ? WeightFormat::int4 : WeightFormat::plain;
}

CompressedMatrix read_compressed(const FindModulePart& part, const QuantizedGroup& group, const std::string& origin,
                                 std::int64_t rows, std::int64_t columns, DType decoded) try {
  return Reader(part, group, origin, rows, columns).read(decoded);
} catch (const InvalidInput& error) {
  fail<ModelError>("[{}] {}", origin, error.what());
}

QuantizedGroup implied_group(const FindModulePart& part, std::int64_t columns) {
  QuantizedGroup group{"none", {}, std::nullopt};
  const TensorView* scale = part(Part::kScale);
  if (part(Part::kPacked) == nullptr) return group;
  group.weights.bits = 4;
  group.weights.span = Span::group;
  group.weights.group = columns;
  if (scale != nullptr && scale->shape.rank() == 2 && scale->shape[1] > 0) {
    group.weights.group = columns / scale->shape[1];
  }
  return group;
}

}  // namespace e5v::model
