#include "base/file.h"
#include "image/decode.h"
#include "workloads.h"

namespace e5v::bench {
namespace {

/// The photo, and others of its size with a corner painted over.
std::vector<Input> photos(std::size_t count) {
  const std::string file = read_file(photo());
  const image::Bitmap decoded = image::decode(std::as_bytes(std::span(file)), "photo");
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < count; ++i) {
    Pixels pixels{decoded.width, decoded.height, decoded.pixels};
    for (std::size_t byte = 0; byte < 64; ++byte) pixels.rgb[byte] = static_cast<std::uint8_t>(i);
    inputs.push_back(Input::from_image(std::move(pixels)));
  }
  return inputs;
}

}  // namespace

std::filesystem::path photo() { return E5V_BENCH_PHOTO; }

Workload image(BenchModel& model) {
  if (model.place() == tensor::Place::host) {
    const std::vector<Input> inputs{Input::from_image(photo())};
    return {"image", "photos", 1, model.flops(inputs), [&model, inputs] { model.embed(inputs); }};
  }
  constexpr std::size_t kPhotos = 14;
  const std::vector<Input> inputs = photos(kPhotos);
  std::vector<embed::PreparedInput> prepared;
  for (const Input& input : inputs) prepared.push_back(model.preparer().prepare(input));
  return {"image", "photos", kPhotos, model.flops(inputs), [&model, prepared] { model.embed(prepared); }};
}

}  // namespace e5v::bench
