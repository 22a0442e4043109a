#include "serve/dialects/openai_encoding.h"

#include <gmock/gmock.h>

#include "base/base64.h"
#include "golden.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

Encoding encoding_of_json(const Json& body) { return encoding_of(ObjectReader(body)); }

TEST(OpenAiEncoding, FieldsGiveFormTypeAndOrder) {
  const Encoding none = encoding_of_json(Json::object());
  EXPECT_EQ(none.form, Encoding::Form::numbers);
  EXPECT_FALSE(none.is_bytes());
  const Encoding bytes =
      encoding_of_json({{"encoding_format", "bytes"}, {"embed_dtype", "float16"}, {"endianness", "big"}});
  EXPECT_TRUE(bytes.is_bytes());
  EXPECT_EQ(bytes.type, NumberType::float16);
  EXPECT_EQ(bytes.order, ByteOrder::big);
  EXPECT_TRUE(encoding_of_json({{"encoding_format", "bytes_only"}}).is_bytes());
  EXPECT_THAT(
      [] {
        encoding_of_json({{"endianness", "middle"}});
      },
      testing::ThrowsMessage<Refusal>("[endianness] expected native or little or big, found \"middle\""));
}

TEST(OpenAiEncoding, AValueIsNumbersOrBase64) {
  const std::vector<float> vector = {1, -0.5f};
  std::string numbers, base64;
  append_value(numbers, vector, {});
  EXPECT_EQ(numbers, "[1,-0.5]");
  append_value(base64, vector, encoding_of_json({{"encoding_format", "base64"}, {"endianness", "big"}}));
  EXPECT_EQ(base64, '"' + e5v::to_base64(std::string("\x3f\x80\0\0\xbf\0\0\0", 8)) + '"');
}

TEST(OpenAiEncoding, BytesAreDescribedUpToANumberOfInputs) {
  const Encoding bytes = encoding_of_json({{"encoding_format", "bytes"}});
  EXPECT_NO_THROW(check_inputs(bytes, 512));
  EXPECT_THAT([&] { check_inputs(bytes, 513); },
              testing::ThrowsMessage<Refusal>(
                  "[encoding_format] expected at most 512 inputs with bytes, found 513; bytes_only allows more"));
  EXPECT_NO_THROW(check_inputs(encoding_of_json({{"encoding_format", "bytes_only"}}), 2048));
  EXPECT_NO_THROW(check_inputs({}, 2048));
}

TEST(OpenAiEncoding, TheDescriptionOfTheLargestAnswerFitsIntoAHeaderField) {
  const auto model = load({{"e5-v"}, test::golden("ckpt/tiny-small-f32"), {.threads = 1}, {}});
  EmbeddedCall embedded{.vectors = std::vector<EmbeddedInput>(512), .tokens = 1'000'000'000};
  for (EmbeddedInput& input : embedded.vectors) input.vector.resize(16'384);
  const Encoding encoding = encoding_of_json({{"encoding_format", "bytes"}, {"embed_dtype", "bfloat16"}});
  EXPECT_LT(bytes_answer({.model = model}, embedded, encoding, "embd-").fields.find("metadata").size(), 65'000u);
}

}  // namespace
}  // namespace e5v::serve
