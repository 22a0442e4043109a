#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/json.h"
#include "e5v/e5v.h"
#include "golden.h"
#include "tensor/safetensors.h"

/// The reference's vectors and what they were made from.
namespace e5v::test {

/// Row `index` of a golden f32 tensor [N, D].
inline std::span<const float> golden_row(const tensor::SafetensorsFile& file, const char* name, std::size_t index) {
  const tensor::TensorView* view = file.find(name);
  require(view != nullptr, "[goldens] no tensor {}", name);
  const auto width = static_cast<std::size_t>(view->shape[view->shape.rank() - 1]);
  return view->as<float>().subspan(index * width, width);
}

/// Largest absolute difference; NaN counts as infinite.
inline double max_difference(std::span<const float> found, std::span<const float> expected) {
  if (found.size() != expected.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(double{found[i]} - double{expected[i]});
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

inline double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

/// A checkpoint of the goldens with the folder that its reference vectors are in.
struct GoldenModel {
  std::filesystem::path folder, vectors;
  std::string name;  ///< as in the vectors' file names: "small_f32"

  tensor::SafetensorsFile file(const std::string& stem) const {
    return tensor::SafetensorsFile(vectors / (stem + "_" + name + ".safetensors"));
  }
  tensor::SafetensorsFile file(const std::string& stem, const std::string& variant) const {
    return tensor::SafetensorsFile(vectors / (stem + "_" + name + "_" + variant + ".safetensors"));
  }
  Json json(const std::string& stem, const std::string& variant) const {
    return read_json(vectors / (stem + "_" + name + "_" + variant + ".json"));
  }
};

/// The sentences of the text goldens: what stands in the prompts' slot.
inline std::vector<std::string> golden_sentences() {
  constexpr std::string_view kBefore = "<|start_header_id|>user<|end_header_id|>\n\n",
                             kAfter = "\nSummary above sentence";
  std::vector<std::string> sentences;
  const Json json = read_json(golden("embed/texts_small_f32.json"));
  for (const Json& prompt : json.at("prompts")) {
    const auto text = prompt.get<std::string>();
    sentences.push_back(text.substr(kBefore.size(), text.rfind(kAfter) - kBefore.size()));
  }
  return sentences;
}

}  // namespace e5v::test
