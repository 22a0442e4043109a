#pragma once
#include <array>
#include <vector>

#include "eval/captions.h"
#include "eval/encoder.h"
#include "eval/result.h"
#include "tensor/matrix.h"

namespace e5v::eval {

/// How far apart two modalities lie, whose rows of one index belong together. All vectors have length 1.
struct Gap {
  double distance = 0;         ///< of the means of both (arXiv:2203.02053)
  double separability = 0;     ///< accuracy of a linear classifier that tells them apart, 5-fold; 0.5 is no gap
  double alignment = 0;        ///< mean squared distance of what belongs together (arXiv:2005.10242)
  double text_uniformity = 0;  ///< log of the mean of exp(-2 d^2) over pairs of a modality (arXiv:2005.10242)
  double image_uniformity = 0;
};
/// Throws InvalidInput when these are too few pictures for it.
void require_enough(std::size_t pictures);
Gap measure_gap(tensor::ConstMatrix texts_ND, tensor::ConstMatrix images_ND);

/// The first two principal components of rows [N, D]: their coordinates, N of them. Deterministic.
std::vector<std::array<double, 2>> principal_plane(tensor::ConstMatrix rows_ND);

/// The gap between vectors of texts and of the pictures that belong to them, row by row and of length 1, and a picture
/// of the space with both.
Result gap_result(tensor::ConstMatrix texts_ND, tensor::ConstMatrix images_ND, const std::string& name);

/// The same of pictures and their first captions.
Result evaluate_gap(Encoder& encoder, const std::vector<CaptionedImage>& data, const std::string& name,
                    const std::string& text_prompt, const std::string& image_prompt);

}  // namespace e5v::eval
