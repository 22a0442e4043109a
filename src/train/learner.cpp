#include "train/learner.h"

#include "ops/rows.h"

namespace e5v::train {
namespace {

std::vector<TrainedSpan> spans_of(const std::vector<Parameter>& parameters) {
  return {parameters.begin(), parameters.end()};
}

/// Processes exchange gradients through the memory of the host.
void sum_over(const processes::Group& group, const TrainedSpan& parameter) {
  if (group.size() == 1 || parameter.place == tensor::Place::host) return group.sum(parameter.gradient);
  std::vector<float> values(parameter.gradient.size());
  ops::copy(parameter.gradient, parameter.place, values, tensor::Place::host);
  group.sum(std::span(values));
  ops::copy(values, tensor::Place::host, parameter.gradient, parameter.place);
}

template <class Loss>
BatchLoss batch_loss(const Loss& loss) {
  return {loss.loss, loss.accuracy};
}

}  // namespace

Learner::Learner(Trainee& model, const TrainOptions& options, const processes::Group& group)
    : model_(model),
      options_(options),
      group_(group),
      parameters_(spans_of(model.parameters())),
      optimizer_(parameters_, options.optimizer),
      contrastive_(model, {options.micro_batch, loss_of(options)}, group),
      captioning_(model, options.micro_batch, group) {}

std::int64_t Learner::trained() const {
  std::int64_t count = 0;
  for (const TrainedSpan& parameter : parameters_) count += static_cast<std::int64_t>(parameter.values.size());
  return count;
}

Learner::Gradients Learner::take_gradients(const StepBatch& batch, std::int64_t step,
                                           const std::function<void()>& check_stop) {
  model_.clear_gradients();
  const nn::Dropout dropout{options_.trainee.parts.lora ? static_cast<float>(options_.trainee.lora.dropout) : 0,
                            static_cast<std::uint32_t>(options_.data.seed), static_cast<std::uint32_t>(step)};
  Gradients result{batch.objective == Objective::contrastive
                       ? batch_loss(contrastive_.accumulate(batch.pairs, &dropout, check_stop))
                       : batch_loss(captioning_.accumulate(batch.captions, &dropout, check_stop))};
  for (const TrainedSpan& parameter : parameters_) sum_over(group_, parameter);
  result.norm = clip_gradients(parameters_, options_.clip);
  return result;
}

void Learner::update(double learning_rate) {
  optimizer_.step(parameters_, learning_rate, group_);
  model_.parameters_changed();
}

BatchLoss Learner::evaluate(std::span<const StepBatch> batches) {
  BatchLoss mean;
  double weight = 0;
  for (const StepBatch& batch : batches) {
    const BatchLoss own = batch.objective == Objective::contrastive ? batch_loss(contrastive_.evaluate(batch.pairs))
                                                                    : batch_loss(captioning_.evaluate(batch.captions));
    const auto pairs = static_cast<double>(batch.total);
    mean.loss += pairs * own.loss, mean.accuracy += pairs * own.accuracy, weight += pairs;
  }
  return {mean.loss / weight, mean.accuracy / weight};
}

}  // namespace e5v::train
