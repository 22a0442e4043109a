#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/preprocess.h"
#include "model/checkpoint.h"
#include "model/llava_next.h"
#include "train/adapters.h"
#include "train/pack.h"
#include "train/parameter.h"

namespace e5v::train {

/// The parts of a model that are trained: adapters of the language model, or the weights of parts.
struct TrainedParts {
  bool lora = false, language_model = false, projector = false, vision = false;

  /// Parts by name: lora, llm, projector, vision, all (the last three). Throws InvalidInput for other names, for none,
  /// and for lora together with llm.
  static TrainedParts from(const std::vector<std::string>& names);
  bool weights() const { return language_model || projector || vision; }
};

struct TraineeOptions {
  TrainedParts parts{.lora = true};
  LoraOptions lora;
  std::uint64_t seed = 42;
  std::optional<nn::Precision> precision;  ///< none: the one that suits the checkpoint
  /// The maximum size of a micro-batch's activations that are kept for the backward pass. Larger ones are computed
  /// again. On a GPU the maximum is seven eighths of the memory that is free at the first batch, if that is more.
  std::int64_t kept_bytes = std::int64_t{3} << 30;
  tensor::Place place = tensor::Place::host;  ///< the memory of the model
  bool images = false;                        ///< the data has images
  bool head = false;                          ///< next tokens are predicted
};

/// A model in training. Trained weights are f32 copies, which replace the checkpoint's tensors.
class Trainee {
 public:
  /// Throws ModelError when the folder is no usable checkpoint, lacks a trained part, or has it quantised.
  Trainee(const std::filesystem::path& folder, const image::Preprocess& preprocess, const TraineeOptions& options);
  /// The same for a given checkpoint. Its tensors must outlive this object.
  Trainee(model::Checkpoint checkpoint, const model::ModelConfig& config, const image::Preprocess& preprocess,
          const TraineeOptions& options);

  const model::ModelConfig& config() const { return config_; }
  const model::Checkpoint& checkpoint() const { return checkpoint_; }
  tensor::Place place() const { return checkpoint_.place(); }
  nn::Precision precision() const { return precision_; }
  std::int64_t width() const { return config_.text.width; }
  std::int64_t vocabulary() const { return config_.text.vocabulary; }
  const TrainedParts& parts() const { return parts_; }
  std::string kernel() const { return model_->language_model().kernel(); }

  /// All trained parameters, in a fixed order.
  std::vector<Parameter> parameters() const;
  void clear_gradients() const;
  /// Registers the gradients with the tape, which adds to them.
  void watch(nn::Tape& tape) const;
  /// To be called after the values have changed.
  void parameters_changed();

  /// Computes the hidden states of the pooled rows. y_PD f32; a tape watches it. The sequences must live until the tape
  /// is rewound.
  void forward(const PackedSequences& sequences, tensor::Matrix y_PD, const nn::Pass& pass) const;
  /// Computes the scores of all next tokens. x_PD f32 [P, D], logits_PV f32 [P, V]; a tape watches both.
  void predict(tensor::ConstMatrix x_PD, tensor::Matrix logits_PV, const nn::Pass& pass) const;

  /// The adapters; null when none are trained.
  TrainableLora* lora() { return lora_ ? &*lora_ : nullptr; }
  const TrainableLora* lora() const { return lora_ ? &*lora_ : nullptr; }

  /// A weight that is trained.
  struct Weight {
    std::string name;  ///< the canonical name
    tensor::Tensor values, gradient;
  };
  const std::vector<Weight>& weights() const { return weights_; }

 private:
  std::int64_t max_kept_bytes() const;
  std::int64_t activation_bytes(const PackedSequences& sequences) const;
  bool is_trained(std::string_view canonical) const;
  void copy_trained_weights();
  void build();

  TrainedParts parts_;
  bool head_;
  mutable std::int64_t kept_bytes_;
  mutable bool kept_bytes_chosen_ = false;
  model::ModelConfig config_;
  image::Preprocess preprocess_;
  model::Checkpoint checkpoint_;
  nn::Precision precision_;
  std::vector<Weight> weights_;
  std::optional<TrainableLora> lora_;
  std::unique_ptr<model::LlavaNext> model_;
  std::unique_ptr<nn::Linear> head_layer_;
};

}  // namespace e5v::train
