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

/// Images and sentences as two lists. Sentences are queries, and images are candidates.
struct CaptionedSet {
  std::vector<std::filesystem::path> images;
  std::vector<std::string> texts;
  std::vector<std::int64_t> image_of_text;  ///< [texts]

  static CaptionedSet of(const std::vector<CaptionedImage>& list);
  vectors::Relation relation() const;
};

/// Vectors of sentences and of images, f32, of length 1. Sentences look for images (text to image, CLIP's "image
/// retrieval"), and images look for sentences (image to text).
struct RetrievalVectors {
  tensor::ConstMatrix texts_TD, images_ID;
};

struct RetrievalOptions {
  std::string name;  ///< of the data set; "flickr30k" and "coco" have published figures
  std::string text_prompt = "text", image_prompt = "image";
  /// Draws a sentence as an image, which is embedded under the image prompt. None: sentences are embedded as text.
  std::function<Item(const std::string& text)> painter = nullptr;
};

/// Recall x 100 at 1, 5 and 10 in both directions: the share of queries with a right candidate among the first k. Ties
/// count against the model.
Result evaluate_retrieval(Encoder& encoder, const std::vector<CaptionedImage>& data, const RetrievalOptions& options);

/// The same for given vectors: row i of texts is the i-th caption, and row i of images is the i-th image.
Result retrieval_result(const CaptionedSet& set, const RetrievalVectors& vectors, const RetrievalOptions& options);

}  // namespace e5v::eval
