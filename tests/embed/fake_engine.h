#pragma once
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "embed/engine.h"

namespace e5v::embed::test {

/// An input whose "model" gives these two numbers, which stand in its tokens.
inline PreparedInput fake_input(std::pair<float, float> vector) {
  PreparedInput input;
  input.symbols.resize(2);
  std::memcpy(&input.symbols[0].value, &vector.first, sizeof(float));
  std::memcpy(&input.symbols[1].value, &vector.second, sizeof(float));
  input.fingerprint = std::make_shared<const Fingerprint>();
  return input;
}

/// An engine whose vectors are what the inputs hold.
class FakeEngine : public Engine {
 public:
  mutable int passes = 0, looked_for_weights = 0;
  std::optional<std::string> broken_weight;

  std::int64_t width() const override { return 2; }
  tensor::Place place() const override { return tensor::Place::host; }
  void compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena&) const override {
    ++passes;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      float* y = y_SD.row<float>(static_cast<std::int64_t>(i));
      for (std::size_t d = 0; d < 2; ++d) std::memcpy(y + d, &inputs[i].symbols[d].value, sizeof(float));
    }
  }
  std::optional<std::string> first_non_finite() const override {
    ++looked_for_weights;
    return broken_weight;
  }
  std::int64_t owned_bytes() const override { return 0; }
  nn::Precision precision() const override { return nn::Precision::f32; }
  std::string weights() const override { return "fake"; }

 protected:
  std::unique_ptr<Preparer> make_preparer(const PrepareOptions&, const Preparer*) const override {
    fail<InvalidInput>("[fake] prepares nothing");
  }
};

}  // namespace e5v::embed::test
