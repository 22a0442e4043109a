#include "net/outbox.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <utility>

namespace e5v::net {
namespace {

class PieceStream : public http::BodyStream {
 public:
  explicit PieceStream(std::shared_ptr<Outbox> outbox) : outbox_(std::move(outbox)) {}
  PieceStream(const PieceStream&) = delete;
  PieceStream& operator=(const PieceStream&) = delete;
  ~PieceStream() override {
    if (!ended_.exchange(true)) outbox_->end(true);
  }
  void write(std::string bytes) override { outbox_->add(std::move(bytes)); }
  void set_log(std::string log) override { outbox_->set_log(std::move(log)); }
  void end() override {
    if (!ended_.exchange(true)) outbox_->end(false);
  }

 private:
  std::shared_ptr<Outbox> outbox_;
  std::atomic<bool> ended_ = false;
};

class OutboxResponder : public http::Responder {
 public:
  explicit OutboxResponder(std::shared_ptr<Outbox> outbox) : outbox_(std::move(outbox)) {}
  OutboxResponder(const OutboxResponder&) = delete;
  OutboxResponder& operator=(const OutboxResponder&) = delete;
  ~OutboxResponder() override {
    if (!answered_) outbox_->end(true);
  }
  void send(http::Response response) override {
    if (answered_.exchange(true)) return;
    outbox_->answer(std::move(response), false);
  }
  std::shared_ptr<http::BodyStream> begin(http::Response head) override {
    if (!answered_.exchange(true)) outbox_->answer(std::move(head), true);
    return std::make_shared<PieceStream>(outbox_);
  }
  void defer(std::function<void()> work) override { outbox_->defer(std::move(work)); }

 private:
  std::shared_ptr<Outbox> outbox_;
  std::atomic<bool> answered_ = false;
};

}  // namespace

Outbox::Outbox(const boost::asio::any_io_executor& strand, std::shared_ptr<boost::asio::io_context> io, Share share)
    : io_(std::move(io)), changed_(strand), share_(std::move(share)) {}

void Outbox::answer(http::Response response, bool streams) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    next_.dropped = !share_.resize(share_.amount() + response.body.size());
    if (!next_.dropped) next_.head = std::move(response);
    next_.streams = streams;
    next_.ended = !streams;
  }
  notify();
}

void Outbox::add(std::string piece) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    next_.broken = next_.broken || !share_.resize(share_.amount() + piece.size());
    if (!next_.broken) next_.piece += piece;
  }
  notify();
}

void Outbox::set_log(std::string log) {
  const std::lock_guard lock(mutex_);
  if (!closed_) next_.log = std::move(log);
}

void Outbox::end(bool broken) {
  {
    const std::lock_guard lock(mutex_);
    (broken ? next_.broken : next_.ended) = true;
  }
  notify();
}

void Outbox::defer(std::function<void()> work) { boost::asio::post(*io_, std::move(work)); }

Outbox::Next Outbox::take() {
  const std::lock_guard lock(mutex_);
  share_.resize(next_.piece.size() + (next_.head ? next_.head->body.size() : 0));
  return std::exchange(next_, {});
}

void Outbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  share_.resize(0);
  next_ = {};
}

void Outbox::notify() {
  // It does not own the outbox: a context that runs no more would then keep what keeps the context.
  boost::asio::post(changed_.get_executor(), [outbox = weak_from_this()] {
    if (const auto self = outbox.lock()) self->changed_.cancel();
  });
}

std::shared_ptr<http::Responder> make_responder(std::shared_ptr<Outbox> outbox) {
  return std::make_shared<OutboxResponder>(std::move(outbox));
}

}  // namespace e5v::net
