// Which models a config.json may describe.
#include <gmock/gmock.h>

#include "model/config_files.h"
#include "model/config_parts.h"

namespace e5v::model::test {
namespace {

using testing::ThrowsMessage;

TEST(Architecture, UnknownOnesAreRefused) {
  expect_error({{"model_type", "qwen2_vl"}}, "model_type", "llava_next, llama, mistral");
  expect_error({{"model_type", "qwen2_vl"}}, "model_type", "found \"qwen2_vl\"");
  expect_error({{"architectures", {"BertModel"}}}, "model_type", "found nothing");
  expect_error(Json::object(), "model_type", "found nothing");
  expect_error({{"model_type", 3}}, "model_type", "a string, found 3");
  expect_error(llava_with("/text_config/model_type", "qwen2"), "text_config.model_type",
               "llama or mistral, found \"qwen2\"");
  expect_error(llava_with("/vision_config/model_type", "siglip_vision_model"), "vision_config.model_type",
               "clip_vision_model, found \"siglip_vision_model\"");
  EXPECT_THAT([] { parse(Json::array({1})); },
              ThrowsMessage<ModelError>("[dir/config.json] expected an object, found a list of 1"));
}

TEST(Architecture, ClassesAreThoseOfTransformers) {
  for (const char* name : {"LlamaForCausalLM", "LlamaModel", "MistralModel", "LlavaNextModel",
                           "LlavaNextForConditionalGeneration", "LlamaForSequenceClassification"}) {
    EXPECT_NO_THROW(parse({{"model_type", "llama"}, {"architectures", {name}}})) << name;
  }
  EXPECT_TRUE(parse({{"architectures", {"LlavaNextModel"}}}).vision);
  for (const char* name : {"LlamaBiModel", "LlamaEncoderModel", "MistralForTextEmbedding", "Llama4ForCausalLM"}) {
    expect_error({{"model_type", "llama"}, {"architectures", {name}}}, "architectures",
                 "a class of transformers' Llama, Mistral or LLaVA-NeXT, found \"" + std::string(name) + "\"");
  }
}

TEST(Architecture, KeysOfEveryModelThatChangeWhatIsComputed) {
  for (const Json& value : {Json(false), Json(nullptr)}) {
    expect_error(llava_with("/text_config/is_causal", value), "text_config.is_causal", "in both directions");
    expect_error(llava_with("/is_causal", value), "is_causal", "in both directions");
  }
  expect_error(llava_with("/text_config/tie_last_hidden_states", false), "text_config.tie_last_hidden_states",
               "true (vectors are states after the last norm)");
  const Json layers = {{"3", {{"num_key_value_heads", 1}}}};
  for (const std::string place : {"", "text_config/", "vision_config/"}) {
    std::string key = place;
    std::replace(key.begin(), key.end(), '/', '.');
    expect_error(llava_with("/" + place + "per_layer_config", layers), key + "per_layer_config", "layers that differ");
  }
  Json harmless = llava_with("/text_config/is_causal", true);
  harmless["text_config"].update({{"per_layer_config", nullptr},
                                  {"hidden_act", "swish"},
                                  {"attention_dropout", 0.1},
                                  {"use_cache", false},
                                  {"pretraining_tp", 2},
                                  {"layer_types", {"full_attention"}},
                                  {"partial_rotary_factor", 0.5}});
  EXPECT_EQ(parse(harmless).text.rope_theta, 10000);
}

TEST(Architecture, TypeIsThatOfTheFileOrOfTheClass) {
  const auto type_of = [](const Json& json) { return model_type(Fields(json, "config.json")); };
  EXPECT_EQ(type_of({{"model_type", "mistral"}, {"architectures", {"LlamaModel"}}}), "mistral");
  EXPECT_EQ(type_of({{"model_type", nullptr}, {"architectures", {"LlavaNextForConditionalGeneration"}}}), "llava_next");
  EXPECT_EQ(type_of({{"architectures", {"LlamaForTokenClassification"}}}), "llama");
  EXPECT_EQ(type_of({{"architectures", {"MistralForQuestionAnswering", "LlamaModel"}}}), "mistral");
  for (const Json& unknown :
       {Json::array({"Llama"}), Json::array({"LlamaModelForCausalLM"}), Json::array({"MyLlamaModel"}), Json::array({7}),
        Json("LlamaModel"), Json::array(), Json()}) {
    EXPECT_EQ(type_of({{"architectures", unknown}}), "") << unknown;
  }
}

}  // namespace
}  // namespace e5v::model::test
