#include "quantize/prepare_item.h"

#include "base/error.h"

namespace e5v::quantize {

embed::PreparedInput prepare_item(embed::Preparer& preparer, const runs::ItemList::Entry& entry) try {
  return preparer.prepare(entry.item.input);
} catch (const InvalidInput& error) {
  fail<InvalidInput>("[{}] {}", entry.where, error.what());
}

}  // namespace e5v::quantize
