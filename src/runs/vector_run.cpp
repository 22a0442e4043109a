#include "runs/vector_run.h"

#include <utility>

#include "api/embedder_impl.h"
#include "processes/ending.h"

namespace e5v::runs {
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

std::int64_t count_items(ItemSource& source) {
  std::int64_t count = 0;
  while (pass_one(source)) ++count;
  return count;
}

VectorRun::VectorRun(const processes::Group& group, const RunModel& model, ItemSource& source, VectorSink* sink,
                     RunHooks hooks)
    : group_(group),
      model_(model),
      source_(source),
      sink_(sink),
      hooks_(std::move(hooks)),
      batches_(
          group, model.width(), [this](const DoneBatch& batch) { commit(batch); }, hooks_.check_stop) {}

void VectorRun::skip_to(const RunPosition& position) {
  for (std::int64_t passed = 0; passed < position.items; ++passed) {
    if (hooks_.check_stop && passed % 4096 == 0) hooks_.check_stop();
    require(pass_one(source_),
            "[{}] cannot be resumed: the input has {} items, {} were done before; option force starts "
            "over",
            source_.where(), passed, position.items);
  }
  require(source_.digest() == position.source,
          "[{}] cannot be resumed: the first {} items of the input, up to here, are not what they were; option "
          "force starts over",
          source_.where(), position.items);
  position_ = reached_ = position;
}

void VectorRun::run() { group_.leads() ? lead() : help(); }

void VectorRun::lead() {
  try {
    run_source();
  } catch (const Error&) {
    batches_.take_all();  // what came before the error is as good as ever
    throw;
  }
  batches_.finish(reached_);
  require(position_.items > 0, "[{}] holds no items", source_.where());
  sink_->finish();
}

void VectorRun::help() {
  const std::string verdict = processes::verdict_of([&] {
    run_source();
    batches_.finish(reached_);
  });
  if (!verdict.empty()) batches_.give_up(verdict);
  position_ = reached_;
}

void VectorRun::run_source() {
  Stream stream;
  stream.next = [this] { return next(); };
  stream.done = [this](std::int64_t, const Embedding& embedding) {
    const InFlight item = pop();
    batch_.ids.push_back(item.id.value_or(reached_.items));
    batch_.vectors.insert(batch_.vectors.end(), embedding.vector.begin(), embedding.vector.end());
    ++reached_.items;
  };
  stream.bad = [this](std::int64_t, const InvalidInput& error) { take_bad(error); };
  stream.batch_end = [this] { end_batch(); };
  model_.embedder->impl().stream(stream, {[this] { return batches_.mine(); }, hooks_.waits}, model_.run,
                                 model_.prepare);
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
  batch_.bad.push_back(message);
  ++reached_.items;
  ++reached_.bad;
}

void VectorRun::end_batch() {
  batch_.position = reached_;
  batches_.add(std::exchange(batch_, {}));
  if (hooks_.check_stop) hooks_.check_stop();
}

void VectorRun::commit(const DoneBatch& batch) {
  const auto width = static_cast<std::size_t>(model_.width());
  for (std::size_t row = 0; row < batch.ids.size(); ++row) {
    sink_->add(batch.ids[row], std::span(batch.vectors).subspan(row * width, width));
  }
  for (const std::string& message : batch.bad) hooks_.bad(message);
  sink_->commit(batch.position);
  const std::int64_t items = batch.position.items - position_.items;
  position_ = batch.position;
  if (hooks_.advanced) hooks_.advanced(items);
}

}  // namespace e5v::runs
