#pragma once
#include "base/json.h"
#include "golden.h"
#include "tensor/safetensors.h"
#include "train/examples.h"

/// What the reference was trained on: tests/golden/train.
namespace e5v::train::test {

inline constexpr std::int64_t kGoldenPairs = 6;  ///< of a batch

inline Json golden_json(const std::string& name) { return read_json(e5v::test::golden("train") / name); }

/// The triplets of the goldens' four batches.
inline std::vector<std::vector<Pair>> golden_batches() {
  std::vector<std::vector<Pair>> batches;
  const Json json = golden_json("data.json");
  for (const Json& batch : json.at("batches")) {
    std::vector<Pair>& pairs = batches.emplace_back();
    for (const Json& triplet : batch) {
      pairs.push_back({Input::from_text(triplet.at(0).get<std::string>()),
                       Input::from_text(triplet.at(1).get<std::string>()), triplet.at(2).get<std::string>()});
    }
  }
  return batches;
}

/// The sequences of the first batch. The mask leaves tokens out; those that stay keep their positions.
inline PairBatch masked_batch(const tensor::SafetensorsFile& file, const std::string& mode) {
  const auto ids = file.find(mode + ".input_ids"), mask = file.find(mode + ".attention_mask");
  const std::int64_t rows = ids->shape[0], columns = ids->shape[1];
  std::vector<TokenSequence> sequences;
  for (std::int64_t r = 0; r < rows; ++r) {
    TokenSequence sequence;
    sequence.name = static_cast<std::uint32_t>(r);
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto at = static_cast<std::size_t>(r * columns + c);
      if (mask->as<std::int32_t>()[at] == 0) continue;
      sequence.ids.push_back(ids->as<std::int32_t>()[at]);
      sequence.positions.push_back(static_cast<std::int32_t>(c));
    }
    sequences.push_back(sequence);
  }
  const auto part = [&](std::int64_t from) {
    return std::vector<TokenSequence>(sequences.begin() + from, sequences.begin() + from + kGoldenPairs);
  };
  return {part(0), part(kGoldenPairs), part(2 * kGoldenPairs), kGoldenPairs, true};
}

}  // namespace e5v::train::test
