#include "net/systemd.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "temporary_folder.h"

namespace e5v::net {
namespace {

/// The variables by which systemd tells of sockets: to which process, and how many from descriptor 3 on.
class ListenVariables {
 public:
  ListenVariables(pid_t process, int count) {
    ::setenv("LISTEN_PID", std::to_string(process).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
  }
  ListenVariables(const ListenVariables&) = delete;
  ListenVariables& operator=(const ListenVariables&) = delete;
  ~ListenVariables() {
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
  }
};

/// A descriptor that is open while it exists, without harm to one that was open before.
class OpenDescriptor {
 public:
  explicit OpenDescriptor(int number) : number_(number), own_(::fcntl(number, F_GETFD) < 0) {
    if (own_) ::dup2(STDERR_FILENO, number);
  }
  OpenDescriptor(const OpenDescriptor&) = delete;
  OpenDescriptor& operator=(const OpenDescriptor&) = delete;
  ~OpenDescriptor() {
    if (own_) ::close(number_);
  }

 private:
  int number_;
  bool own_;
};

TEST(SystemdSockets, AreThoseFromTheThirdDescriptorOn) {
  const OpenDescriptor third(3), fourth(4);
  const ListenVariables variables(::getpid(), 2);
  EXPECT_THAT(systemd_sockets(), testing::ElementsAre(3, 4));
  // Processes that this one starts get neither the variables nor the descriptors.
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
  EXPECT_NE(::fcntl(3, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_THAT(systemd_sockets(), testing::IsEmpty());
}

TEST(SystemdSockets, OfAnotherProcessAreNotTaken) {
  const ListenVariables variables(::getpid() + 1, 1);
  EXPECT_THAT(systemd_sockets(), testing::IsEmpty());
}

TEST(SystemdSockets, AreNoneWithoutSystemd) {
  EXPECT_THAT(systemd_sockets(), testing::IsEmpty());
  const ListenVariables variables(::getpid(), 0);
  EXPECT_THAT(systemd_sockets(), testing::IsEmpty());
}

TEST(TellSystemd, SendsTheStateToTheSocketOfItsVariable) {
  const test::TemporaryFolder folder;
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = (folder.path() / "notify").string();
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const auto received = [&]() -> std::string {
    pollfd state{socket, POLLIN, 0};
    if (::poll(&state, 1, 0) <= 0) return "nothing";
    char bytes[256];
    const ssize_t size = ::recv(socket, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  };
  tell_systemd("READY=1");
  EXPECT_EQ(received(), "READY=1");
  tell_systemd("STOPPING=1");  // the variable stays for later states
  EXPECT_EQ(received(), "STOPPING=1");
  ::unsetenv("NOTIFY_SOCKET");
  tell_systemd("READY=1");
  EXPECT_EQ(received(), "nothing");
  ::close(socket);
}

}  // namespace
}  // namespace e5v::net
