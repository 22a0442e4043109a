#pragma once
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>

#include "scheduler/content.h"
#include "serve/embedding_call.h"

namespace e5v::serve {

/// Hands the items of a call to the queue of its model. The first item is handed over at once, and it fails as
/// Overloaded if the queue is full. While items of the call are in the queue, the next one waits until it leaves half
/// of the queue free. So a call may have more items than the queue has room for, and other calls find room.
/// Thread-safe.
class ItemFeed : public std::enable_shared_from_this<ItemFeed> {
 public:
  /// `done` receives the vector or the error of each item. It may be called for several items at once. An InvalidInput
  /// is converted to a Refusal that names the item. After `cancel`, items that are not computed yet fail as Cancelled.
  ItemFeed(std::shared_ptr<const EmbeddingCall> call, std::stop_token cancel, ItemDone done);

  /// Takes an item of the call. `missing` is the error of its images, or null.
  void add(std::size_t index, Item item, const std::exception_ptr& missing);

 private:
  struct Waiting {
    std::size_t index = 0;
    Item item;
    scheduler::Size size;
  };
  bool may_be_next(const Waiting& waiting) const;
  void hand_over();
  void submit(std::size_t index, Item item);

  const std::shared_ptr<const EmbeddingCall> call_;
  const std::stop_token cancel_;
  const ItemDone done_;
  std::exception_ptr too_large_;  // the error of all items, if they are too large together
  std::mutex mutex_;              // protects the members below
  std::deque<Waiting> waiting_;
  std::size_t queued_ = 0;   // number of items in the queue
  bool hands_over_ = false;  // whether a thread is in hand_over()
};

}  // namespace e5v::serve
