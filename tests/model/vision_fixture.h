#pragma once
#include <gmock/gmock.h>

#include "base/file.h"
#include "base/json.h"
#include "golden.h"
#include "image/decode.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/difference.h"
#include "model/prepared_image.h"
#include "tensor/arena.h"
#include "tensor/safetensors.h"

namespace e5v::model::test {

inline constexpr double kVisionTolerance = 5e-5;

/// The tiny model with the image whose stages the goldens hold.
class Vision : public testing::Test {
 protected:
  Vision() : folder(e5v::test::golden("ckpt/tiny-small-f32")), config(read_config(folder)), checkpoint(folder) {
    preprocess =
        image::Preprocess::from_json(read_json(folder / "preprocessor_config.json"), "preprocessor_config.json");
  }

  PreparedImage prepared(const image::Bitmap& bitmap) const {
    return {Patches::of(image::make_tiles(bitmap, preprocess), preprocess.patch),
            ImageLayout(image::packed_order({bitmap.height, bitmap.width}, preprocess))};
  }
  PreparedImage prepared(image::Variant variant) {
    preprocess.variant = variant;
    const std::string file = read_file(e5v::test::golden("images/img04_tiny_3x2.png"));
    const image::Bitmap bitmap = image::decode(std::as_bytes(std::span(file)), "img04");
    return prepared(bitmap);
  }

  std::filesystem::path folder;
  ModelConfig config;
  Checkpoint checkpoint;
  image::Preprocess preprocess;
  tensor::SafetensorsFile expected{e5v::test::golden("vision/img04_vision.safetensors")};
  tensor::Arena arena;
};

}  // namespace e5v::model::test
