#include "net/host_list.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::net {
namespace {

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
  for (const char* entry :
       {"", "*", "*.", "*.*.org", "a*.example.org", "http://a.example/", "a.example/b", "a..b", ".a", "a.",
        "user@a.example", "[::1", "[]", "::1", "a.example:", "a.example:0", "a.example:65536", "a.example:http"})
    EXPECT_THAT([&] { HostList({entry}); }, ThrowsMessage<InvalidInput>(fmt::format(
                                                "[{}] expected a host such as images.example.org, *.example.org "
                                                "or images.example.org:8443",
                                                entry)))
        << entry;
}

}  // namespace
}  // namespace e5v::net
