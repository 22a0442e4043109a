#pragma once
#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace e5v::report {

/// Text that grows by formatted pieces.
class Writer {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace e5v::report
