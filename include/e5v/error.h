#pragma once
#include <stdexcept>

/// Marks the symbols that the shared library exports.
#define E5V_EXPORT __attribute__((visibility("default")))

namespace e5v {

/// The base class of all exceptions that e5v throws. what() is one line. It names the operation or the file, what was
/// expected, and what was found.
class E5V_EXPORT Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's input is wrong: a text, an image, an option, or a file to read.
class E5V_EXPORT InvalidInput : public Error {
 public:
  using Error::Error;
};

/// The checkpoint is wrong: files are missing or broken, the architecture is unknown, or tensors contradict the config.
/// A vector that is not finite also causes this error.
class E5V_EXPORT ModelError : public Error {
 public:
  using Error::Error;
};

/// The machine failed: memory is insufficient, or a device or a call of the operating system failed.
class E5V_EXPORT DeviceError : public Error {
 public:
  using Error::Error;
};

/// The queue has no room for the input now. The same call may succeed later.
class E5V_EXPORT Overloaded : public Error {
 public:
  using Error::Error;
};

/// The deadline passed before the computation of the input began.
class E5V_EXPORT DeadlineExceeded : public Error {
 public:
  using Error::Error;
};

/// The work was cancelled before it was finished, by the caller or because the embedder was shut down.
class E5V_EXPORT Cancelled : public Error {
 public:
  using Error::Error;
};

}  // namespace e5v
