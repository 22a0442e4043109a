#include "serve/refusal.h"

#include <new>

#include "base/log.h"

namespace e5v::serve {

Fault fault_of(const std::exception_ptr& error) try { std::rethrow_exception(error); } catch (const Refusal& refusal) {
  return {refusal.status(), refusal.what(), refusal.field(), std::nullopt};
} catch (const InvalidInput& invalid) {
  return {400, invalid.what(), "", std::nullopt};
} catch (const Overloaded&) {
  return {429, "too many inputs wait; try again later", "", 1};
} catch (const DeadlineExceeded&) {
  return {504, "the deadline passed before the input was computed", "", std::nullopt};
} catch (const Cancelled&) {
  return {503, "the server is shutting down", "", 5};
} catch (const DeviceError& device) {
  log_warning("{}", device.what());
  return {503, "the server is short of memory or its device failed", "", 5};
} catch (const std::bad_alloc&) {
  log_warning("out of memory");
  return {503, "the server is short of memory", "", 5};
} catch (const std::exception& other) {
  log_warning("{}", other.what());
  return {500, "the server failed; its log says why", "", std::nullopt};
}

}  // namespace e5v::serve
