#include "quantize/folder.h"

#include "base/file.h"
#include "base/json.h"
#include "model/bitsandbytes.h"

namespace e5v::quantize {
namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

OrderedJson rounding(int bits, const char* strategy, bool dynamic) {
  return {{"num_bits", bits}, {"type", "int"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
}

/// The names of what is not quantised are those of all generations of transformers.
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

OrderedJson compressed_tensors_config(const Scheme& scheme) {
  const bool int8 = scheme.format == tensor::WeightFormat::int8;
  OrderedJson group{{"targets", {"Linear"}}, {"weights", rounding(int8 ? 8 : 4, int8 ? "channel" : "group", false)}};
  if (int8) {
    group["input_activations"] = rounding(8, "token", true);
  } else {
    group["weights"]["group_size"] = scheme.group;
    group["input_activations"] = nullptr;
  }
  return {{"quant_method", "compressed-tensors"},
          {"format", int8 ? "int-quantized" : "pack-quantized"},
          {"quantization_status", "compressed"},
          {"config_groups", {{"group_0", group}}},
          {"ignore", {"lm_head", "re:.*lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"}},
          {"kv_cache_scheme", nullptr}};
}

}  // namespace

void write_config(const fs::path& model, const fs::path& output, const Scheme& scheme, tensor::DType stored) {
  OrderedJson config = OrderedJson::parse(read_file(model / "config.json"));
  config["quantization_config"] =
      scheme.format == tensor::WeightFormat::nf4 ? bitsandbytes_config(stored) : compressed_tensors_config(scheme);
  write_file_atomically(output / "config.json", config.dump(2) + "\n");
}

}  // namespace e5v::quantize
