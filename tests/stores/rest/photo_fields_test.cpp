#include "stores/rest/photo_fields.h"

#include "stores/stored_photos.h"

namespace e5v::stores::rest {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(PhotoFieldsTest, PhotosComeBackAsTheyAre) {
  for (StoredPhoto& photo : test::RandomPhotos(8).make(50)) {
    photo.vector[3] = tensor::Half(-0.0f);
    std::vector<float> vector;
    for (const tensor::Half value : photo.vector) vector.push_back(static_cast<float>(value) + 0.0f);
    const StoredPhoto back = photo_of(Json::parse(fields_of(photo).dump()), "test", vector);
    for (std::size_t d = 0; d < 8; ++d) EXPECT_EQ(back.vector[d].bits, photo.vector[d].bits);
    EXPECT_EQ(back.hash, photo.hash);
    EXPECT_EQ(back.metadata, photo.metadata);
    EXPECT_EQ(back.files, photo.files);
  }
}

TEST(PhotoFieldsTest, DatesAreNumbersInTheOrderOfTheirTexts) {
  StoredPhoto photo = test::RandomPhotos(8).make(2).back();
  photo.metadata.taken = "2019-07-14T12:33:10";
  const Json fields = fields_of(photo);
  EXPECT_EQ(fields["taken"], 20190714123310);
  const auto passes = [&](const char* from, const char* to) {
    for (const Condition& condition : conditions_of({.from = from, .to = to}, {}))
      if (!holds(condition, fields)) return false;
    return true;
  };
  EXPECT_TRUE(passes("2019", "2019"));
  EXPECT_TRUE(passes("2019-07-14", "2019-07-14"));
  EXPECT_TRUE(passes("2019-07-14T12:33", ""));
  EXPECT_FALSE(passes("2019-07-14T12:34", ""));
  EXPECT_FALSE(passes("", "2019-06"));
  photo.metadata.taken.clear();
  EXPECT_FALSE(holds(conditions_of({.from = "1900"}, {}).front(), fields_of(photo))) << "no date";
}

TEST(PhotoFieldsTest, FoldersAndFilesAreListed) {
  StoredPhoto photo;
  photo.files = {{"/a/b/c.jpg", 1, 1, 0}, {"/x.jpg", 1, 1, 0}};
  const Json fields = fields_of(photo);
  EXPECT_EQ(fields["folders"], (Json{"/", "/a", "/a/b"}));
  EXPECT_TRUE(holds(has_file("/x.jpg"), fields));
  EXPECT_FALSE(holds(has_file("/a"), fields));
  EXPECT_EQ(fields["shape"], "unknown");
}

TEST(PhotoFieldsTest, PartsOfCamerasAreTheCamerasThatHaveThem) {
  const auto conditions = conditions_of({.camera = "CANON"}, {"Canon 5D", "Nikon", "old canon"});
  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_EQ(conditions[0].texts, (std::vector<std::string>{"Canon 5D", "old canon"}));
}

TEST(PhotoFieldsTest, OtherObjectsAreRefused) {
  for (const char* text :
       {"1", "{}", R"({"hash":1,"photo":"{}"})", R"({"hash":"00","photo":"{}"})", R"({"hash":"00","photo":"}"})",
        R"({"hash":"00112233445566778899aabbccddeeff","photo":"{\"files\":[1]}"})"})
    EXPECT_THROW(photo_of(Json::parse(text), "test"), InvalidInput) << text;
  EXPECT_THAT([] { photo_of({}, "the store"); },
              ThrowsMessage<InvalidInput>(HasSubstr("[the store] expected an object")));
}

}  // namespace
}  // namespace e5v::stores::rest
