#include "stores/open_store.h"

#include "stores/stored_photos.h"
#include "temporary_folder.h"

namespace e5v::stores {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

TEST(OpenStoreTest, FoldersAreLibrariesAndAddressesAreServers) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_THAT([&] { open_store(path + "/none"); }, ThrowsMessage<InvalidInput>(HasSubstr("there is no library")));
  EXPECT_EQ(open_store(path, "test")->name(), path);
  EXPECT_EQ(open_store(path)->name(), path);
  for (const auto& open : {+[](const std::string& url) { return open_store(url); },
                           +[](const std::string& url) { return open_store(url, "test"); }}) {
    EXPECT_THAT([&] { open("mysql://me:secret@server/photos"); },
                ThrowsMessage<InvalidInput>(AllOf(HasSubstr("[mysql://me:***@server/photos] expected an address that "
                                                            "begins with postgresql://, milvus:// or qdrant://"),
                                                  Not(HasSubstr("secret")))));
    EXPECT_THAT([&] { open("postgresql://me:secret@127.0.0.1:1/photos"); },
                ThrowsMessage<InvalidInput>(HasSubstr("cannot be opened")));
  }
}

}  // namespace
}  // namespace e5v::stores
