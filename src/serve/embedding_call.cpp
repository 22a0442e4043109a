#include "serve/embedding_call.h"

#include <mutex>
#include <utility>

#include "serve/call_images.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

using Clock = std::chrono::steady_clock;

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

void submit(const EmbeddingCall& call, Item item, const std::stop_token& cancel, const Done& done) {
  if (cancel.stop_requested())  // the embedder could have begun to compute it before it looks
    return done({}, std::make_exception_ptr(Cancelled("[submit] the input was cancelled before it was computed")));
  try {
    Input input = to_input(std::move(item.input));
    if (item.run.prompt.empty() && !input.prompt) item.run.prompt = call.model->prompts.of(input);
    call.model->embedder.submit(std::move(input), done, submit_options(call, cancel), item.run, item.prepare);
  } catch (...) {
    done({}, std::current_exception());
  }
}

/// The state of a call whose items are not all computed.
struct Pending {
  Pending(CallDone call_done, const EmbeddingCall& call)
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

void settle(const std::shared_ptr<Pending>& pending, std::size_t item, const std::string& field, EmbeddedInput vector,
            const std::exception_ptr& error) {
  bool first_error = false, last = false;
  {
    const std::lock_guard lock(pending->mutex);
    if (error && !pending->error) {
      pending->error = with_field(error, field);
      first_error = true;
    }
    pending->result.tokens += vector.tokens;
    pending->result.vectors[item] = std::move(vector);
    last = --pending->left == 0;
  }
  if (first_error) pending->cancel.request_stop();
  if (!last) return;
  pending->result.seconds = std::chrono::duration<double>(Clock::now() - pending->begin).count();
  pending->done(std::move(pending->result), pending->error);
}

}  // namespace

void embed(EmbeddingCall call, CallDone done) {
  const auto pending = std::make_shared<Pending>(std::move(done), call);
  if (call.items.empty()) return pending->done(std::move(pending->result), nullptr);
  const auto shared = std::make_shared<EmbeddingCall>(std::move(call));
  const std::stop_token cancel = pending->cancel.get_token();
  fetch_images(shared, cancel, [=](std::size_t i, Item item, const std::exception_ptr& missing) {
    if (missing) return settle(pending, i, item.field, {}, missing);
    const std::string field = item.field;
    submit(*shared, std::move(item), cancel,
           [pending, i, field](EmbeddedInput vector, const std::exception_ptr& error) {
             settle(pending, i, field, std::move(vector), error);
           });
  });
}

void embed_each(EmbeddingCall call, ItemDone done) {
  const auto finished = std::make_shared<std::pair<std::mutex, ItemDone>>();
  finished->second = std::move(done);
  const auto shared = std::make_shared<EmbeddingCall>(std::move(call));
  fetch_images(shared, shared->gone, [=](std::size_t i, Item item, const std::exception_ptr& missing) {
    const auto finish = [finished, i, field = item.field](EmbeddedInput vector, const std::exception_ptr& error) {
      const std::lock_guard lock(finished->first);
      finished->second(i, std::move(vector), error ? with_field(error, field) : nullptr);
    };
    if (missing) return finish({}, missing);
    submit(*shared, std::move(item), shared->gone, finish);
  });
}

}  // namespace e5v::serve
