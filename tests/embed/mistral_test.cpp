// A LLaVA-NeXT with a Mistral backbone, tensor names and config as transformers >= 4.52 has them in memory.
#include <fmt/format.h>

#include "api/model.h"
#include "embed/golden_suite.h"

namespace e5v::test {
namespace {

struct MistralGolden {
  tensor::SafetensorsFile vectors{golden("embed/mistral_tiny.safetensors")};
  Json facts = read_json(golden("embed/mistral_tiny.json"));

  /// The inputs of a golden tensor, in its order.
  std::vector<Input> inputs(const std::string& kind) const {
    const auto image = [](const Json& name) { return Input::from_image(golden("images") / name.get<std::string>()); };
    std::vector<Input> inputs;
    for (const Json& item : facts.at(kind)) {
      if (kind == "texts") inputs.push_back(Input::from_text(item.get<std::string>()));
      if (kind == "images") inputs.push_back(image(item));
      if (kind == "composed") {
        inputs.push_back(image(item.at("image")));
        inputs.back().text = item.at("text").get<std::string>();
      }
    }
    return inputs;
  }
};

void check_mistral(ComputeType dtype) {
  const MistralGolden expected;
  Model embedder(golden("ckpt/tiny-mistral"), raw_options(dtype));
  std::size_t item = 0;
  for (const std::string kind : {"texts", "images", "composed"}) {
    const std::vector<Input> inputs = expected.inputs(kind);
    const Embeddings found = embedder.embed(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i, ++item) {
      const std::string what = fmt::format("{} {}", kind, i);
      EXPECT_EQ(found.token_counts[i], expected.facts.at("lengths")[item].get<std::int64_t>()) << what;
      expect_agrees(found.row(static_cast<std::int64_t>(i)), golden_row(expected.vectors, kind.c_str(), i), dtype,
                    what);
    }
  }
  EXPECT_EQ(item, 8u);
}

TEST(GoldenF32, MistralBackbone) { check_mistral(ComputeType::f32); }
TEST(GoldenBf16, MistralBackbone) { check_mistral(ComputeType::bf16); }

}  // namespace
}  // namespace e5v::test
