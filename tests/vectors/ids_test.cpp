#include "vectors/ids.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::vectors {
namespace {

using testing::ElementsAre;

TEST(Ids, AreTextOnALine) {
  EXPECT_EQ(id_text("a \"b\""), "a \"b\"");
  EXPECT_EQ(id_text(-3), "-3");
}

TEST(Ids, OneForEachVector) {
  EXPECT_THAT(parse_ids("a\n\nc\n", 3, "f"), ElementsAre("a", "", "c"));
  EXPECT_THAT(parse_ids("a\nb", 2, "f"), ElementsAre("a", "b"));  // an editor may have dropped the last end
  EXPECT_THAT(parse_ids("\n", 1, "f"), ElementsAre(""));
  EXPECT_THAT(parse_ids("", 0, "f"), ElementsAre());
  for (const char* text : {"a\n", "a\nb\nc\n", ""})
    EXPECT_THAT([&] { parse_ids(text, 2, "f"); },
                testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("expected 2, one a vector")));
}

}  // namespace
}  // namespace e5v::vectors
