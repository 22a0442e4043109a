#include "serve/item_feed.h"

#include <utility>

#include "scheduler/content.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

/// Adds the field of an item to its error.
std::exception_ptr with_field(const std::exception_ptr& error, const std::string& field) try {
  std::rethrow_exception(error);
} catch (const Refusal&) {
  return error;
} catch (const InvalidInput& invalid) {
  const std::string message = field.empty() ? invalid.what() : fmt::format("{}: {}", field, invalid.what());
  return std::make_exception_ptr(Refusal(400, message, field));
} catch (...) {
  return error;
}

SubmitOptions submit_options(const EmbeddingCall& call, const std::stop_token& cancel) {
  SubmitOptions options;
  options.priority = call.priority;
  options.deadline = call.deadline;
  options.cancel = cancel;
  options.client = call.client;
  return options;
}

/// Returns the expected size of an input in the queue. Images that are not fetched yet have no bytes.
scheduler::Size size_of(const RequestInput& input) {
  const std::size_t text_bytes = input.text ? input.text->size() : 0;
  std::size_t bytes = text_bytes;
  for (const RequestImage& image : input.images) bytes += image.file ? image.file->size() : 0;
  return scheduler::expected_size(text_bytes, input.images.size(), bytes);
}

/// Returns the error of a call whose inputs could not be in memory together even if there were no others, or null.
std::exception_ptr error_of_size(const EmbeddingCall& call) {
  std::int64_t bytes = 0;
  for (const Item& item : call.items) bytes += size_of(item.input).bytes;
  const std::int64_t most = call.model->queue.bytes;
  if (call.items.size() < 2 || bytes <= most) return nullptr;  // an empty queue takes a single input of any size
  return std::make_exception_ptr(
      Refusal(413, fmt::format("[body] expected inputs with at most {} bytes together, found {}; send fewer of them in "
                               "a request",
                               most, bytes)));
}

}  // namespace

ItemFeed::ItemFeed(std::shared_ptr<const EmbeddingCall> call, std::stop_token cancel, ItemDone done)
    : call_(std::move(call)), cancel_(std::move(cancel)), done_(std::move(done)), too_large_(error_of_size(*call_)) {}

void ItemFeed::add(std::size_t index, Item item, const std::exception_ptr& missing) {
  if (missing || too_large_) return done_(index, {}, missing ? with_field(missing, item.field) : too_large_);
  const scheduler::Size size = size_of(item.input);
  const ServedModel& model = *call_->model;
  bool fits = false;
  {
    const std::lock_guard lock(mutex_);
    // Items that wait here count against the bytes of the queue, too.
    const std::int64_t held =
        model.held->bytes.fetch_add(size.bytes) + size.bytes + model.embedder.counters().queued_bytes;
    fits = (queued_ == 0 && waiting_.empty()) || held <= model.queue.bytes;
    if (fits) {
      ++model.held->inputs;
      waiting_.push_back({index, std::move(item), size});
    }
  }
  if (fits) return hand_over();
  model.held->bytes -= size.bytes;
  done_(index, {}, std::make_exception_ptr(Overloaded("[submit] the inputs that wait have all bytes of the queue")));
}

/// Whether an item may be handed over now. The caller holds the mutex.
bool ItemFeed::may_be_next(const Waiting& waiting) const {
  if (queued_ == 0 || cancel_.stop_requested()) return true;
  const SubmitCounters now = call_->model->embedder.counters();
  const QueueOptions& queue = call_->model->queue;
  return now.queued_tokens + waiting.size.tokens <= queue.tokens / 2 &&
         now.queued_bytes + waiting.size.bytes <= queue.bytes / 2;
}

/// Hands over the items that may be handed over. One thread does this at a time: submit() may call done() at once, and
/// done() calls this function.
void ItemFeed::hand_over() {
  std::unique_lock lock(mutex_);
  if (hands_over_) return;
  hands_over_ = true;
  while (!waiting_.empty() && may_be_next(waiting_.front())) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    ++queued_;
    lock.unlock();
    call_->model->held->bytes -= next.size.bytes;
    --call_->model->held->inputs;
    submit(next.index, std::move(next.item));
    lock.lock();
  }
  hands_over_ = false;
}

void ItemFeed::submit(std::size_t index, Item item) {
  const auto done = [self = shared_from_this(), index, field = item.field](EmbeddedInput vector,
                                                                           const std::exception_ptr& error) {
    {
      const std::lock_guard lock(self->mutex_);
      --self->queued_;
    }
    self->done_(index, std::move(vector), error ? with_field(error, field) : nullptr);
    self->hand_over();
  };
  if (cancel_.stop_requested())  // the embedder could have begun to compute it before it looks
    return done({}, std::make_exception_ptr(Cancelled("[submit] the input was cancelled before it was computed")));
  try {
    Input input = to_input(std::move(item.input));
    if (item.run.prompt.empty() && !input.prompt) item.run.prompt = call_->model->prompts.of(input);
    call_->model->embedder.submit(std::move(input), done, submit_options(*call_, cancel_), item.run, item.prepare);
  } catch (...) {
    done({}, std::current_exception());
  }
}

}  // namespace e5v::serve
