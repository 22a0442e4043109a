#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "runs/items.h"

namespace e5v::quantize {

/// The cosine of an item's vectors from two models.
struct ItemAgreement {
  std::string name;   ///< the item's id, or its index
  double cosine = 0;  ///< of the two vectors
};

struct Agreement {
  std::vector<ItemAgreement> items;  ///< in the order of the source

  double mean() const;
  double minimum() const;
  /// The items with the smallest cosines, the minimum first.
  std::vector<ItemAgreement> lowest(std::size_t count) const;
};

/// Prepares the items for a model of a family that can be quantised, without computing, so that a bad item is found
/// before hours of work. check_stop is called before each item; an exception of it ends the run. Throws InvalidInput,
/// which names the first bad item, and ModelError.
void look_at_items(const std::filesystem::path& model, const std::vector<runs::ItemList::Entry>& items,
                   const std::function<void()>& check_stop);

/// Embeds the items with both models, one after the other, so that only one is in memory. `advanced` gets the number of
/// items of each step; each item counts twice. Throws what embedding throws (the message names a bad item), and
/// InvalidInput when there are no items.
Agreement compare_models(const std::filesystem::path& reference, const std::filesystem::path& candidate,
                         const LoadOptions& options, const std::vector<runs::ItemList::Entry>& items,
                         const std::function<void(std::int64_t)>& advanced);

}  // namespace e5v::quantize
