#pragma once
#include "embed/items.h"
#include "embed/prepare.h"

namespace e5v::quantize {

/// What the model takes for an item. Throws InvalidInput, led by the place that the item comes from.
embed::PreparedInput prepare_item(embed::Preparer& preparer, const embed::ItemList::Entry& entry);

}  // namespace e5v::quantize
