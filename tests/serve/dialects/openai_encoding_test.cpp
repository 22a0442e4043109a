#include "serve/dialects/openai_encoding.h"

#include <gmock/gmock.h>

#include "base/base64.h"
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

}  // namespace
}  // namespace e5v::serve
