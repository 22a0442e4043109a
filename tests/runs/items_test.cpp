#include "runs/items.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "temporary_folder.h"

namespace e5v::runs {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Hands out text in pieces of a given size.
LineReader::Read in_pieces(std::string text, std::size_t piece) {
  return [text = std::move(text), piece, at = std::size_t{0}](std::span<char> buffer) mutable {
    const std::size_t count = std::min({text.size() - at, buffer.size(), piece});
    std::copy_n(text.data() + at, count, buffer.data());
    at += count;
    return count;
  };
}

TEST(LineReader, CutsLinesWhateverThePieces) {
  const std::string text = "first\nsecond\r\n\nfourth, which is too long\nfifth\n\xC3\xA9nd";
  for (const std::size_t piece : {1, 2, 3, 7, 1000}) {
    LineReader reader(in_pieces(text, piece), 10);
    std::vector<std::string> lines;
    for (auto result = reader.next(); result != LineReader::Result::end; result = reader.next()) {
      lines.push_back(result == LineReader::Result::too_long ? "(too long)" : std::string(reader.line()));
      EXPECT_EQ(reader.number(), static_cast<std::int64_t>(lines.size()));
    }
    EXPECT_THAT(lines, testing::ElementsAre("first", "second", "", "(too long)", "fifth", "\xC3\xA9nd"));
    EXPECT_EQ(reader.next(), LineReader::Result::end);
  }
}

TEST(LineReader, LineAtTheLimit) {
  LineReader reader(in_pieces("12345\n123456\n12345", 4), 5);
  EXPECT_EQ(reader.next(), LineReader::Result::line);
  EXPECT_EQ(reader.next(), LineReader::Result::too_long);
  EXPECT_EQ(reader.next(), LineReader::Result::line);
  EXPECT_EQ(reader.next(), LineReader::Result::end);
}

TEST(LineReader, DigestIsOfTheLinesReadSoFar) {
  const auto digest_after = [](const std::string& text, int lines) {
    LineReader reader(in_pieces(text, 4), 10);
    for (int i = 0; i < lines; ++i) reader.next();
    return reader.digest();
  };
  EXPECT_EQ(digest_after("a\nb\nc\n", 2), digest_after("a\nb\nd\n", 2));
  EXPECT_EQ(digest_after("a\nb", 2), digest_after("a\nb\nd\n", 2));  // a file may grow behind its last line
  EXPECT_NE(digest_after("a\nb\nc\n", 3), digest_after("a\nb\nd\n", 3));
  EXPECT_NE(digest_after("a\nb\n", 1), digest_after("a\nb\n", 2));
  EXPECT_NE(digest_after("a line too long\n", 1), digest_after("a line too lonG\n", 1));
}

Item parse(const std::string& line) { return parse_item(line, "items.jsonl:17", "folder"); }

TEST(ParseItem, TakesWhatItemsHold) {
  const Item both = parse(R"({"id": "a1", "text": "caf\u00e9", "image": "photos/a.jpg", "prompt": "cirr-query"})");
  EXPECT_EQ(both.id, "a1");
  EXPECT_EQ(both.input.text, "café");
  EXPECT_EQ(std::get<std::filesystem::path>(both.input.images.at(0)), "folder/photos/a.jpg");
  EXPECT_EQ(both.input.prompt, "cirr-query");
  const Item text = parse(R"({"text": "", "id": -3, "image": null, "prompt": null})");
  EXPECT_EQ(text.id, -3);
  EXPECT_EQ(text.input.text, "");
  EXPECT_TRUE(text.input.images.empty() && !text.input.prompt);
  EXPECT_FALSE(parse(R"({"text": "a", "id": null})").id);
  EXPECT_EQ(std::get<std::filesystem::path>(parse(R"({"image": "/a.jpg"})").input.images.at(0)), "/a.jpg");
  const Item several = parse(R"({"images": ["a.jpg", "/b.jpg"], "text": "t"})");
  ASSERT_EQ(several.input.images.size(), 2);
  EXPECT_EQ(std::get<std::filesystem::path>(several.input.images[0]), "folder/a.jpg");
  EXPECT_EQ(std::get<std::filesystem::path>(several.input.images[1]), "/b.jpg");
}

TEST(ParseItem, SaysWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "is not JSON"},
      {"A plain sentence.", "; each line is one object with \"id\", \"text\", \"image\", \"images\" or \"prompt\""},
      {"{\"text\": \"a\"} {", "is not JSON"},
      {"{\"text\": \"a\0b\"}" + std::string(1, '\0'), "is not JSON"},
      {"\"text\"", "expected an object, found string"},
      {"[{\"text\": \"a\"}]", "expected an object, found array"},
      {"{\"text\": \"\xC3\"}", "is not valid UTF-8"},
      {R"({"txt": "a"})", R"(unknown key "txt", expected "id", "text", "image", "images" or "prompt")"},
      {R"({"text": "a", "text": "b"})", R"("text" is given twice)"},
      {R"({"text": 1})", R"("text": expected a string, found number)"},
      {R"({"text": {"a": 1}})", R"("text": expected a string, found object)"},
      {R"({"image": ["a.jpg"]})", R"("image": expected a string, found array)"},
      {R"({"images": "a.jpg"})", R"("images": expected a list of strings, found string)"},
      {R"({"images": ["a.jpg", 1]})", R"("images": expected a list of strings, found number in it)"},
      {R"({"images": [["a.jpg"]]})", R"("images": expected a string, found array)"},
      {R"({"images": ["a.jpg", ""]})", R"("images": expected the path of a file)"},
      {R"({"image": "a.jpg", "images": ["b.jpg"]})", R"("image" and "images" exclude each other)"},
      {R"({"images": []})", R"(expected "text", "image" or both, found neither)"},
      {R"({"image": ""})", R"("image": expected the path of a file)"},
      {R"({"image": "a\u0000.jpg"})", R"("image": expected the path of a file)"},
      {R"({"text": "a", "prompt": true})", R"("prompt": expected a string, found boolean)"},
      {R"({"text": "a", "prompt": ""})", R"("prompt" is empty)"},
      {R"({"text": "a", "id": 1.5})", R"("id": expected a string or an integer, found another number)"},
      {R"({"text": "a", "id": true})", R"("id": expected a string or an integer, found boolean)"},
      {R"({"text": "a", "id": "a\nb"})", R"("id" holds a control character)"},
      {R"({"text": "a", "id": ")" + std::string(5000, 'a') + "\"}", R"("id" has 5000 bytes, the limit is 4096)"},
      {R"({"id": 1})", R"(expected "text", "image" or both, found neither)"},
      {"{\"text\": " + std::string(100000, '['), R"("text": expected a string, found array)"},
  };
  for (const auto& [line, part] : cases) {
    const std::string& bad = line;
    const auto refused = testing::AllOf(testing::StartsWith("[items.jsonl:17] "), HasSubstr(part));
    EXPECT_THAT([&] { parse(bad); }, ThrowsMessage<InvalidInput>(refused));
  }
}

TEST(ItemReader, GoesOnBehindABadLine) {
  ItemReader reader(in_pieces("\xEF\xBB\xBF{\"text\": \"a\"}\n \t\r\nbad\n" +
                                  std::string(ItemReader::kLongestLine + 1, 'x') + "\n{\"text\": \"b\"}",
                              100000),
                    "list", "");
  EXPECT_EQ(reader.next()->input.text, "a");
  EXPECT_EQ(reader.where(), "list:1");
  EXPECT_THAT([&] { reader.next(); }, ThrowsMessage<InvalidInput>(HasSubstr("[list:3] is not JSON")));
  EXPECT_THAT([&] { reader.next(); }, ThrowsMessage<InvalidInput>(HasSubstr("[list:4] is longer than the limit")));
  EXPECT_EQ(reader.next()->input.text, "b");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(ItemReader, OpensFiles) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("items.jsonl", "{\"image\": \"a.jpg\"}\n\nbad\n{\"text\": \"b\"}");
  const auto reader = ItemReader::open(path.string());
  EXPECT_EQ(reader->count(), 3);
  EXPECT_EQ(std::get<std::filesystem::path>(reader->next()->input.images.at(0)), folder.path() / "a.jpg");
  EXPECT_EQ(reader->where(), path.string() + ":1");
  EXPECT_THROW(ItemReader::open((folder.path() / "none").string()), InvalidInput);
  EXPECT_THAT([&] { ItemReader::open(folder.path().string()); }, ThrowsMessage<InvalidInput>(HasSubstr("is a folder")));
}

TEST(ItemReader, AFifoIsWaitedForWhenItIsReadAndTellsThatItIs) {
  struct Stop {};
  const test::TemporaryFolder folder;
  const std::filesystem::path fifo = folder.path() / "fifo", socket = folder.path() / "socket";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(::mknod(socket.c_str(), S_IFSOCK | 0600, 0), 0);
  const ItemReader* self = nullptr;
  bool waited = false;
  const auto reader = ItemReader::open(fifo.string(), [&] {  // nobody writes it
    if (self == nullptr || !self->is_waiting()) return;
    waited = true;
    throw Stop();
  });
  self = reader.get();
  EXPECT_FALSE(reader->is_waiting());
  EXPECT_FALSE(reader->can_be_read_again());
  EXPECT_THROW(reader->next(), Stop);
  EXPECT_TRUE(waited);
  EXPECT_THAT([&] { ItemReader::open(socket.string()); }, ThrowsMessage<InvalidInput>(HasSubstr("is a socket")));
}

TEST(ItemReader, MayBeStoppedWhileItWaits) {
  struct Stop {};
  const auto reader = ItemReader::open("/dev/null", [] { throw Stop(); });
  EXPECT_THROW(reader->next(), Stop);
}

TEST(ItemList, GivesItemsInOrder) {
  ItemList list({{{std::nullopt, Input::from_text("a")}, "--text 1"},
                 {{Json(5), Input::from_image(std::filesystem::path("b"))}, "--image 2"}});
  EXPECT_EQ(list.count(), 2);
  EXPECT_EQ(list.next()->input.text, "a");
  const Hash128 digest = list.digest();
  EXPECT_EQ(list.next()->id, 5);
  EXPECT_EQ(list.where(), "--image 2");
  EXPECT_NE(list.digest(), digest);
  EXPECT_FALSE(list.next());
}

TEST(ItemList, EveryImageCountsInTheDigest) {
  const auto digest_of = [](std::vector<ImageSource> images) {
    ItemList list({{{std::nullopt, Input::from_images(std::move(images))}, "--image"}});
    list.next();
    return list.digest();
  };
  const std::filesystem::path a = "a", b = "b";
  EXPECT_NE(digest_of({a, b}), digest_of({b, a}));
  EXPECT_NE(digest_of({a, a}), digest_of({a}));
  EXPECT_EQ(digest_of({a, b}), digest_of({a, b}));
}

}  // namespace
}  // namespace e5v::runs
