#include "families/table.h"

#include <gmock/gmock.h>

#include "families/clip.h"
#include "families/llava_next.h"
#include "golden.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const Family* family_with(const std::string& config) {
  const e5v::test::TemporaryFolder folder;
  folder.write("config.json", config);
  return find_family(folder.path());
}

TEST(Table, FamiliesAreToldByModelTypeOrArchitecture) {
  EXPECT_EQ(&family_of(e5v::test::golden("ckpt/tiny-clip")), &clip());
  EXPECT_EQ(&family_of(e5v::test::golden("ckpt/tiny-small-f32")), &llava_next());
  EXPECT_EQ(family_with(R"({"model_type": "clip"})"), &clip());
  EXPECT_EQ(family_with(R"({"architectures": ["CLIPModel"]})"), &clip());
  EXPECT_EQ(family_with(R"({"architectures": ["LlamaForCausalLM"]})"), &llava_next());
  for (const char* type : {"llava_next", "llama", "mistral", "llava_llama", "llava_mistral"})
    EXPECT_EQ(family_with(fmt::format(R"({{"model_type": "{}"}})", type)), &llava_next()) << type;
}

TEST(Table, OtherConfigsAreOfNoFamilyByMessage) {
  for (const char* config : {"[]", "{}", R"({"model_type": 3})", R"({"model_type": "t5"})", "{"}) {
    EXPECT_EQ(family_with(config), nullptr) << config;
  }
  const e5v::test::TemporaryFolder folder;
  folder.write("config.json", R"({"model_type": "t5"})");
  EXPECT_THAT(
      [&] { family_of(folder.path()); },
      ThrowsMessage<ModelError>(HasSubstr("config.json] \"model_type\": expected one of clip, llava_next, llama, "
                                          "mistral (transformers) or llava_llama, llava_mistral (LLaVA-NeXT), "
                                          "found \"t5\"")));
  folder.write("config.json", "[]");
  EXPECT_THAT([&] { family_of(folder.path()); },
              ThrowsMessage<ModelError>(HasSubstr("expected an object, found array")));
}

TEST(Table, AScopePutsAnotherTableInItsPlace) {
  {
    const TableScope scope({&clip()});
    EXPECT_EQ(find_family(e5v::test::golden("ckpt/tiny-small-f32")), nullptr);
  }
  EXPECT_EQ(table().size(), 2);
}

}  // namespace
}  // namespace e5v::families
