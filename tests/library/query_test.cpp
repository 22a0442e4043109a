#include "library/query.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(WeightedText, TheWeightIsANumberAfterTheLastColon) {
  EXPECT_EQ(weighted_text("at night"), (WeightedText{"at night", 1}));
  EXPECT_EQ(weighted_text("at night:0.5"), (WeightedText{"at night", 0.5}));
  EXPECT_EQ(weighted_text("ratio 16:9:1"), (WeightedText{"ratio 16:9", 1}));
  EXPECT_EQ(weighted_text("title: a star"), (WeightedText{"title: a star", 1}));
  EXPECT_EQ(weighted_text("star:"), (WeightedText{"star:", 1}));
  for (const char* given : {"a:0", "a:-1", "a:101", "a:inf", "a:nan"})
    EXPECT_THAT([&] { weighted_text(given); },
                ThrowsMessage<InvalidInput>(HasSubstr("expected a weight above 0 and at most 100")))
        << given;
  for (const char* given : {"", ":1"})
    EXPECT_THAT([&] { weighted_text(given); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a text"))) << given;
}

TEST(SumOfVectors, IsScaledToLengthOne) {
  const WeightedVector x{{1, 0}, 1}, y{{0, 1}, 0.75}, against{{0, 1}, -0.75};
  EXPECT_THAT(sum_of(std::vector{x, y}), ElementsAre(FloatEq(0.8f), FloatEq(0.6f)));
  EXPECT_THAT(sum_of(std::vector{x, against}), ElementsAre(FloatEq(0.8f), FloatEq(-0.6f)));
  const WeightedVector single{{0.3f, 0.7f}, 1};
  EXPECT_EQ(sum_of(std::vector{single}), single.vector) << "bit for bit";
  EXPECT_THAT(
      [&] {
        sum_of(std::vector{y, against});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("the parts of the query cancel each other")));
  EXPECT_THAT([] { sum_of({}); }, ThrowsMessage<InvalidInput>(HasSubstr("at least one part")));
  EXPECT_THAT(
      [&] {
        sum_of(std::vector{x, WeightedVector{{1}, 1}});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("have 2 and 1 dimensions")));
}

class RowNamedTest : public testing::Test {
 protected:
  void add(std::uint64_t high, std::int64_t row, const std::string& path) {
    Catalogue& catalogue = library_.catalogue();
    const Hash128 hash{1, high};
    catalogue.add_photo(hash, row, {});
    catalogue.add_waiting({path, 1, 1});
    catalogue.set_done(catalogue.find(path)->id, {path, 1, 1}, hash);
  }
  test::TemporaryFolder folder_;
  Library library_{folder_.path(), "test"};
};

TEST_F(RowNamedTest, APhotoIsNamedByAFileOrByItsHash) {
  add(0xabcdef12'00000000, 0, "/p/a.jpg"), add(0xabcdef13'00000000, 1, "/p/b.jpg"), add(0x12345678'00000000, 2, "/p/c");
  EXPECT_EQ(row_named(library_, "/p/b.jpg"), 1);
  EXPECT_EQ(row_named(library_, "/p/x/../a.jpg"), 0);
  const std::string first = Hash128{1, 0xabcdef12'00000000}.hex();
  EXPECT_EQ(row_named(library_, first), 0);
  EXPECT_EQ(row_named(library_, Hash128{1, 0x12345678'00000000}.hex().substr(0, 6)), 2);
  EXPECT_THAT([&] { row_named(library_, first.substr(0, 6)); },
              ThrowsMessage<InvalidInput>(HasSubstr("several photos have a hash that begins with abcdef")));
  EXPECT_THAT([&] { row_named(library_, "/p/none.jpg"); },
              ThrowsMessage<InvalidInput>(HasSubstr("the library has no photo \"/p/none.jpg\"")));
  library_.catalogue().set_state(library_.catalogue().find("/p/a.jpg")->id, FileState::gone);
  EXPECT_THAT([&] { row_named(library_, "/p/a.jpg"); }, ThrowsMessage<InvalidInput>(HasSubstr("has no photo")));
  EXPECT_THAT([&] { row_named(library_, first); }, ThrowsMessage<InvalidInput>(HasSubstr("has no photo")));
}

TEST_F(RowNamedTest, APathMayBeRelativeToAFolderOfTheLibrary) {
  add(1, 0, "/p/2019/a.jpg"), add(2, 1, "/q/2019/a.jpg"), add(3, 2, "/q/b.jpg");
  library_.catalogue().set_root({"/p", {}});
  EXPECT_EQ(row_named(library_, "2019/a.jpg"), 0);
  EXPECT_THAT([&] { row_named(library_, "b.jpg"); }, ThrowsMessage<InvalidInput>(HasSubstr("has no photo \"b.jpg\"")));
  library_.catalogue().set_root({"/q", {}});
  EXPECT_EQ(row_named(library_, "b.jpg"), 2);
  EXPECT_EQ(row_named(library_, "./2019/../b.jpg"), 2);
  EXPECT_THAT([&] { row_named(library_, "2019/a.jpg"); },
              ThrowsMessage<InvalidInput>(HasSubstr("several folders of the library have a photo \"2019/a.jpg\"")));
}

}  // namespace
}  // namespace e5v::library
