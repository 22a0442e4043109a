#include "base/records.h"

#include <gmock/gmock.h>

#include <functional>

namespace e5v {
namespace {

using testing::ElementsAre;
using testing::Field;

std::vector<Record> all_records(std::string_view text, const std::function<Record(std::string_view, std::size_t)>& at) {
  std::vector<Record> records;
  for (std::size_t place = 0; place < text.size(); place = records.back().next) records.push_back(at(text, place));
  return records;
}

std::vector<std::string> csv_rows(std::string_view text) {
  std::vector<std::string> rows;
  for (const Record& record : all_records(text, csv_record_at)) {
    rows.emplace_back(record.problem.empty() ? record.bytes : record.problem);
  }
  return rows;
}

TEST(Lines, EndInOneOfTwoWaysOrWithTheText) {
  const std::vector<Record> lines = all_records("a\r\n\nb\rc\n\xC3\xA9", line_at);
  EXPECT_THAT(lines, ElementsAre(Field(&Record::bytes, "a"), Field(&Record::bytes, ""), Field(&Record::bytes, "b\rc"),
                                 Field(&Record::bytes, "\xC3\xA9")));
}

TEST(Lines, HaveALimit) {
  const std::string longest(kLongestRecord, 'x');
  const std::string text = longest + "\n" + longest + "x\nb";
  const std::vector<Record> lines = all_records(text, line_at);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].problem, "");
  EXPECT_EQ(lines[1].problem, "is too long");
  EXPECT_EQ(lines[2].bytes, "b");
}

TEST(Csv, RecordsEndOutsideOfQuotes) {
  EXPECT_THAT(csv_rows("a,b\r\n\"x\ny\",\"\"\"\r\n\"\nlast"), ElementsAre("a,b", "\"x\ny\",\"\"\"\r\n\"", "last"));
  EXPECT_THAT(csv_rows("\"a\"\r\n\"b\"\n\n\"c\"\r"), ElementsAre("\"a\"", "\"b\"", "", "\"c\""));
  EXPECT_THAT(csv_rows("5\" nail,b\nc\"\"d,e"), ElementsAre("5\" nail,b", "c\"\"d,e"));
  EXPECT_THAT(csv_rows("a,\n,"), ElementsAre("a,", ","));
}

TEST(Csv, StrayQuoteCostsItsLineOnly) {
  constexpr const char* kStray = "text follows a closing quote; perhaps a quote before it is not closed";
  EXPECT_THAT(csv_rows("a,b\n\"c,d\ne,f\ng,\"\"\n"), ElementsAre("a,b", "a quote is not closed", "e,f", "g,\"\""));
  EXPECT_THAT(csv_rows("\"he said \"hi\" there\",b\nc,d"), ElementsAre(kStray, "c,d"));
  EXPECT_THAT(csv_rows("\"a\nb\"c,d\ne,f"), ElementsAre(kStray, "e,f"));
  EXPECT_THAT(csv_rows("\""), ElementsAre("a quote is not closed"));
}

TEST(Csv, QuotedFieldHasALimit) {
  const std::string filler(kLongestRecord, 'x');
  EXPECT_THAT(csv_rows("\"a\n" + filler.substr(9) + "\"\nb"),
              ElementsAre("\"a\n" + filler.substr(9) + "\"", "b"));  // still within it
  EXPECT_THAT(csv_rows("\"a\nb\n" + filler + "\"\nc"), ElementsAre("a quote is not closed", "b", "is too long", "c"));
}

TEST(Csv, FieldsAreUnquoted) {
  EXPECT_THAT(csv_fields(""), ElementsAre(""));
  EXPECT_THAT(csv_fields("a,b"), ElementsAre("a", "b"));
  EXPECT_THAT(csv_fields(",a,"), ElementsAre("", "a", ""));
  EXPECT_THAT(csv_fields("\"\",\"a,\"\"b\"\"\nc\",d\"e\""), ElementsAre("", "a,\"b\"\nc", "d\"e\""));
  EXPECT_THAT(csv_fields("a,\"b\""), ElementsAre("a", "b"));
  EXPECT_THAT(csv_fields("\"\"\"\""), ElementsAre("\""));
}

TEST(Tsv, QuotesMeanNothing) {
  EXPECT_THAT(tsv_fields("\"a\tb\"\t"), ElementsAre("\"a", "b\"", ""));
  EXPECT_THAT(tsv_fields(""), ElementsAre(""));
}

TEST(Records, AByteOrderMarkIsTakenOffOnce) {
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB\xBF"
                                    "a\xEF\xBB\xBF"),
            "a\xEF\xBB\xBF");
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB"), "\xEF\xBB");
  EXPECT_EQ(without_byte_order_mark(""), "");
}

}  // namespace
}  // namespace e5v
