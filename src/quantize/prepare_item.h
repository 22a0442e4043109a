#pragma once
#include "embed/prepare.h"
#include "runs/items.h"

namespace e5v::quantize {

/// What the model takes for an item. Throws InvalidInput, led by the place that the item comes from.
embed::PreparedInput prepare_item(embed::Preparer& preparer, const runs::ItemList::Entry& entry);

}  // namespace e5v::quantize
