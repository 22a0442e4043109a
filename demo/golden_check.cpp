// golden_check: embeds the texts and images of tests/golden and compares the vectors with the reference's. The exit
// code is 1 when the difference is larger than that of rounding.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "api/model.h"
#include "embed/goldens.h"

namespace {

using namespace e5v;

constexpr double kTolerance = 5e-5;

/// The largest difference between the inputs' vectors and the rows of a golden tensor.
double largest_difference(test::Model& embedder, const std::vector<Input>& inputs,
                          const tensor::SafetensorsFile& expected) {
  const Embeddings found = embedder.embed(inputs);
  double largest = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto row = test::golden_row(expected, "emb_single", i);
    largest = std::max(largest, test::max_difference(found.row(static_cast<std::int64_t>(i)), row));
  }
  return largest;
}

bool check() {
  const test::GoldenModel model{test::golden("ckpt/tiny-small-f32"), test::golden("embed"), "small_f32"};
  test::ModelOptions options;
  options.normalize = false;
  options.apply_exif = false;   // the reference did not apply EXIF
  options.alpha = Alpha::drop;  // and converted images to RGB
  test::Model embedder(model.folder, options);
  std::vector<Input> texts, images;
  for (const std::string& sentence : test::golden_sentences()) texts.push_back(Input::from_text(sentence));
  const Json described = model.json("images", "v5");
  for (const Json& image : described.at("images")) {
    images.push_back(Input::from_image(test::golden("images") / image.at("image").get<std::string>()));
  }
  const double difference = std::max(largest_difference(embedder, texts, model.file("texts")),
                                     largest_difference(embedder, images, model.file("images", "v5")));
  const bool agrees = difference <= kTolerance;
  fmt::print("{} texts, {} images: largest difference to transformers {:.1e} (tolerance {:.0e}): {}\n", texts.size(),
             images.size(), difference, kTolerance, agrees ? "equal up to rounding" : "NOT EQUAL");
  return agrees;
}

}  // namespace

int main() {
  try {
    return check() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "golden_check: {}\n", error.what());
    return 1;
  }
}
