#include <algorithm>
#include <array>
#include <charconv>

#include "model/quantization.h"

namespace e5v::model {
namespace {

constexpr std::int64_t kMaxColumns = 1 << 20;

/// Whether a value is true in Python.
bool is_set(const Json& value) {
  if (value.is_null() || value == Json(false)) return false;
  return !(value.is_object() || value.is_array()) || !value.empty();
}

/// Reads "block_structure": [rows, columns], or "rowsxcolumns" of older files.
std::array<std::int64_t, 2> parse_block(const Fields& args) {
  constexpr const char* kKey = "block_structure";
  std::array<std::int64_t, 2> block{};
  const Json* value = args.find(kKey);
  if (value != nullptr && value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    const char *begin = text.data(), *end = begin + text.size();
    const auto rows = std::from_chars(begin, end, block[0]);
    const bool parted = rows.ec == std::errc() && rows.ptr != end && *rows.ptr == 'x';
    if (!parted || std::from_chars(rows.ptr + 1, end, block[1]).ptr != end) block = {};
  } else if (value != nullptr && value->is_array() && value->size() == 2 && (*value)[0].is_number_integer() &&
             (*value)[1].is_number_integer()) {
    block = {(*value)[0].get<std::int64_t>(), (*value)[1].get<std::int64_t>()};
  }
  const auto good = [](std::int64_t side) { return side > 0 && side <= kMaxColumns; };
  args.check(good(block[0]) && good(block[1]), kKey, "[rows, columns] of a block");
  return block;
}

std::string parse_strategy(const Fields& args, std::int64_t group_size) {
  const char* otherwise = group_size > 0 ? "group" : group_size == -1 ? "channel" : "tensor";
  std::string text = args.text("strategy", otherwise);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

RoundingArgs::Span parse_span(const Fields& args, std::int64_t group_size, bool of_weights) {
  using Span = RoundingArgs::Span;
  const std::string strategy = parse_strategy(args, group_size);
  constexpr std::array<std::pair<std::string_view, Span>, 4> kWeights{
      {{"tensor", Span::tensor}, {"channel", Span::channel}, {"group", Span::group}, {"block", Span::block}}};
  constexpr std::array<std::pair<std::string_view, Span>, 3> kInputs{
      {{"tensor", Span::tensor}, {"token", Span::token}, {"group", Span::group}}};
  const std::span<const std::pair<std::string_view, Span>> known =
      of_weights ? std::span<const std::pair<std::string_view, Span>>(kWeights) : kInputs;
  const auto found = std::ranges::find(known, strategy, &std::pair<std::string_view, Span>::first);
  args.check(found != known.end(), "strategy",
             of_weights ? "tensor, channel, group or block for weights" : "tensor, token or group for inputs",
             strategy);
  return found->second;
}

/// Reads the common keys of weights and inputs.
RoundingArgs parse_rounding(const Fields& args, bool of_weights) {
  constexpr std::array<std::string_view, 12> kKnown{
      "num_bits", "type",     "symmetric",   "group_size", "strategy", "block_structure",
      "dynamic",  "actorder", "scale_dtype", "zp_dtype",   "observer", "observer_kwargs"};
  refuse_unknown(args, kKnown);  // the observer and its options belong to calibration
  RoundingArgs result;
  const std::string type = args.text("type", "int");
  args.check(type == "int" || type == "float", "type", "int or float");
  result.floating = type == "float";
  result.bits = static_cast<int>(args.integer("num_bits", 8, {1, 64}));
  args.check(result.floating ? result.bits == 8 : result.bits >= 2 && result.bits <= 8, "num_bits",
             result.floating ? "8 for type float (nvfp4, mxfp4 and mxfp6 are not supported)" : "2 to 8 for type int");
  result.symmetric = args.flag("symmetric", true);
  args.check(result.symmetric || !result.floating, "symmetric", "true for type float");
  const std::int64_t group_size = args.integer("group_size", 0, {-1, kMaxColumns});
  result.span = parse_span(args, group_size, of_weights);
  result.group = group_size;
  args.check(result.span != RoundingArgs::Span::group || result.group > 0, "group_size", "a positive number");
  if (result.span == RoundingArgs::Span::block) result.block = parse_block(args);
  args.check(args.text("zp_dtype", "torch.int8") == "torch.int8" || result.symmetric, "zp_dtype", "torch.int8");
  return result;
}

}  // namespace

void refuse_unknown(const Fields& fields, std::span<const std::string_view> known) {
  for (const auto& [key, value] : fields.object().items()) {
    if (!is_set(value) || std::ranges::find(known, key) != known.end()) continue;
    fields.mismatch(key.c_str(), "no such key, because its effect is unknown");
  }
}

RoundingArgs parse_weight_rounding(const Fields& args) {
  RoundingArgs result = parse_rounding(args, true);
  const Json* dynamic = args.find("dynamic");
  args.check(dynamic == nullptr || !is_set(*dynamic), "dynamic", "false for weights");
  const std::string order = args.has("actorder") && args.find("actorder")->is_boolean() && !args.flag("actorder", false)
                                ? "static"
                                : args.text("actorder", "static");
  args.check(order == "static" || order == "weight", "actorder",
             "null, \"weight\" or \"static\" (columns in another order are not supported)");
  const std::string scale = args.text("scale_dtype", "torch.float32");
  args.check(scale == "torch.float32" || scale == "torch.float16" || scale == "torch.bfloat16", "scale_dtype",
             "a floating type of 16 or 32 bits (mxfp4, mxfp8 and nvfp4 are not supported)");
  return result;
}

RoundingArgs parse_input_rounding(const Fields& args) {
  using Span = RoundingArgs::Span;
  RoundingArgs result = parse_rounding(args, false);
  const Json* dynamic = args.find("dynamic");
  args.check(dynamic == nullptr || dynamic->is_boolean() || dynamic->is_null(), "dynamic", "true or false");
  result.dynamic = args.flag("dynamic", false);
  args.check(!args.has("actorder") || *args.find("actorder") == Json(false), "actorder", "null for inputs");
  args.check(!args.has("scale_dtype"), "scale_dtype", "null for inputs (rounded scales are not supported)");
  args.check(!result.dynamic || result.span != Span::tensor, "strategy",
             "token or group for dynamic inputs (one scale for a whole batch would make vectors depend on it)",
             "tensor");
  args.check(result.dynamic || result.span == Span::tensor, "strategy", "tensor for inputs that are not dynamic");
  return result;
}

}  // namespace e5v::model
