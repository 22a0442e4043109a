#include "serve/embedding_call.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "serve/call_images.h"
#include "serve/item_feed.h"

namespace e5v::serve {
namespace {

using Clock = std::chrono::steady_clock;

/// The state of a call whose items are not all computed.
struct CallState {
  CallState(CallDone call_done, const EmbeddingCall& call)
      : done(std::move(call_done)), left(call.items.size()), begin(Clock::now()), client_gone(call.gone, [this] {
          std::stop_source kept = cancel;  // the last item that ends takes this object along
          kept.request_stop();
        }) {
    result.vectors.resize(call.items.size());
  }

  const CallDone done;
  std::mutex mutex;  // protects the members below
  EmbeddedCall result;
  std::exception_ptr error;
  std::size_t left;
  const Clock::time_point begin;
  std::stop_source cancel;
  std::stop_callback<std::function<void()>> client_gone;
};

void settle(const std::shared_ptr<CallState>& state, std::size_t item, EmbeddedInput vector,
            const std::exception_ptr& error) {
  bool first_error = false, last = false;
  {
    const std::lock_guard lock(state->mutex);
    if (error && !state->error) {
      state->error = error;
      first_error = true;
    }
    state->result.tokens += vector.tokens;
    state->result.queue_seconds = std::max(state->result.queue_seconds, vector.queue_seconds);
    state->result.vectors[item] = std::move(vector);
    last = --state->left == 0;
  }
  if (first_error) state->cancel.request_stop();
  if (!last) return;
  state->result.seconds = std::chrono::duration<double>(Clock::now() - state->begin).count();
  state->done(std::move(state->result), state->error);
}

/// Fetches the images of the items and has them computed.
void embed_items(EmbeddingCall call, const std::stop_token& cancel, ItemDone done) {
  const auto shared = std::make_shared<EmbeddingCall>(std::move(call));
  const auto feed = std::make_shared<ItemFeed>(shared, cancel, std::move(done));
  fetch_images(shared, cancel, [feed](std::size_t i, Item item, const std::exception_ptr& missing) {
    feed->add(i, std::move(item), missing);
  });
}

}  // namespace

void embed(EmbeddingCall call, CallDone done) {
  const auto state = std::make_shared<CallState>(std::move(done), call);
  if (call.items.empty()) return state->done(std::move(state->result), nullptr);
  embed_items(std::move(call), state->cancel.get_token(),
              [state](std::size_t i, EmbeddedInput vector, const std::exception_ptr& error) {
                settle(state, i, std::move(vector), error);
              });
}

void embed_each(EmbeddingCall call, ItemDone done) {
  const auto one_at_a_time = std::make_shared<std::mutex>();
  const std::stop_token gone = call.gone;
  embed_items(
      std::move(call), gone,
      [one_at_a_time, done = std::move(done)](std::size_t i, EmbeddedInput vector, const std::exception_ptr& error) {
        const std::lock_guard lock(*one_at_a_time);
        done(i, std::move(vector), error);
      });
}

}  // namespace e5v::serve
