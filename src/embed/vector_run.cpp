#include "embed/vector_run.h"

#include <utility>

namespace e5v::embed {
namespace {

/// False at the end of the source.
bool pass_one(ItemSource& source) {
  try {
    return source.next().has_value();
  } catch (const InvalidInput&) {
    return true;  // it was left out the first time, too, or the digest tells that it is another one
  }
}

}  // namespace

void VectorRun::skip_to(const RunPosition& position) {
  for (std::int64_t passed = 0; passed < position.items; ++passed) {
    if (hooks_.check_stop && passed % 4096 == 0) hooks_.check_stop();
    require(pass_one(source_), "cannot be resumed: the input has {} items, {} were done before; --force starts over",
            passed, position.items);
  }
  require(source_.digest() == position.source,
          "cannot be resumed: the first {} items of the input are not what they were; --force starts over",
          position.items);
  position_ = reached_ = position;
}

void VectorRun::run() {
  Stream stream;
  stream.next = [this] { return next(); };
  stream.done = [this](std::int64_t, const Embedding& embedding) {
    const InFlight item = pop();
    sink_.add(item.id.value_or(reached_.items), embedding.vector);
    ++reached_.items;
  };
  stream.bad = [this](std::int64_t, const InvalidInput& error) { take_bad(error); };
  stream.batch_end = [this] { end_batch(); };
  embedder_.stream(stream);
  require(position_.items > 0, "[{}] holds no items", source_.where());
  sink_.finish();
}

std::optional<Input> VectorRun::next() {
  if (hooks_.check_stop) hooks_.check_stop();
  InFlight entry;
  const auto push = [&] {
    entry.where = source_.where();
    entry.source = source_.digest();
    const std::lock_guard lock(mutex_);
    in_flight_.push_back(std::move(entry));
  };
  try {
    std::optional<Item> item = source_.next();
    if (!item) return std::nullopt;
    entry.id = std::move(item->id);
    push();
    return std::move(item->input);
  } catch (const InvalidInput&) {
    entry.unreadable = true;
    push();
    throw;
  }
}

VectorRun::InFlight VectorRun::pop() {
  const std::lock_guard lock(mutex_);
  InFlight item = std::move(in_flight_.front());
  in_flight_.pop_front();
  reached_.source = item.source;
  return item;
}

void VectorRun::take_bad(const InvalidInput& error) {
  const InFlight item = pop();
  const std::string message = item.unreadable ? error.what() : fmt::format("[{}] {}", item.where, error.what());
  if (!hooks_.bad) throw InvalidInput(message);
  hooks_.bad(message);
  ++reached_.items;
  ++reached_.bad;
}

void VectorRun::end_batch() {
  const std::int64_t items = reached_.items - position_.items;
  if (items == 0) return;
  sink_.commit(reached_);
  position_ = reached_;
  if (hooks_.advanced) hooks_.advanced(items);
  if (hooks_.check_stop) hooks_.check_stop();
}

}  // namespace e5v::embed
