#pragma once
#include <array>
#include <vector>

#include "eval/captions.h"
#include "eval/encoder.h"
#include "eval/result.h"
#include "tensor/matrix.h"

namespace e5v::eval {

/// The distance of two modalities. Rows of equal index belong together, and all vectors have length 1.
struct Gap {
  double distance = 0;         ///< between the means of the modalities (arXiv:2203.02053)
  double separability = 0;     ///< accuracy of a linear classifier of the modality, 5-fold; 0.5 means no gap
  double alignment = 0;        ///< mean squared distance of a text and its image (arXiv:2005.10242)
  double text_uniformity = 0;  ///< log of the mean of exp(-2 d^2) over pairs of a modality (arXiv:2005.10242)
  double image_uniformity = 0;
};
/// Throws InvalidInput when there are too few images for a gap.
void require_enough(std::size_t images);
Gap measure_gap(tensor::ConstMatrix texts_ND, tensor::ConstMatrix images_ND);

/// The coordinates of rows [N, D] along their first two principal components, N of them. Deterministic.
std::vector<std::array<double, 2>> principal_plane(tensor::ConstMatrix rows_ND);

/// The gap between vectors of texts and of images; row i of both belongs together, and all have length 1. The result
/// has a plot of the vector space.
Result gap_result(tensor::ConstMatrix texts_ND, tensor::ConstMatrix images_ND, const std::string& name);

/// The gap between images and their first captions.
Result evaluate_gap(Encoder& encoder, const std::vector<CaptionedImage>& data, const std::string& name,
                    const std::string& text_prompt, const std::string& image_prompt);

}  // namespace e5v::eval
