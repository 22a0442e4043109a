#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "http/fetcher.h"

namespace e5v::serve {

/// A fetcher whose fetches end when a test says so.
class FakeFetcher : public http::Fetcher {
 public:
  http::FetchProblem check(const std::string& url) const override {
    return url.find("other.example") == std::string::npos ? http::FetchProblem::none : http::FetchProblem::host;
  }
  void fetch(http::FetchRequest request, Done done) override {
    open_.emplace_back(std::move(request), std::move(done));
  }
  http::FetchCounters counters() const override { return {}; }

  /// The URLs that are being fetched.
  std::vector<std::string> urls() const {
    std::vector<std::string> urls;
    for (const auto& [request, done] : open_) urls.push_back(request.url);
    return urls;
  }
  const http::FetchRequest& request(std::size_t index) const { return open_.at(index).first; }
  void end(const std::string& url, http::Fetched fetched) {
    const auto at = std::ranges::find(open_, url, [](const auto& one) { return one.first.url; });
    const Done done = std::move(at->second);
    open_.erase(at);
    done(std::move(fetched));
  }
  void end(const std::string& url, const std::string& body) {
    end(url, {http::FetchProblem::none, 200, std::make_shared<std::string>(body)});
  }

 private:
  std::vector<std::pair<http::FetchRequest, Done>> open_;
};

}  // namespace e5v::serve
