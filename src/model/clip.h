#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "image/preprocess.h"
#include "model/clip_text.h"
#include "model/clip_vit.h"

namespace e5v::model {

/// CLIP: a text tower and a vision tower, each with a projection into a common space. Source: arXiv:2103.00020, figure
/// 3; transformers' CLIPModel.
class Clip {
 public:
  /// The maximum number of rows that go through the vision tower together, which is enough for the full speed of GEMMs.
  static constexpr std::int64_t kRowsAtOnce = 2048;

  /// The checkpoint must outlive the model. Throws ModelError for missing or contradicting tensors.
  Clip(const Checkpoint& checkpoint, const ClipModelConfig& config, const image::Preprocess& preprocess,
       nn::Precision precision);

  const ClipModelConfig& config() const { return config_; }

  /// Computes the vectors of texts, not normalised, from the pooled rows. ids_T are the tokens of the packed rows; y_PV
  /// f32 [P, V].
  void embed_texts(std::span<const std::int32_t> ids_T, const PackedRows& rows, tensor::Matrix y_PV,
                   const nn::Pass& pass) const;

  /// Computes the vectors of images, not normalised. images are u8 [3, S, S] each, with S the tower's image size; y_IV
  /// f32 [images, V].
  void embed_images(std::span<const std::span<const std::uint8_t>> images, tensor::Matrix y_IV,
                    const nn::Pass& pass) const;

  /// The number of images that go through the tower together.
  std::int64_t images_at_once() const;
  /// The memory that is held in addition to the checkpoint's mapped pages.
  std::int64_t owned_bytes() const;
  std::string kernel() const { return text_.kernel(); }

 private:
  ClipModelConfig config_;
  std::array<std::array<float, 256>, 3> pixel_table_;
  ClipText text_;
  ClipVit vision_;
  nn::LayerNorm post_norm_;
  nn::Linear text_projection_, visual_projection_;
};

}  // namespace e5v::model
