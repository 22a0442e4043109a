#pragma once
#include <functional>
#include <string>
#include <vector>

#include "eval/captions.h"
#include "eval/encoder.h"
#include "eval/result.h"
#include "tensor/matrix.h"
#include "vectors/ranking.h"

namespace e5v::eval {

/// Pictures and sentences as two lists, and which belong together: sentences are queries, pictures candidates.
struct CaptionedSet {
  std::vector<std::filesystem::path> images;
  std::vector<std::string> texts;
  std::vector<std::int64_t> image_of_text;  ///< [texts]

  static CaptionedSet of(const std::vector<CaptionedImage>& list);
  vectors::Relation relation() const;
};

/// Sentences (text to image, CLIP's "image retrieval") and pictures (image to text) that look for each other. Vectors
/// f32, of length 1.
struct RetrievalVectors {
  tensor::ConstMatrix texts_TD, images_ID;
};

struct RetrievalOptions {
  std::string name;  ///< of the data set, as the user calls it: "flickr30k" and "coco" have published figures
  std::string text_prompt = "text", image_prompt = "image";
  /// Draws a sentence as a picture; sentences are then embedded as these, under the image prompt. None: as text.
  std::function<Item(const std::string& text)> painter = nullptr;
};

/// Recall x 100 at 1, 5 and 10 in both directions: a query counts when one that belongs to it is among its first k.
/// Ties count against the model.
Result evaluate_retrieval(Encoder& encoder, const std::vector<CaptionedImage>& data, const RetrievalOptions& options);

/// The same for vectors that are there already: row i of texts is the i-th caption, row i of images the i-th picture.
Result retrieval_result(const CaptionedSet& set, const RetrievalVectors& vectors, const RetrievalOptions& options);

}  // namespace e5v::eval
