#include "quantize/folder.h"

#include "base/file.h"
#include "base/json.h"

namespace e5v::quantize {
namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

OrderedJson rounding(int bits, const char* strategy, bool dynamic) {
  return {{"num_bits", bits}, {"type", "int"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
}

OrderedJson quantization_config(const Scheme& scheme) {
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

void write_config(const fs::path& model, const fs::path& output, const Scheme& scheme) {
  OrderedJson config = OrderedJson::parse(read_file(model / "config.json"));
  config["quantization_config"] = quantization_config(scheme);
  write_file_atomically(output / "config.json", config.dump(2) + "\n");
}

}  // namespace e5v::quantize
