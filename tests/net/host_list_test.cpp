#include "net/host_list.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::net {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(HostList, AllowsWhatItNames) {
  const HostList hosts({"Images.Example.org", "*.example.net", "store:9000", "[2001:db8::1]"});
  for (const char* url :
       {"http://images.example.org/a", "https://IMAGES.example.org./a", "http://a.example.net/",
        "https://a.b.example.net/", "http://store:9000/", "https://store:9000/", "http://[2001:db8::1]/"})
    EXPECT_TRUE(hosts.allows(*Url::parse(url))) << url;
  for (const char* url :
       {"http://example.org/", "http://a.images.example.org/", "http://images.example.org.example.com/",
        "http://example.net/", "http://badexample.net/", "http://images.example.org:8080/", "http://a.example.net:443/",
        "http://store/", "http://store:9001/", "http://[2001:db8::2]/"}) {
    const std::optional<Url> parsed = Url::parse(url);
    EXPECT_FALSE(parsed && hosts.allows(*parsed)) << url;
  }
  EXPECT_FALSE(HostList().allows(*Url::parse("http://images.example.org/")));
}

TEST(HostList, WhatIsNoHostIsNamed) {
  for (const char* entry : {"", "*", "*.", "*.*.org", "a*.example.org", "::1", "a.example/b", "a..b", ".a", "a.",
                            "user@a.example", "[::1", "[]"})
    EXPECT_THAT([&] { HostList({entry}); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a host such as"))) << entry;
  for (const char* entry : {"a.example:", "a.example:0", "a.example:65536", "a.example:http", "http://a.example/"})
    EXPECT_THAT([&] { HostList({entry}); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a port from 1 to 65535")))
        << entry;
}

}  // namespace
}  // namespace e5v::net
