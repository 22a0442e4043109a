#include "quantize/folder.h"

#include "base/file.h"
#include "base/json.h"
#include "model/bitsandbytes.h"

namespace e5v::quantize {
namespace {

namespace fs = std::filesystem;

OrderedJson rounding(int bits, const char* strategy, bool dynamic) {
  return {{"num_bits", bits}, {"type", "int"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
}

/// Names modules that are not quantised by their names in all generations of transformers.
OrderedJson bitsandbytes_config(tensor::DType stored) {
  return {{"quant_method", "bitsandbytes"},
          {"load_in_4bit", true},
          {"load_in_8bit", false},
          {"bnb_4bit_quant_type", "nf4"},
          {"bnb_4bit_use_double_quant", true},
          {"bnb_4bit_compute_dtype", model::torch_name_of(stored)},
          {"bnb_4bit_quant_storage", "uint8"},
          {"llm_int8_enable_fp32_cpu_offload", false},
          {"llm_int8_has_fp16_weight", false},
          {"llm_int8_threshold", 6.0},
          {"llm_int8_skip_modules",
           {"lm_head", "language_model.lm_head", "vision_tower", "model.vision_tower", "multi_modal_projector",
            "model.multi_modal_projector"}}};
}

/// The entry for the matrices of one scheme, which are the layers in `targets`.
OrderedJson config_group(const Scheme& scheme, std::vector<std::string> targets) {
  const bool int8 = scheme.format == tensor::WeightFormat::int8;
  OrderedJson group{{"targets", std::move(targets)},
                    {"weights", rounding(int8 ? 8 : 4, int8 ? "channel" : "group", false)}};
  if (int8) {
    group["input_activations"] = rounding(8, "token", true);
  } else {
    group["weights"]["group_size"] = scheme.group;
    group["input_activations"] = nullptr;
  }
  return group;
}

const char* format_name(const Scheme& scheme) {
  return scheme.format == tensor::WeightFormat::int8 ? "int-quantized" : "pack-quantized";
}

OrderedJson config_groups(const ModelScheme& scheme) {
  if (!scheme.mixed()) return {{"group_0", config_group(scheme.narrow, {"Linear"})}};
  const bool first = scheme.wide == Wide::attention_and_first;
  const Scheme wide = scheme.attention();
  OrderedJson narrow_group =
      config_group(scheme.narrow, {first ? "re:.*layers\\.[1-9][0-9]*\\.mlp\\..*" : "re:.*\\.mlp\\..*"});
  std::vector<std::string> wide_targets{"re:.*\\.self_attn\\..*"};
  if (first) wide_targets.emplace_back("re:.*layers\\.0\\.mlp\\..*");
  OrderedJson wide_group = config_group(wide, std::move(wide_targets));
  narrow_group["format"] = format_name(scheme.narrow);
  wide_group["format"] = format_name(wide);
  return {{"group_0", narrow_group}, {"group_1", wide_group}};
}

OrderedJson compressed_tensors_config(const ModelScheme& scheme) {
  return {{"quant_method", "compressed-tensors"},
          {"format", scheme.mixed() ? "mixed-precision" : format_name(scheme.narrow)},
          {"quantization_status", "compressed"},
          {"config_groups", config_groups(scheme)},
          {"ignore", {"lm_head", "re:.*lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"}},
          {"kv_cache_scheme", nullptr}};
}

}  // namespace

void write_config(const fs::path& model, const fs::path& output, const ModelScheme& scheme, tensor::DType stored) {
  const fs::path file = model / "config.json";
  OrderedJson config = parse_ordered_json(read_file(file), file.string());
  config["quantization_config"] = scheme.narrow.format == tensor::WeightFormat::nf4 ? bitsandbytes_config(stored)
                                                                                    : compressed_tensors_config(scheme);
  write_file_atomically(output / "config.json", config.dump(2) + "\n");
}

}  // namespace e5v::quantize
