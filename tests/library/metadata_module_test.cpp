#include "library/metadata_module.h"

#include <gmock/gmock.h>

namespace e5v::library {
namespace {

TEST(MetadataModule, IsLoadedUnlessItIsMissingOrAnotherLibrary) {
  EXPECT_EQ(metadata_reader().reader == nullptr, !metadata_reader().problem.empty());
  const FoundReader missing = open_metadata_module("e5v_none.so"), other = open_metadata_module("libz.so.1");
  EXPECT_EQ(missing.reader, nullptr);
  EXPECT_THAT(missing.problem, testing::StartsWith("e5v_none.so cannot be loaded: e5v_none.so: cannot open"));
  EXPECT_EQ(other.reader, nullptr);
  EXPECT_EQ(other.problem, "libz.so.1 has another version");
}

}  // namespace
}  // namespace e5v::library
