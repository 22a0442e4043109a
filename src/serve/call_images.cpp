#include "serve/call_images.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "serve/refusal.h"

namespace e5v::serve {
namespace {

/// The maximum number of images of one request that are fetched at a time, and of its URLs.
constexpr std::size_t kMaxFetchedAtATime = 8, kMaxUrls = 2048;

std::size_t urls_of(const Item& item) {
  return static_cast<std::size_t>(
      std::ranges::count_if(item.input.images, [](const RequestImage& image) { return !image.url.empty(); }));
}

/// The images of a call that are under way.
class CallImages : public std::enable_shared_from_this<CallImages> {
 public:
  CallImages(std::shared_ptr<EmbeddingCall> call, std::stop_token cancel, ItemReady ready)
      : call_(std::move(call)), cancel_(std::move(cancel)), ready_(std::move(ready)) {
    for (std::size_t i = 0; i < call_->items.size(); ++i) {
      Item& item = call_->items[i];
      const std::size_t urls = urls_of(item);
      if (urls == 0) continue;
      for (std::size_t image = 0; image < item.input.images.size(); ++image) {
        const std::string& url = item.input.images[image].url;
        if (!url.empty()) places_[url].push_back({i, image});
      }
      waiting_[i] = {std::move(item), urls};
    }
    next_ = places_.begin();
  }

  /// Begins with what may be begun.
  void start() {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (next_ == places_.end() || active_ == kMaxFetchedAtATime) return;
      const auto place = next_++;
      if (!is_needed(place->second)) continue;
      ++active_;
      lock.unlock();
      if (cancel_.stop_requested()) {
        arrived(place->second, {http::FetchProblem::cancelled});
        continue;
      }
      call_->images.fetcher->fetch({.url = place->first,
                                    .max_bytes = call_->images.max_bytes,
                                    .client = call_->client,
                                    .deadline = call_->deadline,
                                    .cancel = cancel_},
                                   [self = shared_from_this(), place](const http::Fetched& fetched) {
                                     self->arrived(place->second, fetched);
                                     self->start();
                                   });
    }
  }

 private:
  /// Where an image belongs: to an item, and there to one of RequestInput::images.
  struct Place {
    std::size_t item, image;
  };
  struct Waiting {
    Item item;
    std::size_t missing = 0;  ///< number of its images that are not fetched yet
  };
  struct Outcome {
    std::size_t index;
    Item item;
    std::exception_ptr error;
  };

  /// Whether an item that waits needs an image.
  bool is_needed(const std::vector<Place>& places) const {
    for (const Place& place : places) {
      if (waiting_.contains(place.item)) return true;
    }
    return false;
  }

  void arrived(const std::vector<Place>& places, http::Fetched fetched) {
    std::vector<Outcome> outcomes;
    {
      const std::lock_guard lock(mutex_);
      --active_;
      if (fetched.body) {
        bytes_ += fetched.body->size();
        copied_ += fetched.body->size() * (places.size() - 1);
      }
      if (bytes_ > call_->images.max_bytes) fetched = {http::FetchProblem::size};
      const bool fails = fetched.problem != http::FetchProblem::none || copied_ > max_copied();
      for (const Place& place : places) {
        const auto found = waiting_.find(place.item);
        if (found == waiting_.end()) continue;  // another of its images has failed
        Waiting& one = found->second;
        RequestImage& image = one.item.input.images[place.image];
        std::exception_ptr error;
        if (fails) {
          error = error_of(fetched, image.field);
        } else {
          image.file = fetched.body;
          if (--one.missing > 0) continue;
        }
        outcomes.push_back({place.item, std::move(one.item), error});
        waiting_.erase(found);
      }
    }
    for (Outcome& outcome : outcomes) ready_(outcome.index, std::move(outcome.item), outcome.error);
  }

  std::size_t max_copied() const { return kMaxCopies * call_->images.max_bytes; }

  std::exception_ptr error_of(const http::Fetched& fetched, const std::string& field) const try {
    const bool is_late = call_->deadline && std::chrono::steady_clock::now() >= *call_->deadline;
    if (is_late && fetched.problem == http::FetchProblem::time)
      throw DeadlineExceeded("the deadline passed while an image was fetched");
    if (fetched.problem == http::FetchProblem::none)
      refuse_field(field, "expected at most {} bytes of repeated images from URLs in a request, found more",
                   max_copied());
    refuse_url(fetched, field, call_->images);
  } catch (...) {
    return std::current_exception();
  }

  const std::shared_ptr<EmbeddingCall> call_;
  const std::stop_token cancel_;
  const ItemReady ready_;
  std::map<std::string, std::vector<Place>> places_;  // by URL; constant after the constructor
  std::mutex mutex_;                                  // of the members below
  std::map<std::string, std::vector<Place>>::const_iterator next_;
  std::map<std::size_t, Waiting> waiting_;  // by item
  std::size_t active_ = 0, bytes_ = 0;
  std::size_t copied_ = 0;  // as kMaxCopies counts
};

/// The error of an item of a request with too many URLs.
std::exception_ptr too_many(std::size_t urls, const Item& item) {
  const auto has_url = [](const RequestImage& image) { return !image.url.empty(); };
  const std::string& field = std::ranges::find_if(item.input.images, has_url)->field;
  const std::string message =
      fmt::format("[{}] expected a request with at most {} URLs of images, found {}", field, kMaxUrls, urls);
  return std::make_exception_ptr(Refusal(400, message, field));
}

}  // namespace

void fetch_images(const std::shared_ptr<EmbeddingCall>& call, const std::stop_token& cancel, const ItemReady& ready) {
  std::vector<std::size_t> complete, incomplete;
  std::size_t urls = 0;
  for (std::size_t i = 0; i < call->items.size(); ++i) {
    const std::size_t of_item = urls_of(call->items[i]);
    (of_item == 0 ? complete : incomplete).push_back(i);
    urls += of_item;
  }
  if (urls > kMaxUrls) {
    for (const std::size_t i : incomplete) ready(i, {}, too_many(urls, call->items[i]));
  } else if (urls > 0) {
    std::make_shared<CallImages>(call, cancel, ready)->start();
  }
  for (const std::size_t i : complete) ready(i, std::move(call->items[i]), nullptr);
}

}  // namespace e5v::serve
