#pragma once
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"

namespace e5v::serve {

/// The error of a request that is refused. what() says what was expected and what was found.
class Refusal : public Error {
 public:
  Refusal(int status, const std::string& message, std::string field = "")
      : Error(message), status_(status), field_(std::move(field)) {}

  int status() const { return status_; }
  /// Returns the wrong field, for example "input[3].image", or an empty text.
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

/// The content of an error response.
struct Fault {
  int status = 500;
  std::string message;
  std::string field;
  std::optional<int> retry_after;  ///< in seconds
};

/// Returns the error response to an exception. A Refusal has its own status. InvalidInput gives 400, Overloaded 429,
/// DeadlineExceeded 504, and Cancelled, DeviceError and insufficient memory 503. All others give 500. The messages of
/// DeviceError and of errors with 500 are only logged. A proxy may ask another server after 503, but not after 504.
Fault fault_of(const std::exception_ptr& error);

}  // namespace e5v::serve
