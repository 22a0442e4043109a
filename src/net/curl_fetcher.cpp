#include "net/curl_fetcher.h"

#include <curl/curl.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/thread_without_signals.h"
#include "net/transfer.h"

namespace e5v::net {
namespace {

using http::Fetched;
using http::FetchProblem;

/// How long the thread sleeps at most. It wakes for what comes, what is asked for and what is cancelled anyway.
constexpr int kSleep = 500;

CURLM* make_multi() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
  require<DeviceError>(multi != nullptr, "[libcurl] cannot be started");
  return multi;
}

}  // namespace

struct CurlFetcher::Impl {
  explicit Impl(FetchOptions given)
      : options(std::move(given)), held(std::make_shared<HeldBytes>(options.held_bytes)), multi(make_multi()) {
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.at_a_time));  // idle ones among them
    thread = thread_without_signals([this] { run(); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake();
    thread.join();
    curl_multi_cleanup(multi);
  }

  using Transfers = std::list<std::unique_ptr<Transfer>>;

  void wake() { curl_multi_wakeup(multi); }

  void run() {
    while (take_incoming()) {
      drop(active);
      drop(waiting);
      start_waiting();
      int running = 0;
      curl_multi_perform(multi, &running);
      finish_completed();
      publish();
      curl_multi_poll(multi, nullptr, 0, kSleep, nullptr);
    }
    for (Transfers* list : {&active, &waiting}) {
      while (!list->empty()) end(*list, list->begin(), {FetchProblem::cancelled});
    }
  }

  /// False when the fetcher ends.
  bool take_incoming() {
    const std::lock_guard lock(mutex);
    waiting.splice(waiting.end(), incoming);
    return !stopping;
  }

  /// Ends what is cancelled, or has waited too long for its turn; libcurl looks after the time of what is active.
  void drop(Transfers& list) {
    for (auto at = list.begin(); at != list.end();) {
      const auto here = at++;
      if ((*here)->is_cancelled()) {
        end(list, here, {FetchProblem::cancelled});
      } else if (&list == &waiting && (*here)->is_late()) {
        end(list, here, {FetchProblem::busy});
      }
    }
    while (std::cmp_greater(waiting.size(), options.waiting))
      end(waiting, std::prev(waiting.end()), {FetchProblem::busy});
  }

  /// Starts what waits, in its order; a client that has all its connections is passed over.
  void start_waiting() {
    for (auto at = waiting.begin(); at != waiting.end() && std::cmp_less(active.size(), options.at_a_time);) {
      const auto here = at++;
      int& of_client = active_of[(*here)->client()];
      if (of_client >= options.client_at_a_time) continue;
      const FetchProblem problem = (*here)->begin();
      if (problem != FetchProblem::none) {
        if (of_client == 0) active_of.erase((*here)->client());
        end(waiting, here, {problem});
        continue;
      }
      ++of_client;
      curl_multi_add_handle(multi, (*here)->handle());
      active.splice(active.end(), waiting, here);
    }
  }

  void finish_completed() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const easy = message->easy_handle;
      const CURLcode code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
      curl_multi_remove_handle(multi, easy);
      wake();  // for what follows: a redirect, or what waits
      if (std::optional<Fetched> fetched = transfer->next(code)) {
        end(active, std::ranges::find(active, transfer, &std::unique_ptr<Transfer>::get), std::move(*fetched));
      } else {
        curl_multi_add_handle(multi, transfer->handle());
      }
    }
  }

  void end(Transfers& list, Transfers::iterator at, Fetched fetched) {
    const std::unique_ptr<Transfer> transfer = std::move(*at);
    list.erase(at);
    if (&list == &active) {
      curl_multi_remove_handle(multi, transfer->handle());  // no error when it is removed already
      if (--active_of[transfer->client()] == 0) active_of.erase(transfer->client());
    }
    {
      const std::lock_guard lock(mutex);
      ++counters.ended[static_cast<std::size_t>(fetched.problem)];
      counters.seconds += transfer->seconds();
      if (fetched.body) counters.bytes += static_cast<std::int64_t>(fetched.body->size());
    }
    transfer->finish(std::move(fetched));
  }

  void publish() {
    const std::lock_guard lock(mutex);
    counters.waiting = static_cast<std::int64_t>(waiting.size());
    counters.active = static_cast<std::int64_t>(active.size());
  }

  const FetchOptions options;
  const std::shared_ptr<HeldBytes> held;
  CURLM* const multi;
  // Of the thread alone:
  Transfers waiting, active;
  std::map<std::string, int> active_of;  // by client
  std::mutex mutex;                      // of the members below
  Transfers incoming;
  http::FetchCounters counters;
  bool stopping = false;
  std::thread thread;
};

CurlFetcher::CurlFetcher(FetchOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

CurlFetcher::~CurlFetcher() = default;

FetchProblem CurlFetcher::check(const std::string& url) const {
  const std::optional<Url> parsed = Url::parse(url);
  if (!parsed) return FetchProblem::url;
  return impl_->options.hosts.allows(*parsed) ? FetchProblem::none : FetchProblem::host;
}

void CurlFetcher::fetch(http::FetchRequest request, Done done) {
  auto transfer = std::make_unique<Transfer>(impl_->options, impl_->held, std::move(request), std::move(done),
                                             [impl = impl_.get()] { impl->wake(); });
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->incoming.push_back(std::move(transfer));
  }
  impl_->wake();
}

http::FetchCounters CurlFetcher::counters() const {
  const std::lock_guard lock(impl_->mutex);
  http::FetchCounters counters = impl_->counters;
  counters.waiting += static_cast<std::int64_t>(impl_->incoming.size());
  return counters;
}

}  // namespace e5v::net
