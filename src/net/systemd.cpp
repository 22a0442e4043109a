#include "net/systemd.h"

#include <systemd/sd-daemon.h>

namespace e5v::net {

std::vector<int> systemd_sockets() {
  std::vector<int> sockets;
  const int count = ::sd_listen_fds(1);
  for (int i = 0; i < count; ++i) sockets.push_back(SD_LISTEN_FDS_START + i);
  return sockets;
}

void tell_systemd(const std::string& state) { ::sd_notify(0, state.c_str()); }

}  // namespace e5v::net
