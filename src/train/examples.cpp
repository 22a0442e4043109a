#include "train/examples.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/parallel.h"
#include "drawing/augment.h"

namespace e5v::train {
namespace {

/// The number of sequences of a pair, which have different names.
constexpr std::uint32_t kKinds = 3;

TokenSequence with_image_rows(const embed::PreparedInput& prepared, std::uint32_t name) {
  std::vector<std::int32_t> ids;
  for (const embed::Symbol& symbol : prepared.symbols) ids.push_back(symbol.image < 0 ? symbol.value : -1);
  TokenSequence sequence = TokenSequence::from(std::move(ids), name);
  for (const embed::InputImage& image : prepared.images) sequence.images.push_back(image.prepared);
  return sequence;
}

/// A number for the group of each pair; a pair without a group gets its own number. Nothing when no pair has a group.
std::vector<std::int32_t> groups_of(std::span<const Pair> pairs) {
  std::map<std::string_view, std::int32_t> numbers;
  std::vector<std::int32_t> groups;
  for (const Pair& pair : pairs) {
    const auto own = static_cast<std::int32_t>(groups.size());
    groups.push_back(pair.group ? numbers.emplace(*pair.group, own).first->second : own);
  }
  return numbers.empty() ? std::vector<std::int32_t>{} : groups;
}

/// Calls body(index in the share, pair, name of the pair's first sequence), on as many threads as the caller has.
template <class Body>
void for_each_of(std::span<const Pair> pairs, const Share& share, const Body& body) {
  parallel_for(share.count, 4, [&](std::int64_t i) {
    const auto row = static_cast<std::size_t>(share.from + i);
    body(static_cast<std::size_t>(i), pairs[row], kKinds * static_cast<std::uint32_t>(row));
  });
}

constexpr std::int64_t kMultiple = 8;

std::int64_t longest_of(const std::vector<TokenSequence>& sequences) {
  std::int64_t longest = 0;
  for (const TokenSequence& sequence : sequences) {
    require(sequence.images.empty(), "[paper-compat] E5-V's training takes texts only");
    longest = std::max(longest, sequence.rows());
  }
  return (longest + kMultiple - 1) / kMultiple * kMultiple;
}

/// Pads on the left to `length` rows. The sequence keeps the first `attended` rows of the padding and loses tokens of
/// id 0.
void pad_left(TokenSequence& sequence, std::int64_t length, std::int32_t pad, std::int64_t attended) {
  const std::int64_t pads = length - sequence.rows();
  TokenSequence padded{{}, {}, sequence.name};
  for (std::int64_t place = 0; place < length; ++place) {
    const std::int32_t id = place < pads ? pad : sequence.ids[static_cast<std::size_t>(place - pads)];
    if (id == 0 || (place < pads && place >= attended)) continue;
    padded.ids.push_back(id);
    padded.positions.push_back(static_cast<std::int32_t>(place));
  }
  sequence = std::move(padded);
}

}  // namespace

Examples::Examples(embed::Preparer& preparer, Options options)
    : preparer_(preparer),
      options_(std::move(options)),
      paper_template_(text::paper_training_prompt(preparer.style()).text_template) {
  const std::string_view end = text::end_of_turn(preparer_.style());
  const auto id = preparer_.tokenizer().id_of(end);
  require<ModelError>(id.has_value(), "[tokenizer.json] has no token {}, which ends a turn", end);
  end_ = *id;
}

std::string Examples::cut(const std::string& sentence) const {
  if (options_.max_tokens == 0) return sentence;
  std::vector<std::int32_t> ids = preparer_.tokenizer().encode(sentence, false);
  const bool fits = static_cast<std::int64_t>(ids.size()) <= options_.max_tokens;
  if (fits && !options_.paper_prompts) return sentence;
  if (!fits) ids.resize(static_cast<std::size_t>(options_.max_tokens));
  return preparer_.tokenizer().decode(
      ids, {.skip_special_tokens = options_.paper_prompts, .clean_up_spaces = options_.paper_prompts});
}

/// The input with the random changes of this step.
Input Examples::seen(Input input, std::uint32_t name) {
  if (options_.augment <= 0 || !step_) return input;
  constexpr std::uint64_t kAugmentation = std::uint64_t{1} << 63;  // other streams than those of the orders
  for (std::size_t i = 0; i < input.images.size(); ++i) {          // each image of a row has its own seed
    const Philox random(options_.seed + i, kAugmentation | static_cast<std::uint64_t>(*step_) << 32 | name);
    image::Bitmap changed = drawing::augment(preparer_.decode(input.images[i]), options_.augment, random);
    input.images[i] = Pixels{changed.width, changed.height, std::move(changed.pixels)};
  }
  return input;
}

TokenSequence Examples::sequence(Input input, std::uint32_t name) {
  input = seen(std::move(input), name);
  if (input.text) input.text = cut(*input.text);
  if (options_.paper_prompts && input.text && input.images.empty()) input.prompt = paper_template_;
  return with_image_rows(preparer_.prepare(input), name);
}

PairBatch Examples::contrastive(std::span<const Pair> pairs, const Share& share) {
  PairBatch batch;
  batch.total = static_cast<std::int64_t>(pairs.size());
  batch.groups = groups_of(pairs);
  batch.has_negatives = !pairs.empty() && pairs.front().hard_negative.has_value();
  // The paper's padding depends on the whole batch.
  const Share made = options_.paper_masks ? whole(pairs) : share;
  const auto count = static_cast<std::size_t>(made.count);
  batch.anchors.resize(count), batch.positives.resize(count), batch.negatives.resize(batch.has_negatives ? count : 0);
  for_each_of(pairs, made, [&](std::size_t i, const Pair& pair, std::uint32_t name) {
    batch.anchors[i] = sequence(pair.anchor, name);
    batch.positives[i] = sequence(pair.positive, name + 1);
    if (batch.has_negatives) batch.negatives[i] = sequence(Input::from_text(*pair.hard_negative), name + 2);
  });
  if (!options_.paper_masks) return batch;
  pad_as_the_paper(batch);
  for (auto* kind : {&batch.anchors, &batch.positives, &batch.negatives}) {
    if (kind->empty()) continue;
    *kind = {kind->begin() + share.from, kind->begin() + share.from + share.count};
  }
  return batch;
}

/// The original pads anchors, positives and negatives each to the longest of its kind, rounded up. Positives get masked
/// tokens, the others tokens that are attended to. All kinds are then filled with attended tokens to the longest of
/// all.
void Examples::pad_as_the_paper(PairBatch& batch) const {
  const std::int64_t own = longest_of(batch.positives);
  const std::int64_t length = std::max({longest_of(batch.anchors), own, longest_of(batch.negatives)});
  for (TokenSequence& sequence : batch.anchors) pad_left(sequence, length, end_, length);
  for (TokenSequence& sequence : batch.positives) pad_left(sequence, length, end_, length - own);
  for (TokenSequence& sequence : batch.negatives) pad_left(sequence, length, end_, length);
}

std::vector<TokenSequence> Examples::captions(std::span<const Pair> pairs, const Share& share) {
  std::vector<TokenSequence> sequences(static_cast<std::size_t>(share.count));
  for_each_of(pairs, share, [&](std::size_t i, const Pair& pair, std::uint32_t name) {
    require(pair.positive.text && pair.positive.images.empty(),
            "[captions] expected a text after the prompt, found an image");
    Input asked = seen(pair.anchor, name);
    if (!asked.images.empty() && !asked.text) asked.prompt = options_.caption_prompt;
    TokenSequence sequence = with_image_rows(preparer_.prepare(asked), name);
    sequence.labels = preparer_.tokenizer().encode(cut(*pair.positive.text), false);
    sequence.ids.insert(sequence.ids.end(), sequence.labels.begin(), sequence.labels.end());
    sequence.labels.push_back(end_);
    sequence.positions.resize(sequence.ids.size());
    std::iota(sequence.positions.begin(), sequence.positions.end(), 0);
    sequences[i] = std::move(sequence);
  });
  return sequences;
}

}  // namespace e5v::train
