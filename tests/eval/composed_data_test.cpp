#include <gmock/gmock.h>

#include "base/error.h"
#include "composed_folder.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;

class ComposedData : public test::ComposedFolder {};

TEST_F(ComposedData, ReadsFashionIq) {
  const ComposedSet set = dress();
  EXPECT_THAT(set.names, ElementsAre("B0", "B1", "B2", "B3", "B4"));
  ASSERT_EQ(set.queries.size(), 2u);
  EXPECT_EQ(set.queries[1].reference, 2);
  EXPECT_EQ(set.queries[1].target, 3);
  EXPECT_THAT(set.queries[1].captions, ElementsAre("blue?", "no sleeves"));
  EXPECT_EQ(set.images[3], folder_.path() / "images/B3.png");
  EXPECT_EQ(set.left_out, 0u);
}

TEST_F(ComposedData, ImagesMayBeInAnotherFolderAndOfAnyFormat) {
  std::filesystem::create_directory(folder_.path() / "elsewhere");
  for (const char* name : {"B0.jpg", "B1.png", "B2.jpeg", "B3.webp", "B4.jpg"})
    std::filesystem::copy_file(folder_.path() / "images/B0.png", folder_.path() / "elsewhere" / name);
  ImageFiles files;
  const ComposedSet set =
      read_fashioniq(folder_.path(), folder_.path() / "elsewhere", {"dress"}, "val", files)[0].second;
  EXPECT_EQ(set.images[2], folder_.path() / "elsewhere/B2.jpeg");
  EXPECT_EQ(set.images[3], folder_.path() / "elsewhere/B3.webp");
}

TEST_F(ComposedData, ANameThatTheListRepeatsIsOneImage) {
  folder_.write("image_splits/split.dress.val.json", R"(["B0", "B1", "B0", "B2", "B3"])");
  const ComposedSet set = dress();
  EXPECT_THAT(set.names, ElementsAre("B0", "B1", "B2", "B3"));
  EXPECT_EQ(set.queries[1].reference, 2);
}

TEST_F(ComposedData, ReadsCirr) {
  const ComposedSet set = cirr();
  ASSERT_EQ(set.names.size(), 5u);
  ASSERT_EQ(set.queries.size(), 2u);
  EXPECT_EQ(set.queries[0].id, 11);
  EXPECT_EQ(set.names[static_cast<std::size_t>(*set.queries[0].target)], "dev-1");
  ASSERT_EQ(set.queries[0].members.size(), 2u) << "without the reference";
}

TEST_F(ComposedData, TargetsAreThereOfAllQueriesOrOfNone) {
  folder_.write("captions/cap.dress.val.json", R"([
    {"target": "B1", "candidate": "B0", "captions": ["is red", "longer."]},
    {"candidate": "B2", "captions": ["blue?", "no sleeves"]}])");
  expect_refused([&] { dress(); },
                 "cap.dress.val.json[1]] has no \"target\": FashionIQ does not publish the targets of its test split");
  const std::string one = R"({"pairid": 1, "reference": "dev-0", "caption": "x", "img_set": {"members": []}})";
  const std::string two = R"({"pairid": 2, "reference": "dev-0", "caption": "x", "img_set": {"members": []}})";
  folder_.write("captions/cap.rc2.val.json", "[" + one + ", " + two + "]");
  EXPECT_FALSE(cirr().queries[1].target.has_value());
  const std::string other =
      R"({"pairid": 2, "reference": "dev-0", "target_hard": "dev-1", "caption": "x", "img_set": {"members": []}})";
  folder_.write("captions/cap.rc2.val.json", "[" + one + ", " + other + "]");
  expect_refused([&] { cirr(); }, "cap.rc2.val.json] 1 of 2 queries have a target, expected all or none");
}

TEST_F(ComposedData, CirrsQueriesDiffer) {
  const std::string one =
      R"({"pairid": 1, "reference": "dev-0", "target_hard": "dev-1", "caption": "x", "img_set": {"members": []}})";
  folder_.write("captions/cap.rc2.val.json", "[" + one + ", " + one + "]");
  expect_refused([&] { cirr(); }, "cap.rc2.val.json[1]] has the pairid 1, which an earlier query has");
  folder_.write(
      "captions/cap.rc2.val.json",
      R"([{"pairid": 1, "reference": "dev-0", "target_hard": "dev-0", "caption": "x", "img_set": {"members": []}}])");
  expect_refused([&] { cirr(); }, "has the reference \"dev-0\" as its target, which is not in the gallery");
}

TEST_F(ComposedData, AllThatIsMissingIsNamedAtOnceOrLeftOut) {
  folder_.write("image_splits/split.shirt.val.json", R"(["B0", "S1"])");
  folder_.write("captions/cap.shirt.val.json", R"([{"target": "B0", "candidate": "B0", "captions": ["a", "b"]}])");
  std::filesystem::remove(folder_.path() / "images/B3.png");
  folder_.write("images/B4.jpg", "<!DOCTYPE html>");  // what an address that is dead gives
  const auto file = [&](const char* name) { return (folder_.path() / "images" / name).string(); };
  expect_refused(
      [&] {
        fashioniq({"shirt", "dress"});
      },
      "3 of 6 images are missing: " + file("S1.jpg") + " does not exist, " + file("B3.jpg") + " does not exist, " +
          file("B4.jpg") + " is no image that e5v reads; expected FashionIQ's folder");
  const Categories sets = fashioniq({"shirt", "dress"}, ImageNeed::existing);
  EXPECT_THAT(sets[0].second.names, ElementsAre("B0"));
  EXPECT_EQ(sets[0].second.left_out, 0u);
  const ComposedSet& dress = sets[1].second;
  EXPECT_THAT(dress.names, ElementsAre("B0", "B1", "B2"));
  ASSERT_EQ(dress.queries.size(), 1u) << "the target of the other one is missing";
  EXPECT_EQ(dress.left_out, 1u);
  EXPECT_EQ(dress.queries[0].reference, 0);
  EXPECT_EQ(dress.queries[0].target, 1);
  folder_.write("image_splits/split.shirt.val.json", "[\"B0\", \"" + std::string(300, 'x') + "\"]");
  expect_refused([&] { fashioniq({"shirt"}); }, "xxx.jpg does not exist");
  std::filesystem::remove(folder_.path() / "images/B1.png");
  expect_refused([&] { fashioniq({"dress"}, ImageNeed::existing); },
                 "cap.dress.val.json] every query needs an image that is missing");
}

TEST_F(ComposedData, RefusesWhatIsMissingOrWrong) {
  const auto path = folder_.path();
  expect_refused([&] { fashioniq({"shirt"}); }, "cap.shirt.val.json] is missing; expected FashionIQ's folder");
  expect_refused([&] { cirr("test1"); }, "cap.rc2.test1.json] is missing; expected CIRR's folder");
  std::filesystem::remove(path / "images" / "B4.png");
  expect_refused([&] { dress(); },
                 "1 of 5 images is missing: " + (path / "images/B4.jpg").string() + " does not exist; expected ");
  std::filesystem::remove(path / "dev" / "dev-3.png");
  expect_refused([&] { cirr(); }, "1 of 5 images is missing: " + (path / "dev/dev-3.png").string());
  folder_.write("image_splits/split.rc2.val.json", R"({"dev-0": "./dev/dev-0.png"})");
  expect_refused([&] { cirr(); }, "cap.rc2.val.json[0]] names the image \"dev-1\", which is not in the split's list");
  folder_.write("image_splits/split.rc2.val.json", R"([1])");
  expect_refused([&] { cirr(); }, "split.rc2.val.json] is no object of names and files");
  folder_.write("image_splits/split.rc2.val.json", R"({"dev-0": 7})");
  expect_refused([&] { cirr(); }, "split.rc2.val.json] \"dev-0\" is no path");
  folder_.write("captions/cap.dress.val.json", R"([{"candidate": "B0"}])");
  folder_.write("image_splits/split.dress.val.json", R"(["B0"])");
  expect_refused([&] { dress(); }, "cap.dress.val.json[0]] is no query");
  folder_.write("captions/cap.dress.val.json", R"([{"candidate": "B0", "target": "B0", "captions": ["x"]}])");
  expect_refused([&] { dress(); }, "cap.dress.val.json[0]] has 1 captions, expected 2");
  folder_.write("captions/cap.dress.val.json", "[]");
  expect_refused([&] { dress(); }, "cap.dress.val.json] is no list of queries");
}

}  // namespace
}  // namespace e5v::eval
