#include "model/bitsandbytes.h"

#include <cmath>

#include "model/config_fields.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::TensorView;

constexpr const char* kFp4State = ".quant_state.bitsandbytes__fp4";
constexpr std::size_t kMaxStateBytes = 4096;

const TensorView& needed(const FindPart& part, std::string_view suffix, const std::string& origin) {
  const TensorView* view = part(suffix);
  require<ModelError>(view != nullptr, "[{}] part \"{}\" is missing", origin, suffix);
  return *view;
}

Json read_state(const TensorView& state, const std::string& origin) {
  const std::size_t size = state.bytes().size();
  require<ModelError>(state.dtype == DType::u8 && size <= kMaxStateBytes,
                      "[{}] \"{}\" is {} {}, expected at most {} bytes of JSON", origin, Nf4Suffix::kState,
                      name_of(state.dtype), state.shape.text(), kMaxStateBytes);
  return parse_json({reinterpret_cast<const char*>(state.data), size}, origin + Nf4Suffix::kState);
}

/// The original type of the numbers does not matter.
void check_state(const Fields& state, std::int64_t rows, std::int64_t columns) {
  state.check(state.text("quant_type", "none") == "nf4", "quant_type", "\"nf4\"");
  const auto is_number = [&](const char* key, std::int64_t number) {
    const Json* found = state.find(key);
    state.check(found != nullptr && *found == Json(number), key, std::to_string(number));
  };
  is_number("blocksize", tensor::kNf4Block);
  const Json* shape = state.find("shape");
  state.check(shape != nullptr && *shape == Json({rows, columns}), "shape",
              fmt::format("[{}, {}] from config.json", rows, columns));
  if (state.has("nested_offset")) is_number("nested_blocksize", tensor::kNf4NestedBlock);
}

}  // namespace

bool is_bitsandbytes(const FindPart& part) {
  const TensorView* codes = part("");
  return part(Nf4Suffix::kState) != nullptr || part(kFp4State) != nullptr ||
         (codes != nullptr && codes->dtype == DType::u8);
}

tensor::StoredMatrix nf4_matrix(const FindPart& part, const std::string& origin, std::int64_t rows,
                                std::int64_t columns) {
  require<ModelError>(part(kFp4State) == nullptr, "[{}] expected nf4, found fp4", origin);
  const TensorView& codes = needed(part, "", origin);
  const Json json = read_state(needed(part, Nf4Suffix::kState, origin), origin);
  const Fields state(json, origin + Nf4Suffix::kState);
  check_state(state, rows, columns);
  tensor::Nf4Tables tables;
  tables.code_map = needed(part, Nf4Suffix::kCodeMap, origin);
  if (state.has("nested_offset") || part(Nf4Suffix::kNestedScales) != nullptr) {
    tables.scale_map = needed(part, Nf4Suffix::kScaleMap, origin);
    tables.nested_scales = needed(part, Nf4Suffix::kNestedScales, origin);
    tables.offset = static_cast<float>(state.real("nested_offset", std::nullopt, {-1e30, 1e30}));
  }
  return tensor::StoredMatrix::nf4(codes, needed(part, Nf4Suffix::kScales, origin), tables, rows, columns);
}

std::string nf4_state(DType dtype, std::int64_t rows, std::int64_t columns, float offset) {
  const nlohmann::ordered_json state{{"quant_type", "nf4"},
                                     {"blocksize", tensor::kNf4Block},
                                     {"dtype", torch_name_of(dtype)},
                                     {"shape", {rows, columns}},
                                     {"nested_blocksize", tensor::kNf4NestedBlock},
                                     {"nested_dtype", "float32"},
                                     {"nested_offset", double{offset}}};
  std::string text = state.dump();
  text.resize(kNf4StateBytes, ' ');
  return text;
}

std::string_view torch_name_of(DType dtype) {
  switch (dtype) {
    case DType::f16: return "float16";
    case DType::bf16: return "bfloat16";
    default: return "float32";
  }
}

}  // namespace e5v::model
