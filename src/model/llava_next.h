#pragma once
#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "model/clip_vit.h"
#include "model/llama.h"
#include "model/prepared_image.h"
#include "model/projector.h"

namespace e5v::model {

/// LLaVA-NeXT: a vision tower, a projector and a language model. The projected features of an image replace <image> in
/// the input of the language model. Source: arXiv:2310.03744 and the LLaVA-NeXT release notes of January 2024.
class LlavaNext {
 public:
  /// The maximum number of tower rows that are computed together (five tiles of CLIP ViT-L/14-336): enough for the full
  /// speed of GEMMs, and few enough for small activations.
  static constexpr std::int64_t kRowsAtOnce = 5 * 577;
  static constexpr std::int64_t kDeviceRowsAtOnce = 8 * kRowsAtOnce;  ///< on a GPU, which has more cores to fill
  static std::int64_t tiles_at_once(std::int64_t rows_per_tile, tensor::Place place = tensor::Place::host) {
    const std::int64_t rows = place == tensor::Place::host ? kRowsAtOnce : kDeviceRowsAtOnce;
    return std::max<std::int64_t>(1, rows / rows_per_tile);
  }

  /// The checkpoint must outlive the model. Throws ModelError for missing or contradicting tensors.
  LlavaNext(const Checkpoint& checkpoint, const ModelConfig& config, const image::Preprocess& preprocess,
            nn::Precision precision);

  const ModelConfig& config() const { return config_; }
  const Llama& language_model() const { return llama_; }
  Llama& language_model() { return llama_; }
  bool sees() const { return vision_.has_value(); }

  /// Computes the embeddings of an image's rows. y_ND f32 [N, D], N = image.layout.rows(); a tape watches it. Throws
  /// ModelError for a text-only checkpoint.
  void embed_image(const PreparedImage& image, tensor::Matrix y_ND, const nn::Pass& pass) const;

  /// An image and the index of its first row in a matrix.
  struct PlacedImage {
    const PreparedImage* image;
    std::int64_t first_row;
  };
  /// Computes the embeddings of several images, whose tiles go through the tower together, into their rows of x_TD.
  void embed_images(std::span<const PlacedImage> images, tensor::Matrix x_TD, const nn::Pass& pass) const;

  /// Adds an adapter to its matrix in the language model, the vision tower or the projector. Adapters of parts that are
  /// not computed (the LM head, layers of the tower after the features) have no effect. Borrowed. Throws InvalidInput
  /// when there is no such matrix.
  void attach(const nn::Lora& adapter);

  /// The memory that is held in addition to the checkpoint's mapped pages.
  std::int64_t owned_bytes() const;

 private:
  struct Vision {
    ClipVit tower;
    Projector projector;
    nn::Vector newline;  // [D]
  };
  struct Arrangement;
  Arrangement arranged(std::span<const PlacedImage> images) const;
  /// Computes the features of the patches in the images' layouts, one image after the other. y_UV f32 [U, V].
  void tower_features(const Arrangement& images, tensor::Matrix y_UV, const nn::Pass& pass) const;

  ModelConfig config_;
  std::array<std::array<float, 256>, 3> pixel_table_;
  Llama llama_;
  std::optional<Vision> vision_;
};

}  // namespace e5v::model
