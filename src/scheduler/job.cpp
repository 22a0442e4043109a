#include "scheduler/job.h"

#include "base/log.h"

namespace e5v::scheduler {

void tell(std::vector<Outcome> outcomes) {
  for (Outcome& outcome : outcomes) {
    try {
      outcome.ticket->done(std::move(outcome.vector), outcome.error);
    } catch (const std::exception& error) {
      log_warning("[scheduler] what is called with a vector must not throw: {}", error.what());
    } catch (...) {
      log_warning("[scheduler] what is called with a vector must not throw");
    }
  }
}

}  // namespace e5v::scheduler
