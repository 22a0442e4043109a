#include "text/special_frame.h"

#include <gmock/gmock.h>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A template's processor, with the special tokens <s> and </s>, the latter of two ids.
std::string template_of(const std::string& single) {
  return R"({"type": "TemplateProcessing", "single": )" + single +
         R"(, "special_tokens": {"<s>": {"ids": [3]}, "</s>": {"ids": [4, 5]}}})";
}
constexpr const char* kBegin = R"({"SpecialToken": {"id": "<s>"}})";
constexpr const char* kEnd = R"({"SpecialToken": {"id": "</s>"}})";
constexpr const char* kText = R"({"Sequence": {"id": "A"}})";

SpecialFrame frame(const std::string& processor) {
  const Json document = Json::parse(R"({"post_processor": )" + processor + "}");
  return read_special_frame(Section(document, "t.json"));
}
std::string frame_refusal(const std::string& processor) {
  return test::message_of([&] { frame(processor); });
}

TEST(SpecialFrame, WithoutAProcessorThereIsNone) {
  for (const char* processor : {"null", R"({"type": "ByteLevel", "trim_offsets": false})"}) {
    EXPECT_THAT(frame(processor).before, IsEmpty());
    EXPECT_THAT(frame(processor).after, IsEmpty());
  }
}

TEST(SpecialFrame, ATemplatePutsItsTokensAroundTheText) {
  const SpecialFrame found = frame(template_of(fmt::format("[{}, {}, {}]", kBegin, kText, kEnd)));
  EXPECT_THAT(found.before, ElementsAre(3));
  EXPECT_THAT(found.after, ElementsAre(4, 5));
  EXPECT_THAT(frame(template_of(fmt::format("[{}, {}, {}]", kBegin, kEnd, kText))).before, ElementsAre(3, 4, 5));
}

TEST(SpecialFrame, RobertaHasOneTokenOnEitherSide) {
  const SpecialFrame found = frame(R"({"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]})");
  EXPECT_THAT(found.before, ElementsAre(0));
  EXPECT_THAT(found.after, ElementsAre(2));
}

TEST(SpecialFrame, TheLaterOfASequenceStandOutside) {
  const std::string around = template_of(fmt::format("[{}, {}, {}]", kBegin, kText, kEnd));
  const std::string roberta = R"({"type": "RobertaProcessing", "sep": ["y", 9], "cls": ["x", 8]})";
  const auto sequence = [](const std::string& first, const std::string& second) {
    return frame(
        fmt::format(R"({{"type": "Sequence", "processors": [{{"type": "ByteLevel"}}, {}, {}]}})", first, second));
  };
  EXPECT_THAT(sequence(around, roberta).before, ElementsAre(8, 3));
  EXPECT_THAT(sequence(around, roberta).after, ElementsAre(4, 5, 9));
  EXPECT_THAT(sequence(roberta, around).before, ElementsAre(3, 8));
  EXPECT_THAT(sequence(roberta, around).after, ElementsAre(9, 4, 5));
}

TEST(SpecialFrame, OtherProcessorsAreRefusedByMessage) {
  EXPECT_EQ(frame_refusal(R"("x")"), "[t.json] post_processor is string, expected an object");
  EXPECT_EQ(frame_refusal("{}"), "[t.json] post_processor.type is missing");
  EXPECT_EQ(frame_refusal(R"({"type": "BertProcessing"})"),
            "[t.json] post_processor.type is \"BertProcessing\"; supported are Sequence, TemplateProcessing, "
            "RobertaProcessing, ByteLevel");
  const Json step{{"type", "ByteLevel"}};
  const auto nested = [&](int depth) { return Json::parse(test::nested("x", step, "processors", depth))["x"].dump(); };
  EXPECT_EQ(frame_refusal(nested(7)), "no error");
  EXPECT_THAT(frame_refusal(nested(8)), HasSubstr("is nested too deep or too long"));
}

TEST(SpecialFrame, MalformedTemplatesAreRefusedByMessage) {
  const auto template_refusal = [](const std::string& single) { return frame_refusal(template_of(single)); };
  EXPECT_EQ(template_refusal("{}"), "[t.json] post_processor.single is object, expected an array");
  EXPECT_EQ(template_refusal("[]"),
            R"([t.json] post_processor.single has no text in it, expected {"Sequence": {"id": "A"}})");
  EXPECT_EQ(template_refusal(fmt::format("[{}, {}]", kText, kText)),
            "[t.json] post_processor.single[1] is not the one text of a single template, expected \"A\" once");
  EXPECT_THAT(template_refusal(R"([{"Sequence": {"id": "B"}}])"), HasSubstr("post_processor.single[0] is not"));
  EXPECT_EQ(template_refusal(R"([{"SpecialToken": {"id": "<x>"}}])"),
            "[t.json] post_processor.special_tokens.<x> is missing");
}

TEST(SpecialFrame, IdsOfTemplatesAreCheckedAndCounted) {
  const auto with_ids = [](const Json& ids) {
    Json processor = Json::parse(template_of(fmt::format("[{}, {}]", kBegin, kText)));
    processor["special_tokens"]["<s>"]["ids"] = ids;
    return frame_refusal(processor.dump());
  };
  EXPECT_EQ(with_ids({-1}),
            "[t.json] post_processor.special_tokens.<s>.ids[0] is -1, expected a whole number in [0, 4194303]");
  EXPECT_EQ(with_ids(Json::array_t(1024, 3)), "no error");
  EXPECT_EQ(with_ids(Json::array_t(1025, 3)), "[t.json] post_processor has more than 1024 special tokens");
}

TEST(SpecialFrame, AnUnpairedRobertaTokenIsRefused) {
  EXPECT_EQ(frame_refusal(R"({"type": "RobertaProcessing", "sep": ["a"], "cls": ["a", 0]})"),
            "[t.json] post_processor.sep has 1 elements, expected a token and its id");
}

}  // namespace
}  // namespace e5v::text
