#include "net/exchange.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <utility>

namespace e5v::net {
namespace {

class Stream : public http::BodyStream {
 public:
  explicit Stream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() override {
    if (!ended_.exchange(true)) exchange_->end(true);
  }
  void write(std::string bytes) override { exchange_->add(std::move(bytes)); }
  void set_log(std::string log) override { exchange_->set_log(std::move(log)); }
  void end() override {
    if (!ended_.exchange(true)) exchange_->end(false);
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  std::atomic<bool> ended_ = false;
};

class ExchangeResponder : public http::Responder {
 public:
  explicit ExchangeResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ExchangeResponder(const ExchangeResponder&) = delete;
  ExchangeResponder& operator=(const ExchangeResponder&) = delete;
  ~ExchangeResponder() override {
    if (!answered_) exchange_->end(true);
  }
  void send(http::Response response) override {
    if (answered_.exchange(true)) return;
    exchange_->answer(std::move(response), false);
  }
  std::shared_ptr<http::BodyStream> begin(http::Response head) override {
    if (!answered_.exchange(true)) exchange_->answer(std::move(head), true);
    return std::make_shared<Stream>(exchange_);
  }
  void defer(std::function<void()> work) override { exchange_->defer(std::move(work)); }

 private:
  std::shared_ptr<Exchange> exchange_;
  std::atomic<bool> answered_ = false;
};

}  // namespace

Exchange::Exchange(const boost::asio::any_io_executor& strand, std::shared_ptr<boost::asio::io_context> io)
    : io_(std::move(io)), changed_(strand) {}

void Exchange::answer(http::Response response, bool streams) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    next_.head = std::move(response);
    next_.streams = streams;
    next_.ended = !streams;
  }
  notify();
}

void Exchange::add(std::string piece) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    next_.piece += piece;
  }
  notify();
}

void Exchange::set_log(std::string log) {
  const std::lock_guard lock(mutex_);
  next_.log = std::move(log);
}

void Exchange::end(bool broken) {
  {
    const std::lock_guard lock(mutex_);
    (broken ? next_.broken : next_.ended) = true;
  }
  notify();
}

void Exchange::defer(std::function<void()> work) { boost::asio::post(*io_, std::move(work)); }

Exchange::Next Exchange::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(next_, {});
}

void Exchange::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  next_ = {};
}

void Exchange::notify() {
  boost::asio::post(changed_.get_executor(), [self = shared_from_this()] { self->changed_.cancel(); });
}

std::shared_ptr<http::Responder> make_responder(std::shared_ptr<Exchange> exchange) {
  return std::make_shared<ExchangeResponder>(std::move(exchange));
}

}  // namespace e5v::net
