// Legend: P pooled rows, D width, V vocabulary.
#include "train/captioning.h"

#include <algorithm>
#include <optional>

#include "ops/rows.h"
#include "train/cross_entropy.h"

namespace e5v::train {

using tensor::DType;
using tensor::Matrix;

CaptionLoss Captioning::accumulate(std::span<const TokenSequence> batch, const nn::Dropout* dropout,
                                   const std::function<void()>& check_stop) {
  return run(batch, dropout, true, check_stop);
}

CaptionLoss Captioning::evaluate(std::span<const TokenSequence> batch) { return run(batch, nullptr, false, nullptr); }

CaptionLoss Captioning::run(std::span<const TokenSequence> batch, const nn::Dropout* dropout, bool gradients,
                            const std::function<void()>& check_stop) {
  double labels = 0;
  for (const TokenSequence& sequence : batch) labels += static_cast<double>(sequence.labels.size());
  labels = group_.sum(labels);
  require(labels > 0, "[captions] a batch without labels");
  CrossEntropy total;
  for (std::size_t from = 0; from < batch.size(); from += static_cast<std::size_t>(micro_batch_)) {
    if (check_stop) check_stop();
    const auto part = batch.subspan(from, std::min(static_cast<std::size_t>(micro_batch_), batch.size() - from));
    std::vector<std::int32_t> labels_P;
    for (const TokenSequence& sequence : part) {
      labels_P.insert(labels_P.end(), sequence.labels.begin(), sequence.labels.end());
    }
    const PackedSequences packed = pack_sequences(part);
    const tensor::Arena::Scope scope(arena_), scores_scope(scores_arena_);
    std::optional<nn::Tape> tape;
    if (gradients) model_.watch(tape.emplace(gradient_arena_));
    nn::Pass pass(arena_);
    pass.tape = gradients ? &*tape : nullptr;
    pass.dropout = dropout;
    const auto P = static_cast<std::int64_t>(labels_P.size());
    const Matrix y_PD = pass.matrix(DType::f32, P, model_.width());
    const Matrix logits_PV = pass.matrix(DType::f32, P, model_.vocabulary());
    model_.forward(packed, y_PD, pass);
    model_.predict(y_PD, logits_PV, pass);
    const Matrix scores_PV = ops::on_host(logits_PV, scores_arena_);
    const CrossEntropy own = through_cross_entropy(scores_PV, labels_P, 1 / labels);
    total.sum += own.sum;
    total.hits += own.hits;
    if (!gradients) continue;
    ops::copy(scores_PV, *tape->gradient(logits_PV));
    tape->rewind();
  }
  return {group_.sum(total.sum) / labels, group_.sum(static_cast<double>(total.hits)) / labels};
}

}  // namespace e5v::train
