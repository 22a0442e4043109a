#include "train/pairs.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::train {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

PairFile read(std::string_view text, PairFormat format = PairFormat::csv) { return {text, format, "pairs", "folder"}; }

/// The texts of a row: anchor, positive, hard negative, "-" for what is not there.
std::vector<std::string> texts(const PairFile& file, std::int64_t i) {
  const train::Pair pair = file.row(i);
  return {pair.anchor.text.value_or("-"), pair.positive.text.value_or("-"), pair.hard_negative.value_or("-")};
}

std::filesystem::path image_of(const Input& input) { return std::get<std::filesystem::path>(input.images.at(0)); }

std::vector<std::string> bad_messages(const PairFile& file) {
  std::vector<std::string> messages;
  for (const PairFile::BadRow& row : file.bad_rows().first) messages.push_back(row.message);
  return messages;
}

TEST(PairFormat, IsTheEnding) {
  EXPECT_EQ(pair_format_of("a/b.csv"), PairFormat::csv);
  EXPECT_EQ(pair_format_of("b.tsv"), PairFormat::tsv);
  EXPECT_EQ(pair_format_of("b.jsonl"), PairFormat::jsonl);
  EXPECT_EQ(pair_format_of("b.json"), PairFormat::jsonl);
  EXPECT_EQ(pair_format_of("b.txt"), PairFormat::text);
  EXPECT_THAT(
      [] { pair_format_of("b.parquet"); },
      ThrowsMessage<InvalidInput>("[b.parquet] has the ending \".parquet\", expected a file of pairs: .csv, .tsv, "
                                  ".jsonl or .txt"));
  EXPECT_THROW(pair_format_of("pairs"), InvalidInput);
}

TEST(Pairs, Csv) {
  const PairFile file = read("\xEF\xBB\xBFsent1,\"sent0\",hard_neg\r\nb,\"a, \"\"A\"\"\nnext\",c\r\n\r\nb2 ,a2,c2");
  ASSERT_EQ(file.rows(), 2);
  EXPECT_TRUE(file.has_hard_negatives());
  EXPECT_THAT(texts(file, 0), ElementsAre("a, \"A\"\nnext", "b", "c"));
  EXPECT_THAT(texts(file, 1), ElementsAre("a2", "b2 ", "c2"));
  EXPECT_EQ(file.where(0), "pairs:2");
  EXPECT_EQ(file.where(1), "pairs:5");
  EXPECT_EQ(file.bad_rows().count, 0);
}

TEST(Pairs, Tsv) {
  const PairFile file = read("\nsent0\tsent1\n\"a\tb, c\n\t\n", PairFormat::tsv);
  ASSERT_EQ(file.rows(), 1);
  EXPECT_FALSE(file.has_hard_negatives());
  EXPECT_THAT(texts(file, 0), ElementsAre("\"a", "b, c", "-"));
  EXPECT_THAT(bad_messages(file), ElementsAre("[pairs:4] sent0 is empty"));
}

TEST(Pairs, Jsonl) {
  const PairFile file = read(
      "{\"sent0\": \"a\\n\", \"sent1\": \"b\", \"hard_neg\": \"c\"}\n\n"
      "{\"image0\": \"i.jpg\", \"sent1\": \"b\", \"hard_neg\": \"d\", \"sent0\": null}",
      PairFormat::jsonl);
  ASSERT_EQ(file.rows(), 2);
  EXPECT_TRUE(file.has_hard_negatives());
  EXPECT_THAT(texts(file, 0), ElementsAre("a\n", "b", "c"));
  EXPECT_THAT(texts(file, 1), ElementsAre("-", "b", "d"));
  EXPECT_EQ(image_of(file.row(1).anchor), "folder/i.jpg");
}

TEST(Pairs, LinesOfTextAreTheirOwnPositives) {
  const PairFile file = read("one, \"1\"\r\n \ntwo\n", PairFormat::text);
  ASSERT_EQ(file.rows(), 2);
  EXPECT_FALSE(file.has_hard_negatives());
  EXPECT_THAT(texts(file, 0), ElementsAre("one, \"1\"", "one, \"1\"", "-"));
  EXPECT_THAT(texts(file, 1), ElementsAre("two", "two", "-"));
  EXPECT_EQ(file.bad_rows().count, 0);
}

TEST(Pairs, ImagesStandForSentencesOrBesideThem) {
  const PairFile file =
      read("image0,sent0,image1\na.jpg,turn it,/b.jpg\n,only words,c.jpg\nd.jpg,,c.jpg\n,,c.jpg\na,b,\n");
  ASSERT_EQ(file.rows(), 3);
  EXPECT_EQ(image_of(file.row(0).anchor), "folder/a.jpg");
  EXPECT_EQ(file.row(0).anchor.text, "turn it");
  EXPECT_EQ(image_of(file.row(0).positive), "/b.jpg");
  EXPECT_FALSE(file.row(0).positive.text);
  EXPECT_TRUE(file.row(1).anchor.images.empty());
  EXPECT_FALSE(file.row(2).anchor.text);
  EXPECT_THAT(bad_messages(file), ElementsAre("[pairs:5] sent0 and image0 are empty", "[pairs:6] image1 is empty"));
}

TEST(Pairs, ImagesAreNoticedInAnyRow) {
  const auto has_images = [](std::string_view text) {
    return PairFile(text, PairFormat::csv, "pairs.csv", "").has_images();
  };
  EXPECT_TRUE(has_images("sent0,image0,sent1\na,,b\n,c.png,d\n"));
  EXPECT_FALSE(has_images("sent0,image0,sent1\na,,b\n,c.png,\n"));  // the row with one is bad
}

TEST(Pairs, GroupsAreNamed) {
  const PairFile csv = read("group,sent0,sent1\n1f436,dog,puppy\n,cat,kitten\n \t,cow,calf\n");
  EXPECT_EQ(csv.row(0).group, "1f436");
  EXPECT_EQ(csv.row(1).group, std::nullopt);
  EXPECT_EQ(csv.row(2).group, std::nullopt);
  const PairFile jsonl = read(R"({"sent0": "dog", "sent1": "puppy", "group": "1f436"}
{"sent0": "cat", "sent1": "kitten"})",
                              PairFormat::jsonl);
  EXPECT_EQ(jsonl.row(0).group, "1f436");
  EXPECT_EQ(jsonl.row(1).group, std::nullopt);
}

TEST(Pairs, BadRowsAreLeftOutAndCounted) {
  const PairFile file = read("sent0,sent1,hard_neg\na,b\na,b,c,d\n,b,c\na, ,c\na,b,\n\xC3,b,c\n\"a,b,c\na,b,c\n");
  EXPECT_EQ(file.rows(), 1);
  EXPECT_EQ(file.bad_rows().count, 7);
  EXPECT_EQ(file.bad_rows().first.back().line, 6);
  EXPECT_EQ(file.where(0), "pairs:9");
  EXPECT_THAT(bad_messages(file),
              ElementsAre("[pairs:2] expected 3 columns, found 2", "[pairs:3] expected 3 columns, found 4",
                          "[pairs:4] sent0 is empty", "[pairs:5] sent1 is empty", "[pairs:6] hard_neg is empty"));
  EXPECT_THAT(bad_messages(read("sent0,sent1\n\xC3,b\n\"a,b\na,b\n")),
              ElementsAre("[pairs:2] is not valid UTF-8", "[pairs:3] a quote is not closed"));
}

TEST(Pairs, BadObjectsSayWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"{\"sent0\": \"a\"", "is not JSON"},
      {R"(["a", "b"])", "expected an object, found array"},
      {R"({"sent0": "a", "sent1": 1})", R"("sent1": expected a string, found number)"},
      {R"({"sent0": ["a"], "sent1": "b"})", R"("sent0": expected a string, found array)"},
      {R"({"sent0": "a", "text": "b"})",
       R"(unknown key "text", expected "sent0", "sent1", "hard_neg", "image0", "image1" or)"},
      {R"({"sent0": "a"})", "expected sent1 or image1, found neither"},
      {R"({"sent0": "a", "sent1": null})", "expected sent1 or image1, found neither"},
      {R"({"sent0": "", "sent1": "b"})", "sent0 is empty"},
      {R"({"image0": "a\u0000b", "sent1": "b"})", "image0: expected the path of a file"},
      {R"({"sent0": "a", "sent1": "b", "hard_neg": "c"})", "expected no hard_neg, as in earlier rows, found one"},
      {"{\"sent0\": \"\xFF\", \"sent1\": \"b\"}", "is not valid UTF-8"},
  };
  for (const auto& [line, part] : cases) {
    const std::string text = "{\"sent0\": \"a\", \"sent1\": \"b\"}\n" + line;
    const PairFile file = read(text, PairFormat::jsonl);
    EXPECT_EQ(file.rows(), 1);
    EXPECT_THAT(bad_messages(file), ElementsAre(AllOf(StartsWith("[pairs:2] "), HasSubstr(part))));
  }
  const PairFile file = read("{\"sent0\":\"a\",\"sent1\":\"b\",\"hard_neg\":\"c\"}\n{\"sent0\":\"a\",\"sent1\":\"b\"}",
                             PairFormat::jsonl);
  EXPECT_THAT(bad_messages(file), ElementsAre("[pairs:2] expected hard_neg as in earlier rows, found none"));
}

TEST(Pairs, HeadersSayWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"sent0,sent2\na,b", R"([pairs:1] unknown column "sent2", expected sent0 and sent1)"},
      {"a sentence,b\n", R"([pairs:1] unknown column "a sentence")"},
      {"sent0,sent0,sent1\na,b,c", "[pairs:1] column sent0 is given twice"},
      {"\nsent0,hard_neg\na,b", "[pairs:2] no column sent1 or image1, expected sent0 and sent1"},
      {"hard_neg,image1\na,b", "[pairs:1] no column sent0 or image0"},
      {"\"sent0,sent1\na,b", "[pairs:1] a quote is not closed, expected a header"},
      {"sent0,sent1\n\n", "[pairs] holds no row, expected a header with sent0, sent1"},
      {"\n \n", "[pairs] holds blanks only, expected a header"},
      {"\xEF\xBB\xBF", "[pairs] holds blanks only, expected a header"},
      {"sent0,sent1\na\nb\n",
       "[pairs] holds no good row, expected a header with sent0, sent1 and more of a CSV file, and "
       "rows below it; the first of 2 bad ones: [pairs:2] expected 2 columns, found 1"},
  };
  for (const auto& [text, part] : cases) {
    const std::string& bad = text;
    EXPECT_THAT([&] { read(bad); }, ThrowsMessage<InvalidInput>(StartsWith(part)));
  }
  EXPECT_THAT([] { read("[\n]\n", PairFormat::jsonl); }, ThrowsMessage<InvalidInput>(HasSubstr("holds no good row")));
  EXPECT_THAT([] { read("\n", PairFormat::text); },
              ThrowsMessage<InvalidInput>("[pairs] holds no row, expected one sentence a line"));
}

TEST(Pairs, FilesAreMapped) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.write("pairs.csv", "sent0,image1\na,b.jpg\n");
  PairFile opened(path);
  const PairFile file = std::move(opened);
  EXPECT_EQ(image_of(file.row(0).positive), folder.path() / "b.jpg");
  EXPECT_EQ(file.where(0), path.string() + ":2");
  EXPECT_THAT([&] { PairFile(folder.write("empty.jsonl", "")); },
              ThrowsMessage<InvalidInput>(HasSubstr("empty.jsonl] is empty, expected one object")));
  EXPECT_THAT([&] { PairFile(folder.path() / "none.csv"); },
              ThrowsMessage<InvalidInput>(HasSubstr("cannot be opened")));
  EXPECT_THAT([&] { PairFile(folder.path()); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a file of pairs")));
}

TEST(Pairs, RowsOutsideAreRefused) {
  const PairFile file = read("a", PairFormat::text);
  EXPECT_THAT([&] { file.row(1); }, ThrowsMessage<InvalidInput>("[pairs] expected a row of the 1 there are, found 1"));
  EXPECT_THROW(file.row(-1), InvalidInput);
  EXPECT_THROW(file.where(1), InvalidInput);
}

TEST(Pairs, DigestIsOfTheContent) {
  EXPECT_EQ(read("a\nb", PairFormat::text).digest(), Hasher().add("a\nb").digest());
  EXPECT_NE(read("a\nb", PairFormat::text).digest(), read("a\nb\n", PairFormat::text).digest());
}

}  // namespace
}  // namespace e5v::train
