#pragma once
#include <string>
#include <vector>

namespace e5v::net {

/// Returns the sockets that systemd has opened for this process (socket activation), if any.
std::vector<int> systemd_sockets();

/// Sends the state of the process to the service manager: "READY=1", "STOPPING=1", "STATUS=…". Does nothing if there is
/// no service manager.
void tell_systemd(const std::string& state);

}  // namespace e5v::net
