#include "quantize/check.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "families/llava_next.h"
#include "families/llava_next/prepare.h"
#include "model/model_folder.h"
#include "quantize/prepare_item.h"

namespace e5v::quantize {
namespace {

/// The vectors of all items, one after the other.
std::vector<float> embed_items(const std::filesystem::path& folder, const LoadOptions& options,
                               const std::vector<runs::ItemList::Entry>& items,
                               const std::function<void(std::int64_t)>& advanced) {
  const Embedder embedder = Embedder::load(folder, options);
  std::vector<float> vectors;
  std::size_t next = 0;
  Stream stream;
  stream.next = [&]() -> std::optional<Input> {
    if (next == items.size()) return std::nullopt;
    return items[next++].item.input;
  };
  stream.done = [&](std::int64_t, const Embedding& embedding) {
    vectors.insert(vectors.end(), embedding.vector.begin(), embedding.vector.end());
    if (advanced) advanced(1);
  };
  stream.bad = [&](std::int64_t index, const InvalidInput& error) {
    fail<InvalidInput>("[{}] {}", items[static_cast<std::size_t>(index)].where, error.what());
  };
  embedder.stream(stream);
  return vectors;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0, square_a = 0, square_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(square_a * square_b);
}

}  // namespace

double Agreement::mean() const {
  const auto add = [](double sum, const ItemAgreement& item) { return sum + item.cosine; };
  return std::accumulate(items.begin(), items.end(), 0.0, add) / static_cast<double>(items.size());
}

double Agreement::minimum() const { return lowest(1).at(0).cosine; }

std::vector<ItemAgreement> Agreement::lowest(std::size_t count) const {
  std::vector<ItemAgreement> sorted = items;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.cosine < b.cosine; });
  sorted.resize(std::min(count, sorted.size()));
  return sorted;
}

void look_at_items(const std::filesystem::path& given, const std::vector<runs::ItemList::Entry>& items,
                   const std::function<void()>& check_stop) {
  const std::filesystem::path model = model::find_model_folder(given);
  const model::ModelConfig config = families::require_llava_next(model, "quantize");
  embed::Preparer preparer = families::make_llava_next_preparer(model, config, {});
  for (const runs::ItemList::Entry& item : items) {
    if (check_stop) check_stop();
    prepare_item(preparer, item);
  }
}

Agreement compare_models(const std::filesystem::path& reference, const std::filesystem::path& candidate,
                         const LoadOptions& options, const std::vector<runs::ItemList::Entry>& items,
                         const std::function<void(std::int64_t)>& advanced) {
  require(!items.empty(), "[check] there are no items");
  const std::vector<float> expected = embed_items(reference, options, items, advanced);
  const std::vector<float> found = embed_items(candidate, options, items, advanced);
  require<ModelError>(expected.size() == found.size(), "[{}] has vectors of width {}, but [{}] has vectors of width {}",
                      reference.string(), expected.size() / items.size(), candidate.string(),
                      found.size() / items.size());
  const std::size_t width = expected.size() / items.size();
  Agreement agreement;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& id = items[i].item.id;
    const std::string name = !id ? std::to_string(i) : id->is_string() ? id->get<std::string>() : id->dump();
    agreement.items.push_back(
        {name, cosine(std::span(expected).subspan(i * width, width), std::span(found).subspan(i * width, width))});
  }
  return agreement;
}

}  // namespace e5v::quantize
