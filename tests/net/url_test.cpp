#include "net/url.h"

#include <gmock/gmock.h>

namespace e5v::net {
namespace {

TEST(Urls, AreReadAsTheyAreConnectedTo) {
  const std::optional<Url> url = Url::parse("HTTPS://Images.Example.ORG/a b.png?c#d");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host(), "images.example.org");
  EXPECT_EQ(url->port(), 443);
  EXPECT_TRUE(url->has_default_port());
  EXPECT_EQ(Url::parse("http://a.example.:8080")->host(), "a.example");
  EXPECT_EQ(Url::parse("http://a.example:8080")->port(), 8080);
  EXPECT_FALSE(Url::parse("http://a.example:443")->has_default_port());
  EXPECT_TRUE(Url::parse("http://a.example:80")->has_default_port());
  EXPECT_EQ(Url::parse("http://[::1]/")->host(), "[::1]");
}

TEST(Urls, OthersThanHttpAndHttpsAreNone) {
  for (const char* text :
       {"", "a.example", "/a", "//a.example/", "ftp://a.example/", "file:///a", "http://user@a.example/",
        "http://user:secret@a.example/", "http://:secret@a.example/", "http://a.example:99999/", "http://a example/"})
    EXPECT_FALSE(Url::parse(text)) << text;
  EXPECT_FALSE(Url::parse(std::string("http://a.example/\0b", 18)));
  EXPECT_TRUE(Url::parse("http://a.example/" + std::string(8000, 'x')));
  EXPECT_FALSE(Url::parse("http://a.example/" + std::string(9000, 'x')));
}

TEST(Urls, RedirectsAreRelativeToThem) {
  const std::optional<Url> url = Url::parse("https://a.example:8443/b/c");
  EXPECT_EQ(url->redirected("../d")->port(), 8443);
  EXPECT_EQ(url->redirected("/d")->host(), "a.example");
  EXPECT_EQ(url->redirected("http://b.example/")->host(), "b.example");
  EXPECT_EQ(url->redirected("http://b.example/")->port(), 80);
  EXPECT_EQ(url->redirected("//b.example/")->port(), 443);
  EXPECT_FALSE(url->redirected("file:///d"));
  EXPECT_FALSE(url->redirected("http://user@b.example/"));
}

}  // namespace
}  // namespace e5v::net
