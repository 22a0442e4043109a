// The table of fields. tools/check_compatibility.py compares the same cases with PEFT.
#include <gmock/gmock.h>

#include "model/adapter_config.h"

namespace e5v::model {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::ThrowsMessage;

/// A config with these members.
void check(const std::string& members) {
  require_plain_lora(parse_ordered_json("{" + members + "}", "test"), "adapter_config.json");
}

TEST(AdapterFields, WhatPeftComputesOtherwiseIsRefusedByItsName) {
  const auto expect_refusal = [](const std::string& member, const std::string& message) {
    EXPECT_THAT([&] { check(member); },
                ThrowsMessage<ModelError>(AllOf(StartsWith("[adapter_config.json] "), HasSubstr(message))))
        << member;
  };
  for (const char* value : {"pissa", "pissa_niter_4", "olora", "OLoRA", "corda", "loftq", "lora_ga"}) {
    expect_refusal(fmt::format(R"("init_lora_weights": "{}")", value),
                   fmt::format(R"("init_lora_weights" is "{}": such an adapter belongs to base weights)", value));
  }
  expect_refusal(R"("init_lora_weights": "of_tomorrow")",
                 R"("init_lora_weights" is "of_tomorrow", which is not known)");
  expect_refusal(R"("alora_invocation_tokens": [1, 2])", "alora_invocation_tokens is not supported (activated LoRA");
  for (const char* name : {"use_dora", "lora_bias", "use_qalora"}) {
    expect_refusal(fmt::format(R"("{}": true)", name), fmt::format("{} is not supported", name));
  }
  for (const char* name : {"modules_to_save", "trainable_token_indices", "target_parameters", "layer_replication"}) {
    expect_refusal(fmt::format(R"("{}": ["x"])", name), fmt::format("{} is not supported", name));
  }
  for (const char* name : {"use_bdlora", "monteclora_config", "arrow_config", "kasa_config", "megatron_config"}) {
    expect_refusal(fmt::format(R"("{}": {{"x": 1}})", name), fmt::format("{} is not supported", name));
  }
  expect_refusal(R"("bias": "lora_only")", "trained biases");
  for (const char* value : {"true", "1", R"("x")", "[0]", R"({"a": null})"}) {
    expect_refusal(fmt::format(R"("of_tomorrow": {})", value), R"("of_tomorrow" is an unknown field)");
  }
}

TEST(AdapterFields, WhatDoesNotMatterDoesNot) {
  for (const char* member :
       {R"("init_lora_weights": true)", R"("init_lora_weights": false)", R"("init_lora_weights": null)",
        R"("init_lora_weights": "gaussian")", R"("init_lora_weights": "eva", "eva_config": {"rho": 1.0})",
        R"("init_lora_weights": "orthogonal")", R"("init_lora_weights": "mica")", R"("fan_in_fan_out": true)",
        R"("inference_mode": false, "task_type": "CAUSAL_LM", "peft_version": "0.21.2", "revision": "main")",
        R"("auto_mapping": {"base_model_class": "X"}, "base_model_name_or_path": "x", "lora_dropout": 0.5)",
        R"("loftq_config": {"loftq_bits": 4}, "corda_config": {"a": 1}, "lora_ga_config": {"a": 1})",
        R"("velora_config": {"num_groups": 4}, "qalora_group_size": 32, "runtime_config": {"a": 1})",
        R"("megatron_core": "x", "ensure_weight_tying": true, "modules_to_save": [], "alora_invocation_tokens": null)",
        R"("of_tomorrow": null, "a": false, "b": [], "c": {}, "d": "", "use_dora": false, "kasa_config": null)"}) {
    EXPECT_NO_THROW(check(member)) << member;
  }
}

TEST(AdapterFields, OnlyLoraIsRead) {
  EXPECT_NO_THROW(check(R"("peft_type": "LORA", "bias": "none")"));
  EXPECT_NO_THROW(check(R"("peft_type": null, "bias": null)"));
  EXPECT_THAT([] { check(R"("peft_type": "IA3")"); },
              ThrowsMessage<ModelError>("[adapter_config.json] peft_type is \"IA3\", only LORA is supported"));
  EXPECT_THAT([] { check(R"("peft_type": ["LORA"])"); }, ThrowsMessage<ModelError>(HasSubstr("only LORA")));
}

/// The advice to merge is given only where PEFT can follow it.
TEST(AdapterFields, MergingIsProposedWherePeftMerges) {
  const auto merges = [](const std::string& member, bool proposed) {
    const auto advice = EndsWith("and give the merged checkpoint as the model");
    if (proposed) {
      EXPECT_THAT([&] { check(member); }, ThrowsMessage<ModelError>(advice)) << member;
    } else {
      EXPECT_THAT([&] { check(member); }, ThrowsMessage<ModelError>(Not(advice))) << member;
    }
  };
  merges(R"("use_dora": true)", true);
  merges(R"("bias": "all")", true);
  merges(R"("init_lora_weights": "pissa")", true);
  merges(R"("init_lora_weights": "pissa_niter_4")", false);
  merges(R"("init_lora_weights": "corda")", false);
  merges(R"("use_qalora": true)", false);
  merges(R"("alora_invocation_tokens": [1])", false);
}

TEST(AdapterFields, LongValuesAreShownByTheirBeginning) {
  const auto message_of = [](const std::string& member) -> std::string {
    try {
      check(member);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "nothing";
  };
  std::string ones = "1";
  for (int i = 0; i < 5000; ++i) ones += ",1";
  const std::string beginning = "[" + ones.substr(0, 79);  // 80 bytes
  EXPECT_THAT(message_of(R"("later": [)" + ones + "]"), HasSubstr("its value " + beginning + "… is no default"));
  EXPECT_LT(message_of(R"("later": ")" + std::string(5000, 'x') + "\"").size(), 300u);
}

}  // namespace
}  // namespace e5v::model
