#include "processes/ending.h"

#include <chrono>
#include <new>
#include <thread>

#include "base/error.h"
#include "processes/launch.h"

namespace e5v::processes {
namespace {

bool leader_tells = false;

}  // namespace

std::unique_ptr<Transport>& engine() {
  static auto* instance = new std::unique_ptr<Transport>();  // never destroyed: an engine ends by finish() or abort()
  return *instance;
}

bool tells_failure() {
  if (launch().index == 0) return true;
  if (engine() == nullptr) std::this_thread::sleep_for(std::chrono::seconds(2));
  return !leader_tells;
}

std::string failure_prefix() {
  if (leader_tells || launch().size == 1 || (engine() == nullptr && launch().index == 0)) return "";
  return fmt::format("process {}: ", launch().index);
}

void leave_telling_to_leader() { leader_tells = true; }

void end_all(int code) {
  constexpr std::chrono::minutes kTimeToTell{10};  // it may have to save what was reached; then it ends all
  if (engine() == nullptr) return;
  if (launch().index != 0 && leader_tells) std::this_thread::sleep_for(kTimeToTell);
  engine()->abort(code);
}

std::string verdict_of(const std::function<void()>& check) {
  try {
    check();
    return "";
  } catch (const InvalidInput& error) {
    return std::string("I") + error.what();
  } catch (const ModelError& error) {
    return std::string("M") + error.what();
  } catch (const Overloaded& error) {
    return std::string("O") + error.what();
  } catch (const std::bad_alloc&) {
    return "Dout of memory";
  } catch (const std::exception& error) {
    return std::string("D") + error.what();
  }
}

void throw_verdict(const std::string& verdict, int process) {
  leave_telling_to_leader();
  const std::string message = fmt::format("process {}: {}", process, verdict.substr(1));
  switch (verdict.at(0)) {
    case 'I': throw InvalidInput(message);
    case 'M': throw ModelError(message);
    case 'O': throw Overloaded(message);
    default: throw DeviceError(message);
  }
}

}  // namespace e5v::processes
