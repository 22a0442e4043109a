#include "net/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

void close_all(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) ::close(listener.socket);
}

TEST(Listener, PortZeroIsAnyFreeOne) {
  const std::vector<Listener> listeners = listen_on("127.0.0.1:0");
  ASSERT_EQ(listeners.size(), 1u);
  EXPECT_THAT(listeners[0].address, StartsWith("127.0.0.1:"));
  EXPECT_NE(listeners[0].address, "127.0.0.1:0");
  EXPECT_THAT([&] { listen_on(listeners[0].address); },
              ThrowsMessage<InvalidInput>(HasSubstr("cannot listen: Address already in use")));
  const Listener adopted = adopt(listeners[0].socket);
  EXPECT_EQ(adopted.address, listeners[0].address);
  close_all(listeners);
}

TEST(Listener, AddressesThatAreNoneAreRefused) {
  for (const char* address : {"", "8080", ":8080", "localhost:", "127.0.0.1:http", "no.such.host.invalid:1", "unix:"})
    EXPECT_THROW(listen_on(address), InvalidInput) << address;
  EXPECT_THAT([] { listen_on("8080"); },
              ThrowsMessage<InvalidInput>("[8080] expected HOST:PORT, [IPv6]:PORT or unix:PATH"));
}

TEST(Listener, AUnixSocketThatNobodyListensOnIsReplaced) {
  const test::TemporaryFolder folder;
  const std::string address = "unix:" + (folder.path() / "s").string();
  const std::vector<Listener> first = listen_on(address);
  EXPECT_THAT([&] { listen_on(address); }, ThrowsMessage<InvalidInput>(HasSubstr("another program listens there")));
  close_all(first);
  const std::vector<Listener> second = listen_on(address);
  EXPECT_TRUE(second[0].is_unix);
  close_all(second);
  folder.write("file", "x");
  EXPECT_THAT([&] { listen_on("unix:" + (folder.path() / "file").string()); },
              ThrowsMessage<InvalidInput>(HasSubstr("is a file that is no socket")));
}

TEST(Listener, AddressesThatThisMachineLacksAreSkipped) {
  sockaddr_in elsewhere{}, here{}, taken{};
  elsewhere.sin_family = here.sin_family = taken.sin_family = AF_INET;
  elsewhere.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1, an address for documentation
  here.sin_addr.s_addr = taken.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto entry = [](sockaddr_in& name, addrinfo* next) {
    return addrinfo{0, AF_INET, SOCK_STREAM, 0, sizeof name, reinterpret_cast<sockaddr*>(&name), nullptr, next};
  };
  addrinfo second = entry(here, nullptr);
  const addrinfo first = entry(elsewhere, &second), alone = entry(elsewhere, nullptr);
  const std::vector<Listener> listeners = listen_on_all(&first, "host:0");
  ASSERT_EQ(listeners.size(), 1u);
  EXPECT_THAT(listeners[0].address, StartsWith("127.0.0.1:"));
  EXPECT_THAT([&] { listen_on_all(&alone, "host:0"); },
              ThrowsMessage<InvalidInput>("[host:0] cannot listen: Cannot assign requested address"));
  taken.sin_port = htons(static_cast<std::uint16_t>(std::stoi(listeners[0].address.substr(10))));
  addrinfo last = entry(taken, nullptr);
  const addrinfo both = entry(here, &last);
  EXPECT_THAT([&] { listen_on_all(&both, "host:0"); },
              ThrowsMessage<InvalidInput>("[host:0] cannot listen: Address already in use"));
  close_all(listeners);
}

TEST(Listener, KnowsWhetherItHasMadeTheFileOfItsSocket) {
  const test::TemporaryFolder folder;
  const std::vector<Listener> made = listen_on("unix:" + (folder.path() / "s").string());
  EXPECT_TRUE(made[0].is_ours);
  EXPECT_FALSE(adopt(made[0].socket).is_ours);
  close_all(made);
}

TEST(Listener, OnlySocketsThatListenAreAdopted) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_THAT([&] { adopt(socket); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a socket that listens")));
  ::close(socket);
}

}  // namespace
}  // namespace e5v::net
