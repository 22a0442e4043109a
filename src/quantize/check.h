#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "runs/items.h"

namespace e5v::quantize {

/// How near an item's vector is to the one that another model gives for it.
struct ItemAgreement {
  std::string name;   ///< the item's id, or its place in the source
  double cosine = 0;  ///< of the two vectors
};

struct Agreement {
  std::vector<ItemAgreement> items;  ///< in the order of the source

  double mean() const;
  double minimum() const;
  /// The items that agree least, the worst first.
  std::vector<ItemAgreement> worst(std::size_t count) const;
};

/// Prepares the items for a model of the kinds that can be quantised and computes nothing: a bad one should be known
/// before hours of work. `check_stop` is asked before each; what it throws ends the run. Throws InvalidInput for the
/// first bad item, led by its place, and ModelError.
void look_at_items(const std::filesystem::path& model, const std::vector<runs::ItemList::Entry>& items,
                   const std::function<void()>& check_stop);

/// Embeds the items with both models, one after the other, so that only one is in memory. `advanced` is called with the
/// number of items that each step has done; there are two for each item. Throws what embedding throws, for a bad item
/// led by its place; InvalidInput when there are no items.
Agreement compare_models(const std::filesystem::path& reference, const std::filesystem::path& candidate,
                         const LoadOptions& options, const std::vector<runs::ItemList::Entry>& items,
                         const std::function<void(std::int64_t)>& advanced);

}  // namespace e5v::quantize
