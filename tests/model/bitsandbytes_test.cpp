#include "model/bitsandbytes.h"

#include <gmock/gmock.h>

#include "model/checkpoint.h"
#include "ops/nf4.h"
#include "ops/quantize.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Tensor;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kRows = 6, kColumns = 64;
const std::string kName = "language_model.model.layers.0.mlp.up_proj.weight";
const std::string kCanonical = "language_model.layers.0.mlp.up_proj.weight";

/// A matrix as bitsandbytes stores it, in memory, to be spoilt.
struct Stored {
  Tensor plain{DType::f32, {kRows, kColumns}};
  ops::Nf4Weight weight;
  std::string state;
  std::vector<Tensor> more;
  tensor::TensorMap tensors;

  Stored() {
    for (std::size_t i = 0; i < kRows * kColumns; ++i) plain.as<float>()[i] = static_cast<float>(i % 17) - 8;
    weight = ops::quantize_nf4(plain.view());
    tensors[kName] = weight.codes.view();
    tensors[kName + ".absmax"] = weight.scales.view();
    tensors[kName + ".quant_map"] = weight.matrix.nf4_tables.code_map;
    tensors[kName + ".nested_absmax"] = weight.nested_scales.view();
    tensors[kName + ".nested_quant_map"] = weight.matrix.nf4_tables.scale_map;
    set_state(nf4_state(DType::f32, kRows, kColumns, weight.matrix.nf4_tables.offset));
  }

  void set_state(std::string text, const std::string& type = "nf4") {
    state = std::move(text);
    tensors[kName + ".quant_state.bitsandbytes__" + type] = {
        reinterpret_cast<const std::byte*>(state.data()), DType::u8, {static_cast<std::int64_t>(state.size())}};
  }
  void replace_in_state(const std::string& from, const std::string& to) {
    std::string text = state;
    text.replace(text.find(from), from.size(), to);
    set_state(text);
  }
  void shorten(const std::string& suffix) {
    tensor::TensorView& view = tensors.at(kName + suffix);
    view.shape = {view.elements() - 1};
  }

  tensor::StoredMatrix read() const { return Checkpoint(tensors, "memory").matrix(kCanonical, kRows, kColumns); }
};

TEST(Bitsandbytes, ReadsWhatItStores) {
  const Stored stored;
  const tensor::StoredMatrix matrix = stored.read();
  EXPECT_EQ(matrix.format, tensor::WeightFormat::nf4);
  const Tensor wide(DType::f32, {kRows, kColumns});
  ops::expand_rows(matrix, 0, matrix_of(wide));
  for (std::size_t i = 0; i < kRows * kColumns; ++i) {
    EXPECT_NEAR(wide.as<float>()[i], stored.plain.as<float>()[i], 1.3) << i;  // half of the widest step of 8
  }
}

TEST(Bitsandbytes, ReadsScalesThatAreNotQuantised) {
  Stored stored;
  Tensor scales(DType::f32, {kRows});
  std::ranges::fill(scales.as<float>(), 8.0f);
  stored.tensors[kName + ".absmax"] = scales.view();
  stored.tensors.erase(kName + ".nested_absmax");
  stored.tensors.erase(kName + ".nested_quant_map");
  stored.set_state(R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [6, 64]})");
  const Tensor wide(DType::f32, {kRows, kColumns});
  ops::expand_rows(stored.read(), 0, matrix_of(wide));
  EXPECT_EQ(wide.as<float>()[0], -8);
}

TEST(Bitsandbytes, WhatIsBrokenIsSaid) {
  const auto error_of = [](const std::function<void(Stored&)>& spoil, const std::string& part) {
    Stored stored;
    spoil(stored);
    EXPECT_THAT([&] { stored.read(); }, ThrowsMessage<ModelError>(AllOf(HasSubstr("up_proj"), HasSubstr(part))))
        << part;
  };
  for (const char* part : {".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"}) {
    error_of([&](Stored& s) { s.tensors.erase(kName + part); }, part);
    error_of([&](Stored& s) { s.shorten(part); }, "");
  }
  error_of([](Stored& s) { s.tensors.erase(kName + ".quant_state.bitsandbytes__nf4"); }, "quant_state");
  error_of([](Stored& s) { s.shorten(""); }, "");
  error_of([](Stored& s) { s.replace_in_state("\"blocksize\":64", "\"blocksize\":32"); }, "blocksize");
  error_of([](Stored& s) { s.replace_in_state("\"nested_blocksize\":256", "\"nested_blocksize\":64"); },
           "nested_blocksize");
  error_of([](Stored& s) { s.replace_in_state("[6,64]", "[64,6]"); }, "shape");
  error_of([](Stored& s) { s.replace_in_state("\"nf4\"", "\"fp4\""); }, "quant_type");
  error_of([](Stored& s) { s.set_state("{\"quant_type\": ["); }, "JSON");
  error_of(
      [](Stored& s) {
        s.tensors.erase(kName + ".quant_state.bitsandbytes__nf4");
        s.set_state("{}", "fp4");
      },
      "expected nf4, found fp4");
}

}  // namespace
}  // namespace e5v::model
