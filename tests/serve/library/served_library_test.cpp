#include "serve/library/served_library.h"

#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class ServedLibraryTest : public LibraryServiceTest {};

TEST_F(ServedLibraryTest, TheModelMustBeThatOfTheLibrary) {
  const PhotoFolder folder;
  folder.write("a.jpg", 1);
  folder.index(model()->embedder);
  ServedLibrary library(folder.folder());
  const auto other =
      load({{"other"}, test::golden("ckpt/tiny-small-f32"), {.dtype = ComputeType::bf16, .threads = 1}, {}});
  EXPECT_THAT([&] { library.set_model(other, {.dtype = ComputeType::bf16}); },
              ThrowsMessage<InvalidInput>(HasSubstr("the library's vectors belong to another vector space")));
  EXPECT_EQ(library.model(), nullptr);
  library.set_model(model(), {});
  EXPECT_EQ(library.model(), model());
}

TEST_F(ServedLibraryTest, TheNoteIsThatOfTheModelsFolder) {
  const test::TemporaryFolder folder;
  for (const auto& entry : std::filesystem::directory_iterator(test::golden("ckpt/tiny-small-f32")))
    std::filesystem::copy(entry.path(), folder.path() / entry.path().filename());
  folder.write("note.txt", "It knows nothing.\n\n");
  ServedLibrary library(photos().folder());
  library.set_model(load({{"noted"}, folder.path(), {.threads = 1}, {}}), {});
  EXPECT_EQ(library.note(), "It knows nothing.");
  EXPECT_EQ(served()->note(), "");
}

TEST(MadeOnce, IsMadeAnewInAnotherState) {
  MadeOnce<int> values;
  int made = 0;
  const auto make = [&] { return ++made; };
  EXPECT_EQ(values.get("a", 1, make), 1);
  EXPECT_EQ(values.get("a", 1, make), 1);
  EXPECT_EQ(values.get("b", 1, make), 2);
  EXPECT_EQ(values.get("a", 2, make), 3);
  EXPECT_EQ(values.get("b", 2, make), 4);
  for (int i = 0; i < 100; ++i) values.get(std::to_string(i), 2, make);
  EXPECT_EQ(values.get("b", 2, make), 105);  // only some are kept
}

TEST_F(ServedLibraryTest, PhotosOfALaterRunAreFound) {
  const PhotoFolder folder;
  folder.write("a.jpg", 1);
  folder.index(model()->embedder);
  ServiceOptions options;
  options.library = std::make_shared<ServedLibrary>(folder.folder());
  options.library->set_model(model(), {});
  Service service(options, nullptr);
  service.add(model());
  service.ready();
  const auto found = [&] {
    const auto keeper = std::make_shared<AnswerKeeper>();
    std::future<Answer> answer = keeper->answer();
    service.handle({.method = "POST", .path = "/library/search", .body = R"({"text":"a"})"}, keeper);
    return answer.get().json().at("photos").size();
  };
  EXPECT_EQ(found(), 1u);
  folder.write("b.jpg", 200);
  folder.index(model()->embedder);
  for (int i = 0; i < 200 && found() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(found(), 2u);
}

}  // namespace
}  // namespace e5v::serve
