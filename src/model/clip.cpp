// Legend: T packed tokens, P pooled rows, I images, D tower width, V width of the vectors.
#include "model/clip.h"

#include <algorithm>
#include <vector>

namespace e5v::model {

using tensor::DType;
using tensor::Matrix;

Clip::Clip(const Checkpoint& checkpoint, const ClipModelConfig& c, const image::Preprocess& preprocess,
           nn::Precision precision)
    : config_(c),
      pixel_table_(normalize_table(preprocess)),
      text_(ClipTextWeights::from(checkpoint, c.text), c.text, precision),
      vision_(ClipWeights::from(checkpoint, c.vision, c.vision.layers, "vision_model."), c.vision, precision),
      post_norm_(NormWeights::from(checkpoint, "vision_model.post_layernorm", c.vision.width).layer(c.vision.norm_eps)),
      text_projection_({checkpoint.matrix("text_projection.weight", c.projection, c.text.width)}, precision),
      visual_projection_({checkpoint.matrix("visual_projection.weight", c.projection, c.vision.width)}, precision) {
  require<ModelError>(preprocess.tile == c.vision.image_size,
                      "[clip] preprocessor_config.json cuts images to {} pixels, the vision tower takes {}",
                      preprocess.tile, c.vision.image_size);
}

void Clip::embed_texts(std::span<const std::int32_t> ids_T, const PackedRows& rows, Matrix y_PV,
                       const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const Matrix x_PD = pass.matrix(DType::f32, y_PV.rows, config_.text.width);
  text_.forward(ids_T, rows, x_PD, pass);
  text_projection_.forward(pass, nn::converted(pass, x_PD, text_projection_.input_type()), y_PV);
}

void Clip::embed_images(std::span<const std::span<const std::uint8_t>> images, Matrix y_IV,
                        const nn::Pass& pass) const {
  const std::int64_t at_once = images_at_once();
  for (std::int64_t first = 0; first < y_IV.rows; first += at_once) {
    const nn::Pass::Scope scope(pass);
    const std::int64_t count = std::min(at_once, y_IV.rows - first);
    std::vector<std::uint8_t> pixels;
    for (const auto image : images.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)))
      pixels.insert(pixels.end(), image.begin(), image.end());
    const Matrix class_ID = pass.matrix(DType::f32, count, config_.vision.width);
    vision_.forward_class(pixels, pixel_table_, class_ID, pass);
    const Matrix normed_ID = post_norm_.forward(pass, class_ID, visual_projection_);
    visual_projection_.forward(pass, normed_ID, y_IV.row_range(first, count));
  }
}

std::int64_t Clip::images_at_once() const {
  return std::max<std::int64_t>(1, kRowsAtOnce / config_.vision.positions());
}

std::int64_t Clip::owned_bytes() const {
  return text_.owned_bytes() + vision_.owned_bytes() + text_projection_.owned_bytes() +
         visual_projection_.owned_bytes();
}

}  // namespace e5v::model
