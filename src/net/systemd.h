#pragma once
#include <string>
#include <vector>

namespace e5v::net {

/// Sockets that systemd listens on for this process (socket activation); none when it was started otherwise.
std::vector<int> systemd_sockets();

/// Tells the service manager how the process is: "READY=1", "STOPPING=1", "STATUS=…". Does nothing without one.
void tell_systemd(const std::string& state);

}  // namespace e5v::net
