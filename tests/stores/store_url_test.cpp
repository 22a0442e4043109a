#include "stores/store_url.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::stores {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

TEST(StoreUrlTest, PartsAreDecoded) {
  const StoreUrl url("postgresql://me:p%40ss%2fw@server:5433/photos?sslmode=require");
  EXPECT_EQ(url.scheme(), "postgresql");
  EXPECT_EQ(url.user(), "me");
  EXPECT_EQ(url.password(), "p@ss/w");
  EXPECT_EQ(url.host_and_port(), "server:5433");
  EXPECT_EQ(url.path(), "photos");
  const StoreUrl plain("milvus+https://server");
  EXPECT_EQ(plain.scheme(), "milvus+https");
  EXPECT_EQ(plain.user() + plain.password() + plain.path(), "");
  EXPECT_EQ(StoreUrl("postgresql:///photos?host=/run").path(), "photos");
}

TEST(StoreUrlTest, PasswordsAreNotShown) {
  EXPECT_EQ(StoreUrl("postgresql://me:secret@server/photos").name(), "postgresql://me:***@server/photos");
  EXPECT_EQ(StoreUrl("qdrant://:secret@server").name(), "qdrant://:***@server");
  EXPECT_EQ(StoreUrl("postgresql://server/photos?sslmode=off&password=secret").name(),
            "postgresql://server/photos?sslmode=off&password=***");
  EXPECT_EQ(StoreUrl("postgresql://secret:secret@server/secret").name(), "postgresql://secret:***@server/secret");
  EXPECT_EQ(StoreUrl("postgresql://me@server/photos").name(), "postgresql://me@server/photos");
  const StoreUrl url("postgresql://me:se%20cret@server/photos");
  EXPECT_EQ(url.masked("bad postgresql://me:se%20cret@server/photos\n\tse cret se%20cret\n"),
            "bad postgresql://me:***@server/photos; *** ***");
}

TEST(StoreUrlTest, FoldersAndBrokenAddressesAreNone) {
  for (const char* text : {"/photos", "photos", "C:/photos", "://x", "PG://x", "a b://x"}) {
    EXPECT_FALSE(StoreUrl::is_url(text)) << text;
    EXPECT_THAT([&] { StoreUrl url(text); }, ThrowsMessage<InvalidInput>(HasSubstr("expected the address of a store")));
  }
  // The password has a slash, so that its beginning looks like a port.
  EXPECT_THAT([] { StoreUrl url("postgresql://me:se/cret@server/photos"); },
              ThrowsMessage<InvalidInput>(
                  AllOf(HasSubstr("expected / in a user name or a password as %2F"), Not(HasSubstr("cret")))));
}

}  // namespace
}  // namespace e5v::stores
