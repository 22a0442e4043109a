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

/// The columns of texts in a batch: one matrix whose rows are anchors, positives and negatives.
struct Embeddings {
  Matrix all_SD;
  std::int64_t pairs;

  Embeddings(std::int64_t pairs_B, std::int64_t kinds, std::int64_t width, tensor::Arena& arena)
      : all_SD(arena.matrix(DType::f32, pairs_B * kinds, width)), pairs(pairs_B) {}

  std::int64_t kinds() const { return all_SD.rows / pairs; }
  /// Anchors (0), positives (1) or negatives (2) of pairs [from, from + count); no rows when there is no such kind.
  Matrix rows(std::int64_t kind, std::int64_t from, std::int64_t count) const {
    return kind < kinds() ? all_SD.row_range(kind * pairs + from, count) : all_SD.row_range(0, 0);
  }
  Matrix rows(std::int64_t kind) const { return rows(kind, 0, pairs); }
  PairEmbeddings by_kind() const { return {rows(0), rows(1), rows(2)}; }
};

/// Texts of pairs [from, from + count), in the order of their embeddings.
std::vector<TokenSequence> texts_of(const PairBatch& batch, std::int64_t from, std::int64_t count) {
  std::vector<TokenSequence> texts;
  for (const std::vector<TokenSequence>* kind : {&batch.anchors, &batch.positives, &batch.negatives}) {
    if (kind->empty()) continue;
    texts.insert(texts.end(), kind->begin() + from, kind->begin() + from + count);
  }
  return texts;
}

void check(const PairBatch& batch) {
  require(!batch.anchors.empty() && batch.positives.size() == batch.anchors.size() &&
              (batch.negatives.empty() || batch.negatives.size() == batch.anchors.size()),
          "[train] a batch of {} anchors, {} positives and {} negatives", batch.anchors.size(), batch.positives.size(),
          batch.negatives.size());
}

}  // namespace

std::int64_t PairBatch::tokens() const { return tokens_of(anchors) + tokens_of(positives) + tokens_of(negatives); }

/// Pairs [from, from + count) of a batch on their way through the model.
struct GradCache::Part {
  PackedSequences packed;
  Matrix x_TD, y_SD;

  Part(const model::Llama& model, std::span<const TokenSequence> texts, tensor::Arena& arena)
      : packed(pack_sequences(texts)),
        x_TD(arena.matrix(DType::f32, static_cast<std::int64_t>(packed.ids_T.size()), model.config().width)),
        y_SD(arena.matrix(DType::f32, static_cast<std::int64_t>(texts.size()), model.config().width)) {
    model.embed(packed.ids_T, x_TD);
  }
};

void GradCache::embed(std::span<const TokenSequence> sequences, Matrix y_SD, const nn::Dropout* dropout) {
  const tensor::Arena::Scope scope(arena_);
  const Part part(model_, sequences, arena_);
  nn::Pass pass(arena_);
  pass.dropout = dropout;
  model_.forward(part.x_TD, part.packed.rows, y_SD, pass);
}

ContrastiveLoss GradCache::accumulate(const PairBatch& batch, const nn::Dropout* dropout) {
  check(batch);
  const tensor::Arena::Scope scope(batch_arena_);
  const std::int64_t B = batch.pairs(), kinds = batch.negatives.empty() ? 2 : 3, D = model_.config().width;
  const Embeddings embeddings(B, kinds, D, batch_arena_), gradients(B, kinds, D, batch_arena_);
  const auto copy_part = [&](const Embeddings& whole, std::int64_t from, std::int64_t count, Matrix part, bool into) {
    for (std::int64_t kind = 0; kind < kinds; ++kind) {
      const Matrix rows = whole.rows(kind, from, count), mine = part.row_range(kind * count, count);
      into ? ops::convert(mine, rows) : ops::convert(rows, mine);
    }
  };
  ContrastiveLoss result;
  const auto take_loss = [&] {
    result = contrastive_loss(embeddings.by_kind(), options_.temperature,
                              {gradients.rows(0), gradients.rows(1), gradients.rows(2)}, batch_arena_);
  };
  const bool whole = B <= options_.micro_batch;
  const auto for_parts = [&](const auto& body) {
    for (std::int64_t from = 0; from < B; from += options_.micro_batch) {
      body(from, std::min(options_.micro_batch, B - from));
    }
  };
  if (!whole) {
    for_parts([&](std::int64_t from, std::int64_t count) {
      const tensor::Arena::Scope part_scope(batch_arena_);
      const Matrix y_SD = batch_arena_.matrix(DType::f32, count * kinds, D);
      embed(texts_of(batch, from, count), y_SD, dropout);
      copy_part(embeddings, from, count, y_SD, true);
    });
    take_loss();
  }
  for_parts([&](std::int64_t from, std::int64_t count) {
    const tensor::Arena::Scope part_scope(arena_);
    const Part part(model_, texts_of(batch, from, count), arena_);
    nn::Tape tape(gradient_arena_);
    lora_.watch(tape);
    tape.watch(part.x_TD);
    tape.watch(part.y_SD);
    nn::Pass pass(arena_, tape);
    pass.dropout = dropout;
    model_.forward(part.x_TD, part.packed.rows, part.y_SD, pass);
    if (whole) {
      copy_part(embeddings, from, count, part.y_SD, true);
      take_loss();
    }
    copy_part(gradients, from, count, *tape.gradient(part.y_SD), false);
    tape.rewind();
  });
  return result;
}

ContrastiveLoss GradCache::evaluate(const PairBatch& batch) {
  check(batch);
  const tensor::Arena::Scope scope(batch_arena_);
  const std::int64_t B = batch.pairs(), kinds = batch.negatives.empty() ? 2 : 3, D = model_.config().width;
  const Embeddings embeddings(B, kinds, D, batch_arena_);
  for (std::int64_t from = 0; from < B; from += options_.micro_batch) {
    const std::int64_t count = std::min(options_.micro_batch, B - from);
    const tensor::Arena::Scope part_scope(batch_arena_);
    const Matrix y_SD = batch_arena_.matrix(DType::f32, count * kinds, D);
    embed(texts_of(batch, from, count), y_SD, nullptr);
    for (std::int64_t kind = 0; kind < kinds; ++kind) {
      ops::convert(y_SD.row_range(kind * count, count), embeddings.rows(kind, from, count));
    }
  }
  return contrastive_loss(embeddings.by_kind(), options_.temperature, batch_arena_);
}

}  // namespace e5v::train
