#pragma once
#include <stdexcept>

/// Marks what the shared library exports.
#define E5V_EXPORT __attribute__((visibility("default")))

namespace e5v {

/// Base of all errors that e5v throws. what() is one line: the operation or file, what was expected, what was found.
class E5V_EXPORT Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's input is at fault: a text, an image, an option, a file to read.
class E5V_EXPORT InvalidInput : public Error {
 public:
  using Error::Error;
};

/// The checkpoint is at fault: missing or broken files, unknown architecture, tensors that contradict the config.
class E5V_EXPORT ModelError : public Error {
 public:
  using Error::Error;
};

/// The machine is at fault: memory, a device, an operating system call.
class E5V_EXPORT DeviceError : public Error {
 public:
  using Error::Error;
};

/// More was asked for than fits now; the same call may succeed later.
class E5V_EXPORT Overloaded : public Error {
 public:
  using Error::Error;
};

/// The work had to wait until after the deadline that it was given, and was not begun.
class E5V_EXPORT DeadlineExceeded : public Error {
 public:
  using Error::Error;
};

/// The work was called off before it was done: by its caller, or because what does it is shut down.
class E5V_EXPORT Cancelled : public Error {
 public:
  using Error::Error;
};

}  // namespace e5v
