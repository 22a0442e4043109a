#include "search_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <future>

#include "base/error.h"
#include "library_options.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;
using library::PartKind;

/// A file of a photo, one that exists if there is any.
fs::path file_of(const stores::StoredPhoto& photo) {
  for (const library::FileStatus& file : photo.files) {
    std::error_code error;
    if (fs::exists(file.path, error)) return file.path;
  }
  return photo.files.front().path;  // whoever reads it says what is wrong
}

/// The inputs of a query that the model is to embed, and what they are.
struct QueryInputs {
  std::vector<Input> inputs;
  std::vector<library::QueryPart> parts;

  void add(Input input, PartKind kind, double weight) {
    inputs.push_back(std::move(input));
    parts.push_back({kind, weight});
  }
};

std::string text_of(const SearchQuery& query) { return fmt::format("{}", fmt::join(query.words, " ")); }

QueryInputs inputs_of(const SearchQuery& query, const fs::path& image, bool image_has_vector) {
  QueryInputs inputs;
  const std::string text = text_of(query);
  if (!image.empty() && !text.empty()) {
    inputs.add(Input::composed(image, text), PartKind::composed, 1);
  } else if (!image.empty() && !image_has_vector) {
    inputs.add(Input::from_image(image), PartKind::photo, 1);
  } else if (!text.empty()) {
    inputs.add(Input::from_text(text), PartKind::text, 1);
  }
  for (const library::WeightedText& term : query.plus_minus)
    inputs.add(Input::from_text(term.text), PartKind::text, term.weight);
  return inputs;
}

/// Appends the vectors of the inputs.
void embed_inputs(stores::PhotoStore& store, const QueryInputs& inputs, const ModelOptions& model,
                  std::vector<library::WeightedVector>& vectors) {
  library::ModelRecord record;
  const Embedder embedder = load_library_model(model, record);
  require_same_space(*store.model(), record, store.name());
  std::vector<std::future<EmbeddedInput>> found;
  for (const Input& input : inputs.inputs) found.push_back(embedder.submit(input, {}, model.run, model.prepare));
  for (std::size_t i = 0; i < found.size(); ++i) vectors.push_back({found[i].get().vector, inputs.parts[i].weight});
}

}  // namespace

std::string SearchQuery::title() const {
  std::vector<std::string> parts;
  if (!image.empty()) parts.push_back(image.filename().string());
  if (!like.empty()) parts.push_back("like " + fs::path(like).filename().string());
  if (!words.empty()) parts.push_back(text_of(*this));
  for (const library::WeightedText& term : plus_minus) {
    const double weight = std::abs(term.weight);
    parts.push_back(fmt::format("{} {}{}", term.weight < 0 ? "-" : "+", term.text,
                                weight == 1 ? "" : fmt::format(" (weight {})", weight)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

QueryVector embed_query(stores::PhotoStore& store, const SearchQuery& query, const ModelOptions& model) {
  QueryVector result;
  std::vector<library::WeightedVector> vectors;
  result.image = query.image;
  const bool is_like_alone = !query.like.empty() && query.words.empty();
  if (!query.like.empty()) {
    const stores::StoredPhoto photo = store.find(query.like);
    result.itself = photo.hash;
    result.image = file_of(photo);
    if (is_like_alone) {
      std::vector<float>& vector = vectors.emplace_back().vector;
      for (const tensor::Half value : photo.vector) vector.push_back(static_cast<float>(value));
      result.parts.push_back({PartKind::photo, 1});
    }
  }
  const QueryInputs inputs = inputs_of(query, result.image, is_like_alone);
  if (!inputs.inputs.empty()) embed_inputs(store, inputs, model, vectors);
  result.parts.insert(result.parts.end(), inputs.parts.begin(), inputs.parts.end());
  result.vector = sum_of(vectors);
  return result;
}

}  // namespace e5v::app
