#include "train/train_data.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"

namespace e5v::train {
namespace {

/// The number of each row's group; -1 for a row without a group.
std::vector<std::int32_t> groups_of(const PairFile& file) {
  std::unordered_map<std::string, std::int32_t> numbers;
  std::vector<std::int32_t> groups;
  for (std::int64_t i = 0; i < file.rows(); ++i) {
    const std::optional<std::string> group = file.row(i).group;
    groups.push_back(group ? numbers.emplace(*group, static_cast<std::int32_t>(numbers.size())).first->second : -1);
  }
  return groups;
}

using Files = std::vector<std::shared_ptr<const PairFile>>;

std::string bad_rows_text(const PairFile& file) {
  const std::int64_t count = file.bad_rows().count;
  return fmt::format("{} bad row{} left out, {} good", count, count == 1 ? "" : "s", file.rows());
}

/// Explains why a file may have fewer rows than its owner expects.
std::string why_so_few(const PairFile& file) {
  if (file.bad_rows().count == 0) return "";
  return fmt::format("; {}: {}", bad_rows_text(file), file.bad_rows().first.front().message);
}

void check_rows(const TrainData::Options& options, const DataSource& source, const PairFile& file) {
  const std::int64_t rows = file.rows(), held_out = options.held_out;
  const std::string name = source.file.string();
  require(held_out < rows, "[{}] has {} rows, expected more than are held out: {}{}", name, rows, held_out,
          why_so_few(file));
  if (file.has_hard_negatives() || source.objective != Objective::contrastive) return;
  require(rows - held_out > 1 && options.batch != 1,
          "[{}] a batch of one pair without hard negatives has no negatives{}", name, why_so_few(file));
  require(held_out != 1, "[{}] option held_out 1 holds out one pair, which has no negatives", name);
}

/// The number of pairs of a step. A batch comes from one file and holds a pair at most once.
std::int64_t batch_of(const TrainData::Options& options, const Files& files) {
  const PairFile& largest = **std::ranges::max_element(files, {}, [](const auto& file) { return file->rows(); });
  const std::int64_t rows = largest.rows() - options.held_out;
  if (options.batch == 0) return std::min(TrainData::kDefaultBatch, rows);
  require(options.batch <= rows, "[{}] option batch {} is more than the {} training pair{}{}", largest.name(),
          options.batch, rows, rows == 1 ? "" : "s", why_so_few(largest));
  return options.batch;
}

/// Rows can come together only if they have groups, and only within a batch.
void check_together(const TrainData::Options& options, const Files& files, std::int64_t batch) {
  if (options.together < 2) return;
  const PairFile* contrastive = nullptr;
  bool grouped = false;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (options.sources[i].objective != Objective::contrastive) continue;
    if (contrastive == nullptr) contrastive = files[i].get();
    grouped |= files[i]->has_groups();
  }
  require(contrastive != nullptr, "[train] option together needs pairs with the contrastive loss, found none");
  require(grouped,
          "[{}] no row has a group, which option together {} brings together; expected a column or key \"group\"",
          contrastive->name(), options.together);
  require(options.together <= batch, "[train] option together {} is more than the {} pairs of a batch",
          options.together, batch);
}

BatchPlan plan_of(const TrainData::Options& options, const Files& files) {
  require(!files.empty(), "[train] expected a file of pairs, found none");
  for (std::size_t i = 0; i < files.size(); ++i) check_rows(options, options.sources[i], *files[i]);
  const std::int64_t batch = batch_of(options, files);
  check_together(options, files, batch);
  std::vector<RowOrder> orders;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const bool grouped = options.together > 1 && options.sources[i].objective == Objective::contrastive;
    orders.push_back(grouped ? RowOrder(groups_of(*files[i]), options.together, options.held_out, options.seed)
                             : RowOrder(files[i]->rows(), options.held_out, options.seed));
  }
  return {std::move(orders), batch, options.seed};
}

void add_complaints(const PairFile& file, std::vector<std::string>& complaints) {
  const PairFile::BadRows& bad = file.bad_rows();
  for (const PairFile::BadRow& row : bad.first) complaints.push_back(row.message);
  if (bad.count > 0) complaints.push_back(bad_rows_text(file));
}

}  // namespace

std::int64_t StepBatch::tokens() const {
  std::int64_t count = pairs.tokens();
  for (const TokenSequence& sequence : captions) count += sequence.rows();
  return count;
}

TrainData::Files TrainData::open(const std::vector<DataSource>& sources) {
  Files files;
  for (const DataSource& source : sources) files.push_back(std::make_shared<PairFile>(source.file));
  return files;
}

TrainData::TrainData(const Options& options, const Files& files)
    : plan_(plan_of(options, files)), process_(options.process), processes_(options.processes) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    sources_.push_back({files[i], options.sources[i].objective});
    images_ |= files[i]->has_images();
  }
  if (!options.held_out_file.empty()) {
    held_out_file_ = std::make_shared<PairFile>(options.held_out_file);
    images_ |= held_out_file_->has_images();
  }
}

std::int64_t TrainData::rows() const {
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < sources_.size(); ++i) rows += plan_.order(i).training_rows();
  return rows;
}

bool TrainData::has_captions() const {
  return std::ranges::any_of(sources_, [](const Source& source) { return source.objective == Objective::captions; });
}

std::vector<std::string> TrainData::complaints() const {
  std::vector<std::string> complaints;
  for (const Source& source : sources_) add_complaints(*source.file, complaints);
  if (held_out_file_) add_complaints(*held_out_file_, complaints);
  return complaints;
}

std::string TrainData::digest() const {
  Hasher hasher;
  for (const Source& source : sources_) {
    hasher.add(source.file->digest().hex()).add(static_cast<std::int64_t>(source.objective));
  }
  if (held_out_file_) hasher.add(held_out_file_->digest().hex());
  return hasher.digest().hex();
}

StepBatch TrainData::make(const Source& source, std::span<const std::int64_t> rows, Examples& examples) const {
  StepBatch batch;
  batch.objective = source.objective;
  batch.total = static_cast<std::int64_t>(rows.size());
  const Share share = share_of(batch.total, process_, processes_);
  std::vector<Pair> pairs;
  for (const std::int64_t row : rows) pairs.push_back(source.file->row(row));
  const bool contrastive = source.objective == Objective::contrastive;
  const auto fill = [&](const Share& part) {
    contrastive ? void(batch.pairs = examples.contrastive(pairs, part))
                : void(batch.captions = examples.captions(pairs, part));
  };
  try {
    fill(share);
  } catch (const InvalidInput&) {  // finds the row with the fault
    for (std::int64_t i = share.from; i < share.from + share.count; ++i) {
      try {
        fill({i, 1});
      } catch (const InvalidInput& error) {
        fail<InvalidInput>("[{}] {}", source.file->where(rows[static_cast<std::size_t>(i)]), error.what());
      }
    }
    throw;
  }
  return batch;
}

StepBatch TrainData::batch(std::int64_t step, Examples& examples) const {
  const BatchPlan::Batch chosen = plan_.at(step);
  examples.for_step(step);
  StepBatch batch = make(sources_[chosen.source], chosen.rows, examples);
  batch.epoch = static_cast<double>(step + 1) / static_cast<double>(steps_per_epoch());
  return batch;
}

std::vector<StepBatch> TrainData::held_out(Examples& examples) const {
  std::vector<StepBatch> batches;
  examples.for_step(std::nullopt);
  const auto add = [&](const Source& source, std::int64_t count, const auto& row_at) {
    for (std::int64_t from = 0; from < count; from += plan_.batch_size()) {
      std::vector<std::int64_t> rows;
      for (std::int64_t i = from; i < std::min(from + plan_.batch_size(), count); ++i) rows.push_back(row_at(i));
      batches.push_back(make(source, rows, examples));
    }
  };
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const RowOrder& order = plan_.order(i);
    add(sources_[i], order.held_out_rows(), [&](std::int64_t row) { return order.held_out(row); });
  }
  if (held_out_file_) {
    add({held_out_file_, Objective::contrastive}, held_out_file_->rows(), [](std::int64_t row) { return row; });
  }
  return batches;
}

}  // namespace e5v::train
