#include "serve/model_set.h"

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::ThrowsMessage;

TEST(PromptSet, TheNamedOnes) {
  const Input text = Input::from_text("a");
  Input both = golden_image_input();
  both.text = "a";
  EXPECT_EQ(PromptSet().of(text), "text");
  EXPECT_EQ(PromptSet().of(golden_image_input()), "image");
  EXPECT_EQ(PromptSet().of(both), "cirr-query");
  EXPECT_EQ(PromptSet::named("mteb").of(both), "mteb-query");
  EXPECT_THAT([] { PromptSet::named("x"); },
              ThrowsMessage<InvalidInput>("[prompts] expected e5v or mteb, found \"x\""));
}

class Models : public ServiceTest {};

TEST_F(Models, AreFoundByTheirNames) {
  ModelSet models;
  models.add(model());
  EXPECT_EQ(models.find(""), model());
  EXPECT_EQ(models.find("tiny"), model());
  EXPECT_EQ(models.find("text-embedding-3-small"), model());
  EXPECT_THAT([&] { models.find("x"); }, ThrowsMessage<Refusal>("[model] \"x\" is not served; expected tiny"));
}

TEST_F(Models, KnowTheirSizes) {
  EXPECT_EQ(model()->context, 8192);
  EXPECT_TRUE(model()->sees);
  EXPECT_EQ(model()->dtype.substr(0, 3), "f32");
}

}  // namespace
}  // namespace e5v::serve
