#pragma once
#include <cstdint>
#include <functional>

#include "stores/photo_store.h"

namespace e5v::stores {

/// Copies folders, photos, the model and, if the other store has none, the calibration from one store to another, which
/// may have photos of the same model already. `advanced` is called with numbers of photos that have been copied.
/// Returns the number of photos. Throws InvalidInput if the first store has no model, or the second one another model.
std::int64_t copy_photos(PhotoStore& from, PhotoStore& to, const std::function<void(std::int64_t)>& advanced = nullptr,
                         const std::function<void()>& check_stop = nullptr);

}  // namespace e5v::stores
