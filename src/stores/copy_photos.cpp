#include "stores/copy_photos.h"

#include <utility>

#include "base/error.h"

namespace e5v::stores {

std::int64_t copy_photos(PhotoStore& from, PhotoStore& to, const std::function<void(std::int64_t)>& advanced,
                         const std::function<void()>& check_stop) {
  constexpr std::size_t kTogether = 256;
  const auto model = from.model();
  require(model.has_value(), "[{}] has no photos yet: expected e5v index to have run", from.name());
  require(!to.model() || to.model()->fingerprint.space() == model->fingerprint.space(),
          "[{}] has vectors of another vector space than {}: copy to another place, or index both with one model",
          to.name(), from.name());
  to.set_model(*model);
  for (const library::Root& root : from.roots()) to.set_root(root);
  std::vector<StoredPhoto> photos;
  std::int64_t copied = 0;
  const auto put = [&] {
    if (check_stop) check_stop();
    to.put(photos);
    copied += std::ssize(photos);
    if (advanced) advanced(std::ssize(photos));
    photos.clear();
  };
  from.for_each([&](StoredPhoto photo) {
    photos.push_back(std::move(photo));
    if (photos.size() == kTogether) put();
  });
  put();
  if (const std::string calibration = from.calibration(); !calibration.empty() && to.calibration().empty())
    to.set_calibration(calibration);
  to.make_index();
  return copied;
}

}  // namespace e5v::stores
