#include "net/listener.h"

#include <gmock/gmock.h>
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

TEST(Listener, OnlySocketsThatListenAreAdopted) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_THAT([&] { adopt(socket); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a socket that listens")));
  ::close(socket);
}

}  // namespace
}  // namespace e5v::net
