// Legend: P pooled rows, T rows, D width, V vocabulary.
#include "train/trainee.h"

#include <algorithm>

#include "embed/loading.h"
#include "model/unused_tensors.h"
#include "nn/functions.h"
#include "ops/rows.h"

namespace e5v::train {
namespace {

using tensor::DType;
using tensor::Matrix;

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kTable = "language_model.embed_tokens.weight";

/// Layers of the tower after the one that gives the features are not trained, because nothing depends on them.
bool is_used_layer(std::string_view name, const model::ModelConfig& config) {
  constexpr std::string_view kLayers = "vision_tower.encoder.layers.";
  if (!name.starts_with(kLayers)) return name.find("post_layernorm") == std::string_view::npos;
  return std::stoll(std::string(name.substr(kLayers.size()))) < config.vision_layers_used();
}

/// Whether a tensor is a matrix that maps features to features. Tables of tokens or positions, and the matrices from
/// and to them, are not.
bool is_inside(std::string_view name, const tensor::Shape& shape) {
  return shape.rank() == 2 && name.find("embed") == std::string_view::npos && name != kHead;
}

/// The tensor as a matrix with its first axis as rows, as the model multiplies it. A vector is one row.
Matrix flat(const tensor::Tensor& tensor) {
  if (tensor.shape().rank() < 2) return matrix_of(tensor);
  const std::int64_t rows = tensor.shape()[0], columns = tensor.elements() / rows;
  return {tensor.data(), tensor.dtype(), rows, columns, columns, tensor.place()};
}

nn::Precision precision_of(const model::Checkpoint& checkpoint, const TraineeOptions& options) {
  if (options.precision) return *options.precision;
  return nn::default_precision(checkpoint.stored_dtype(), checkpoint.stored_format(), options.place,
                               checkpoint.rounds_inputs());
}

}  // namespace

TrainedParts TrainedParts::from(const std::vector<std::string>& names) {
  TrainedParts parts;
  for (const std::string& name : names) {
    const bool all = name == "all";
    require(all || name == "lora" || name == "llm" || name == "projector" || name == "vision",
            "[train] {} is no part of a model; there are lora, llm, projector, vision, all", in_quotes(name));
    parts.lora |= name == "lora";
    parts.language_model |= all || name == "llm";
    parts.projector |= all || name == "projector";
    parts.vision |= all || name == "vision";
  }
  require(parts.lora || parts.weights(), "[train] nothing to train; there are lora, llm, projector, vision, all");
  require(!(parts.lora && parts.language_model),
          "[train] lora and llm exclude each other, because adapters replace the training of the weights");
  return parts;
}

Trainee::Trainee(const std::filesystem::path& folder, const image::Preprocess& preprocess,
                 const TraineeOptions& options)
    : Trainee(model::Checkpoint(folder), model::read_config(folder), preprocess, options) {}

Trainee::Trainee(model::Checkpoint checkpoint, const model::ModelConfig& config, const image::Preprocess& preprocess,
                 const TraineeOptions& options)
    : parts_(options.parts),
      head_(options.head),
      kept_bytes_(options.kept_bytes),
      config_(config),
      preprocess_(preprocess),
      checkpoint_(std::move(checkpoint)),
      precision_(precision_of(checkpoint_, options)) {
  model::unused_tensors(checkpoint_, config_);  // throws when a tensor would be ignored
  checkpoint_.require_finite();
  const bool sees = options.images || parts_.projector || parts_.vision;
  require<ModelError>(!sees || config_.vision, "[train] the checkpoint has no vision tower, so it takes text only");
  const bool llava = config_.vision.has_value();
  if (!sees) config_.vision.reset();
  checkpoint_.place_on(options.place);
  checkpoint_.decode_as(nn::decoded_type(precision_));
  checkpoint_.leave_inputs();
  copy_trained_weights();
  if (parts_.lora) {
    lora_.emplace(config_.text, options.lora, options.seed, options.place);
    lora_->adapter().inside_llava = llava;
    lora_->adapter().base = checkpoint_.fingerprint().hex();
  }
  build();
}

bool Trainee::is_trained(std::string_view name) const {
  if (name.starts_with("language_model.")) return parts_.language_model;
  if (name == kHead) return parts_.language_model && head_ && !config_.text.tied_head;
  if (name.starts_with("vision_tower.")) return parts_.vision && is_used_layer(name, config_);
  return parts_.projector && (name.starts_with("projector.") || name == "image_newline");
}

void Trainee::copy_trained_weights() {
  for (const model::Checkpoint::Stored& stored : checkpoint_.tensors()) {
    if (!is_trained(stored.canonical)) continue;
    require<ModelError>(!checkpoint_.quantised() || !stored.canonical.starts_with("language_model."),
                        "[train] {} is quantised: train adapters on it, or the weights of an unquantised checkpoint",
                        stored.stored);
    Weight weight{stored.canonical, to_f32(stored.view), tensor::Tensor(DType::f32, stored.view.shape, place())};
    if (place() != tensor::Place::host) weight.values = copied(weight.values.view(), place());
    ops::fill(flat(weight.gradient), 0);
    weights_.push_back(std::move(weight));
  }
  for (const Weight& weight : weights_) checkpoint_.substitute(weight.name, weight.values.view());
}

void Trainee::build() {
  model_ = std::make_unique<model::LlavaNext>(checkpoint_, config_, preprocess_, precision_);
  if (lora_) lora_->attach_to(model_->language_model());
  if (!head_) return;
  const char* name = config_.text.tied_head ? kTable : kHead;
  head_layer_ = std::make_unique<nn::Linear>(
      std::initializer_list<tensor::StoredMatrix>{checkpoint_.matrix(name, vocabulary(), width())}, precision_);
}

std::vector<Parameter> Trainee::parameters() const {
  std::vector<Parameter> result;
  if (lora_) result = lora_->parameters();
  for (const Weight& weight : weights_) {
    result.push_back({weight.name, weight.values.as<float>(), weight.gradient.as<float>(), weight.values.place(),
                      is_inside(weight.name, weight.values.shape()) ? weight.values.shape()[0] : 0});
  }
  return result;
}

void Trainee::clear_gradients() const {
  for (const Parameter& parameter : parameters()) {
    const auto count = static_cast<std::int64_t>(parameter.gradient.size());
    ops::fill({reinterpret_cast<std::byte*>(parameter.gradient.data()), DType::f32, 1, count, count, parameter.place},
              0);
  }
}

void Trainee::watch(nn::Tape& tape) const {
  if (lora_) lora_->watch(tape);
  for (const Weight& weight : weights_) tape.watch(flat(weight.values), flat(weight.gradient));
}

void Trainee::parameters_changed() {
  if (!weights_.empty()) build();  // the model may hold copies, rounded or in the layout of a GEMM
}

void Trainee::forward(const PackedSequences& sequences, Matrix y_PD, const nn::Pass& outer) const {
  const nn::Pass::Scope scope(outer);
  nn::Pass pass = outer;
  pass.keeps_activations = activation_bytes(sequences) <= max_kept_bytes();
  const Matrix x_TD = pass.matrix(DType::f32, static_cast<std::int64_t>(sequences.ids_T.size()), width());
  model_->language_model().embed(sequences.ids_T, x_TD, pass);
  const bool sight = parts_.vision || parts_.projector;
  model_->embed_images(sequences.images, x_TD, sight ? pass : pass.untaped());
  model_->language_model().forward(x_TD, sequences.rows, y_PD, pass);
}

std::int64_t Trainee::max_kept_bytes() const {
  if (place() == tensor::Place::device && !kept_bytes_chosen_) {
    kept_bytes_ = std::max(kept_bytes_, static_cast<std::int64_t>(tensor::device().free_bytes() / 8 * 7));
    kept_bytes_chosen_ = true;
  }
  return kept_bytes_;
}

/// The approximate size of the blocks' activations in a forward pass and of the gradients with respect to those of a
/// block.
std::int64_t Trainee::activation_bytes(const PackedSequences& sequences) const {
  // Bytes per column of the MLP's width. On a GPU activations are bf16.
  const std::int64_t bytes_of_activations = place() == tensor::Place::host ? 30 : 17, bytes_of_gradients = 17;
  const auto bytes = [&](std::int64_t rows, std::int64_t layers, std::int64_t width) {
    return rows * width * (layers * bytes_of_activations + bytes_of_gradients);
  };
  const auto rows = static_cast<std::int64_t>(sequences.ids_T.size());
  std::int64_t total = bytes(rows, config_.text.layers, config_.text.mlp_width);
  if (config_.vision && parts_.vision) {
    std::int64_t tiles = 0;
    for (const model::LlavaNext::PlacedImage& placed : sequences.images) {
      tiles += static_cast<std::int64_t>(placed.image->patches.grids.size());
    }
    total += bytes(tiles * config_.vision->positions(), config_.vision_layers_used(), config_.vision->mlp_width);
  }
  return total;
}

void Trainee::predict(tensor::ConstMatrix x_PD, Matrix logits_PV, const nn::Pass& pass) const {
  head_layer_->forward(pass, nn::converted(pass, x_PD, head_layer_->input_type()), logits_PV);
}

}  // namespace e5v::train
