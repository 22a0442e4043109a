#pragma once
#include <gmock/gmock.h>

#include <algorithm>

#include "base/json.h"
#include "golden.h"
#include "image/preprocess.h"
#include "model/checkpoint.h"
#include "model/config_clip.h"
#include "nn/rows.h"
#include "tensor/arena.h"
#include "tensor/safetensors.h"

namespace e5v::model::test {

inline constexpr float kClipTolerance = 5e-5f;

/// One of the two tiny CLIPs, and what transformers computes with it.
class TinyClip : public testing::TestWithParam<const char*> {
 protected:
  /// The tokens of the golden's text i, up to the one with the text's hidden state.
  std::vector<std::int32_t> ids(std::size_t i) const {
    auto all = facts.at("models").at(GetParam()).at("ids")[i].get<std::vector<std::int32_t>>();
    const auto end = std::ranges::find(all, 718);  // <|endoftext|>
    if (end != all.end()) all.erase(end + 1, all.end());
    return all;
  }
  /// The vector that the golden has for a text or an image.
  std::span<const float> vector(const char* kind, std::size_t i) const {
    const auto width = static_cast<std::size_t>(config.projection);
    return vectors.find(kind)->as<float>().subspan(i * width, width);
  }

  std::filesystem::path folder = e5v::test::golden("ckpt") / GetParam();
  Json facts = read_json(e5v::test::golden("clip/clip.json"));
  tensor::SafetensorsFile vectors{e5v::test::golden(std::string("clip/") + GetParam() + ".safetensors")};
  ClipModelConfig config = read_clip_config(folder);
  Checkpoint checkpoint{folder, clip_names()};
  tensor::Arena arena;
};

/// Texts one after the other, each pooled at its last token.
inline nn::PackedRows packed_texts(const std::vector<std::vector<std::int32_t>>& texts) {
  nn::PackedRows rows;
  std::int64_t begin = 0;
  for (const auto& ids : texts) {
    const auto length = static_cast<std::int64_t>(ids.size()), last = begin + length - 1;
    const auto node = static_cast<std::int32_t>(rows.plan.nodes.size());
    rows.plan.nodes.push_back({begin, length});
    rows.plan.spans.push_back({{begin, length}, {node}, true});
    rows.pooled_plan.spans.push_back({{static_cast<std::int64_t>(rows.pooled_P.size()), 1}, {node}, true});
    for (std::int64_t i = 0; i < length; ++i) rows.positions_T.push_back(static_cast<std::int32_t>(i));
    rows.pooled_P.push_back(last);
    rows.pooled_positions_P.push_back(static_cast<std::int32_t>(length - 1));
    begin += length;
  }
  rows.pooled_plan.nodes = rows.plan.nodes;
  return rows;
}

inline std::vector<std::int32_t> joined(const std::vector<std::vector<std::int32_t>>& texts) {
  std::vector<std::int32_t> all;
  for (const auto& ids : texts) all.insert(all.end(), ids.begin(), ids.end());
  return all;
}

}  // namespace e5v::model::test
