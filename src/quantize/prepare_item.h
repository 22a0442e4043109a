#pragma once
#include "embed/prepare.h"
#include "runs/items.h"

namespace e5v::quantize {

/// The prepared input of an item. Throws InvalidInput, which begins with the place of the item.
embed::PreparedInput prepare_item(embed::Preparer& preparer, const runs::ItemList::Entry& entry);

}  // namespace e5v::quantize
