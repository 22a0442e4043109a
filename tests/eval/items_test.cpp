#include "eval/items.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

TEST(ItemMaker, ItemsHaveNamesForMessages) {
  const test::TemporaryFolder folder;
  ItemMaker maker;
  const auto image = folder.write("a.png", "one");
  const auto painter = std::make_shared<const drawing::TextPainter>(drawing::TextImageOptions());
  EXPECT_EQ(ItemMaker::text("a \"cat\"").name, "\"a \\\"cat\\\"\"");
  EXPECT_EQ(ItemMaker::text(std::string(100, 'x')).name, '"' + std::string(60, 'x') + "...\"");
  EXPECT_EQ(ItemMaker::drawn(painter, "a cat").name, "\"a cat\"");
  EXPECT_EQ(maker.image(image).name, image.string());
  EXPECT_EQ(maker.composed(image, "in red").name, image.string() + " with \"in red\"");
}

TEST(ItemMaker, ImagesAreKnownByContent) {
  const test::TemporaryFolder folder;
  ItemMaker maker;
  const auto a = folder.write("a.png", "one"), b = folder.write("b.png", "one"), c = folder.write("c.png", "two");
  EXPECT_EQ(maker.image(a).key, maker.image(b).key);
  EXPECT_NE(maker.image(a).key, maker.image(c).key);
  EXPECT_EQ(maker.images({a}).key, maker.image(a).key);
  EXPECT_EQ(maker.images({a}, "t").key, maker.composed(a, "t").key);
  EXPECT_NE(maker.images({a, c}).key, maker.images({c, a}).key);
  EXPECT_NE(maker.images({a, c}).key, maker.images({a, c}, "").key);
  EXPECT_NE(maker.images({a, a}).key, maker.image(a).key);
  EXPECT_EQ(maker.images({a, c}, "t").make().images.size(), 2);
  EXPECT_NE(maker.image(a).key, maker.composed(a, "").key);
  EXPECT_NE(maker.composed(a, "x").key, maker.composed(a, "y").key);
  EXPECT_NE(ItemMaker::text("x").key, ItemMaker::text("y").key);
  EXPECT_THROW(maker.image(folder.path() / "none.png"), InvalidInput);
}

TEST(ItemMaker, KindsOfOneContentAreToldApart) {
  const auto painter = std::make_shared<const drawing::TextPainter>(drawing::TextImageOptions());
  EXPECT_NE(ItemMaker::text("a").key, ItemMaker::drawn(painter, "a").key);
  EXPECT_EQ(ItemMaker::drawn(painter, "a").key, ItemMaker::drawn(painter, "a").key);
  const Input drawn = ItemMaker::drawn(painter, "a").make();
  EXPECT_FALSE(drawn.text);
  EXPECT_TRUE(std::holds_alternative<Pixels>(drawn.images.at(0)));
  EXPECT_EQ(ItemMaker::text("a").make().text, "a");
}

TEST(ItemMaker, AnImageIsReadOnce) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("a.png", "one");
  ItemMaker maker;
  const Hash128 key = maker.image(file).key;
  folder.write("a.png", "two");
  EXPECT_EQ(maker.image(file).key, key);
  EXPECT_NE(ItemMaker().image(file).key, key);
}

}  // namespace
}  // namespace e5v::eval
