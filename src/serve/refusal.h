#pragma once
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"

namespace e5v::serve {

/// A request that is answered with an error. what() says what was expected and what was found.
class Refusal : public Error {
 public:
  Refusal(int status, const std::string& message, std::string field = "")
      : Error(message), status_(status), field_(std::move(field)) {}

  int status() const { return status_; }
  /// The field at fault: "input[3].image"; empty when it is none.
  const std::string& field() const { return field_; }

 private:
  int status_;
  std::string field_;
};

/// Throws a Refusal with status 400 that names a field: "[dimensions] expected a whole number, found \"x\"".
template <class... Args>
[[noreturn]] void refuse_field(const std::string& field, fmt::format_string<Args...> format, Args&&... args) {
  throw Refusal(400, fmt::format("[{}] {}", field, fmt::format(format, std::forward<Args>(args)...)), field);
}

/// An error as clients are told of it.
struct Fault {
  int status = 500;
  std::string message;
  std::string field;
  std::optional<int> retry_after;  ///< seconds
};

/// What a client is told of an exception: a Refusal's own status; 400 for InvalidInput, 429 for Overloaded, 503 for
/// what was cancelled or ran out of memory, 504 for what ran out of time, 500 for the rest, whose message stays in the
/// log. A proxy may ask another server after 503, not after 504.
Fault fault_of(const std::exception_ptr& error);

}  // namespace e5v::serve
