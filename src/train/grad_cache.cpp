// Legend: B pairs, S texts of a batch or part (anchors, then positives, then negatives), D width.
#include "train/grad_cache.h"

#include <algorithm>

#include "ops/rows.h"

namespace e5v::train {
namespace {

using tensor::DType;
using tensor::Matrix;

std::int64_t tokens_of(const std::vector<TokenSequence>& sequences) {
  std::int64_t count = 0;
  for (const TokenSequence& sequence : sequences) count += static_cast<std::int64_t>(sequence.ids.size());
  return count;
}

/// The texts of pairs [from, from + count), in the order of their embeddings.
std::vector<TokenSequence> texts_of(const PairBatch& batch, std::int64_t from, std::int64_t count) {
  std::vector<TokenSequence> texts;
  for (const std::vector<TokenSequence>* kind : {&batch.anchors, &batch.positives, &batch.negatives}) {
    if (kind->empty()) continue;
    texts.insert(texts.end(), kind->begin() + from, kind->begin() + from + count);
  }
  return texts;
}

void check(const PairBatch& batch, const Share& share) {
  require(batch.total > 0 && batch.pairs() == share.count, "[train] {} of {} pairs, expected {}", batch.pairs(),
          batch.total, share.count);
  require(batch.positives.size() == batch.anchors.size() &&
              batch.negatives.size() == (batch.has_negatives ? batch.anchors.size() : 0),
          "[train] a batch of {} anchors, {} positives and {} negatives", batch.anchors.size(), batch.positives.size(),
          batch.negatives.size());
}

}  // namespace

std::int64_t PairBatch::tokens() const { return tokens_of(anchors) + tokens_of(positives) + tokens_of(negatives); }

Share share_of(std::int64_t total, int process, int processes) {
  const std::int64_t from = total * process / processes;
  return {from, total * (process + 1) / processes - from};
}

/// The embeddings of a whole batch, or gradients with respect to them. The rows of the matrix are anchors, positives
/// and negatives.
struct GradCache::Embeddings {
  Matrix all_SD;
  std::int64_t pairs, kinds;

  Embeddings(const PairBatch& batch, std::int64_t width, tensor::Arena& arena)
      : all_SD(arena.matrix(DType::f32, batch.total * (batch.has_negatives ? 3 : 2), width)),
        pairs(batch.total),
        kinds(batch.has_negatives ? 3 : 2) {}

  /// Anchors (0), positives (1) or negatives (2) of pairs [from, from + count). No rows when there are none of the
  /// kind.
  Matrix rows(std::int64_t kind, std::int64_t from, std::int64_t count) const {
    return kind < kinds ? all_SD.row_range(kind * pairs + from, count) : all_SD.row_range(0, 0);
  }
  Matrix rows(std::int64_t kind) const { return rows(kind, 0, pairs); }
  PairEmbeddings by_kind(const PairBatch& batch) const { return {rows(0), rows(1), rows(2), batch.groups}; }
  PairGradients as_gradients() const { return {rows(0), rows(1), rows(2)}; }

  /// Copies the rows of pairs [from, from + count) from a part, in which one kind follows the other.
  void take(Matrix part, std::int64_t from, std::int64_t count) const {
    for (std::int64_t kind = 0; kind < kinds; ++kind) {
      ops::copy(part.row_range(kind * count, count), rows(kind, from, count));
    }
  }
  void give(Matrix part, std::int64_t from, std::int64_t count) const {
    for (std::int64_t kind = 0; kind < kinds; ++kind) {
      ops::copy(rows(kind, from, count), part.row_range(kind * count, count));
    }
  }
};

/// Calls body(from, count) for parts of a share.
template <class Body>
void for_parts(const Share& share, std::int64_t micro_batch, const Body& body) {
  for (std::int64_t from = 0; from < share.count; from += micro_batch) {
    body(from, std::min(micro_batch, share.count - from));
  }
}

void GradCache::embed(std::span<const TokenSequence> sequences, Matrix y_SD, const nn::Dropout* dropout) {
  const tensor::Arena::Scope scope(arena_);
  nn::Pass pass(arena_);
  pass.dropout = dropout;
  model_.forward(pack_sequences(sequences), y_SD, pass);
}

/// Gives the rows of every process to all processes.
void GradCache::exchange(const Embeddings& embeddings) const {
  if (group_.size() == 1) return;
  const std::int64_t D = embeddings.all_SD.columns;
  const auto each_row = [&](int process, const auto& body) {
    const Share share = share_of(embeddings.pairs, process, group_.size());
    for (std::int64_t kind = 0; kind < embeddings.kinds; ++kind) {
      for (std::int64_t i = 0; i < share.count; ++i) body(embeddings.rows(kind, share.from + i, 1).row<float>(0));
    }
  };
  std::vector<float> mine;
  each_row(group_.index(), [&](const float* row) { mine.insert(mine.end(), row, row + D); });
  const std::vector<float> all = group_.gather(mine);
  auto next = all.begin();
  for (int process = 0; process < group_.size(); ++process) {
    each_row(process, [&](float* row) {
      std::copy_n(next, D, row);
      next += D;
    });
  }
}

bool GradCache::fits_one_part(std::int64_t total) const {
  return total >= group_.size() && share_of(total, group_.size() - 1, group_.size()).count <= options_.micro_batch;
}

ContrastiveLoss GradCache::accumulate(const PairBatch& batch, const nn::Dropout* dropout,
                                      const std::function<void()>& check_stop) {
  const Share share = share_of(batch.total, group_.index(), group_.size());
  check(batch, share);
  const tensor::Arena::Scope scope(batch_arena_);
  const Embeddings embeddings(batch, model_.width(), batch_arena_), gradients(batch, model_.width(), batch_arena_);
  const bool whole = fits_one_part(batch.total);
  ContrastiveLoss result;
  const auto take_loss = [&] {
    result = contrastive_loss(embeddings.by_kind(batch), options_.loss, gradients.as_gradients(), batch_arena_);
  };
  if (!whole) {
    embed_share(batch, share, dropout, embeddings, check_stop);
    take_loss();
  }
  for_parts(share, options_.micro_batch, [&](std::int64_t from, std::int64_t count) {
    if (check_stop) check_stop();
    const tensor::Arena::Scope part_scope(arena_);
    const PackedSequences packed = pack_sequences(texts_of(batch, from, count));
    nn::Tape tape(gradient_arena_);
    model_.watch(tape);
    nn::Pass pass(arena_, tape);
    pass.dropout = dropout;
    const Matrix y_SD = pass.matrix(DType::f32, count * embeddings.kinds, model_.width());
    model_.forward(packed, y_SD, pass);
    if (whole) {
      embeddings.take(y_SD, share.from + from, count);
      exchange(embeddings);
      take_loss();
    }
    gradients.give(*tape.gradient(y_SD), share.from + from, count);
    tape.rewind();
  });
  return result;
}

ContrastiveLoss GradCache::evaluate(const PairBatch& batch) {
  const Share share = share_of(batch.total, group_.index(), group_.size());
  check(batch, share);
  const tensor::Arena::Scope scope(batch_arena_);
  const Embeddings embeddings(batch, model_.width(), batch_arena_);
  embed_share(batch, share, nullptr, embeddings, nullptr);
  return contrastive_loss(embeddings.by_kind(batch), options_.loss, batch_arena_);
}

void GradCache::embed_share(const PairBatch& batch, const Share& share, const nn::Dropout* dropout,
                            const Embeddings& embeddings, const std::function<void()>& check_stop) {
  for_parts(share, options_.micro_batch, [&](std::int64_t from, std::int64_t count) {
    if (check_stop) check_stop();
    const tensor::Arena::Scope part_scope(arena_);
    const Matrix y_SD = arena_.matrix(DType::f32, count * embeddings.kinds, model_.width());
    embed(texts_of(batch, from, count), y_SD, dropout);
    embeddings.take(y_SD, share.from + from, count);
  });
  exchange(embeddings);
}

}  // namespace e5v::train
