#include <gmock/gmock.h>

#include <algorithm>

#include "api/model.h"
#include "embed/loading.h"
#include "families/clip.h"
#include "families/llava_next.h"
#include "families/table.h"
#include "golden.h"
#include "inspect/doctor.h"
#include "inspect/info.h"
#include "model/config_parts.h"
#include "model/unused_tensors.h"
#include "temporary_folder.h"
#include "tensor/safetensors_writer.h"

/// A family of models that the library does not have: a vector is the mean of the rows of a text's tokens in a table.
/// It stands in this file alone, written against the interface of a family, and in a line of a table.
namespace e5v::families {
namespace {

namespace fs = std::filesystem;

struct ToyConfig {
  std::int64_t vocabulary = 0, width = 0;
};

ToyConfig read_toy_config(const fs::path& folder) {
  const Json json = model::read_config_json(folder);
  const model::Fields fields(json, (folder / "config.json").string());
  return {fields.integer("vocabulary", std::nullopt, {1, 1 << 20}), fields.integer("width", std::nullopt, {1, 1024})};
}

const model::TensorNames& toy_names() {
  static const model::TensorNames names{
      {{"bag.", "table."}}, [](std::string_view name) { return name == "table.notes"; }, {{"bag.", "a toy factory"}}};
  return names;
}

model::ReadTensors toy_reads() {
  model::ReadTensors reads;
  reads.names = {"table.weight"};
  reads.modules = {"table."};
  return reads;
}

embed::Preparer toy_preparer(const fs::path& folder, const PrepareOptions& options) {
  embed::ModelLimits limits;
  limits.vocabulary = read_toy_config(folder).vocabulary;
  limits.context = 1000;
  Hasher hasher;
  embed::add_preparation(hasher, folder);
  return {text::Tokenizer::from_file(folder / "tokenizer.json"),
          text::ChatStyle::plain,
          {},
          limits,
          options,
          hasher.digest().hex()};
}

class ToyEngine : public embed::Engine {
 public:
  ToyEngine(const fs::path& folder, const LoadOptions& load)
      : folder_(folder),
        config_(read_toy_config(folder)),
        checkpoint_(embed::open_checkpoint(folder, load, toy_names())),
        table_(checkpoint_.tensor("table.weight", {config_.vocabulary, config_.width})) {
    embed::warn_of_unused(folder, model::unused_tensors(checkpoint_, toy_reads()));
  }

  std::int64_t width() const override { return config_.width; }
  tensor::Place place() const override { return checkpoint_.place(); }
  nn::Precision precision() const override { return nn::Precision::f32; }
  std::string weights() const override { return embed::weights_hash(checkpoint_, "toy"); }
  std::optional<std::string> first_non_finite() const override { return checkpoint_.first_non_finite(); }
  std::int64_t owned_bytes() const override { return 0; }

  void compute(std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena&) const override {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      float* y = y_SD.row<float>(static_cast<std::int64_t>(i));
      std::fill_n(y, width(), 0.0f);
      for (const embed::Symbol& symbol : inputs[i].symbols) {
        const float* row = matrix_of(table_).row<float>(symbol.value);
        for (std::int64_t d = 0; d < width(); ++d) y[d] += row[d] / static_cast<float>(inputs[i].tokens());
      }
    }
  }

 protected:
  std::unique_ptr<embed::Preparer> make_preparer(const PrepareOptions& options, const embed::Preparer*) const override {
    return std::unique_ptr<embed::Preparer>(new embed::Preparer(toy_preparer(folder_, options)));
  }

 private:
  fs::path folder_;
  ToyConfig config_;
  model::Checkpoint checkpoint_;
  tensor::TensorView table_;
};

class ToyInspection : public Inspection {
 public:
  ToyInspection(const fs::path& folder, const PrepareOptions& prepare)
      : folder_(folder), prepare_(prepare), config_(read_toy_config(folder)) {}

  bool sees() const override { return false; }
  std::string config() const override { return fmt::format("a bag of width {}", config_.width); }
  std::string tensors(const model::Checkpoint& checkpoint) const override {
    checkpoint.tensor("table.weight", {config_.vocabulary, config_.width});
    return "complete" + unused_text(model::unused_tensors(checkpoint, toy_reads()));
  }
  std::string tokenizer() const override { return "there"; }
  std::string preprocess() const override { return ""; }

  Description describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const override {
    embed::Preparer preparer = toy_preparer(folder_, prepare_);
    Description description;
    description.architecture = "bag of tokens";
    description.width = config_.width;
    description.chat_style = preparer.style();
    description.used.embedding = config_.vocabulary * config_.width;
    description.context = preparer.limits().context;
    description.fingerprint = {embed::weights_hash(checkpoint, "toy"), preparer.preprocessing(),
                               embed::compute_text(plan.precision, plan.run, checkpoint.place()),
                               *preparer.prompt_hash("text")};
    return description;
  }

 private:
  fs::path folder_;
  PrepareOptions prepare_;
  ToyConfig config_;
};

class ToyFamily : public Family {
 public:
  std::string_view name() const override { return "toy"; }
  std::string_view model_types() const override { return "toy_bag"; }
  bool matches(const Json& config) const override {
    return config.is_object() && config.value("model_type", "") == "toy_bag";
  }
  const model::TensorNames& tensor_names() const override { return toy_names(); }
  bool has_plain_prompts() const override { return true; }
  embed::StyledTokenizer read_tokenizer(const fs::path& folder) const override {
    return {text::Tokenizer::from_file(folder / "tokenizer.json"), text::ChatStyle::plain};
  }
  std::unique_ptr<embed::Engine> open(const fs::path& folder, const LoadOptions& load) const override {
    return std::make_unique<ToyEngine>(folder, load);
  }
  std::unique_ptr<Inspection> inspect(const fs::path& folder, const LoadOptions&,
                                      const PrepareOptions& prepare) const override {
    return std::make_unique<ToyInspection>(folder, prepare);
  }
};

/// A folder with such a model, whose table holds small numbers that tell rows apart.
class Toy : public testing::Test {
 protected:
  static constexpr std::int64_t kVocabulary = 2368, kWidth = 3;

  Toy() {
    folder_.write("config.json",
                  fmt::format(R"({{"model_type": "toy_bag", "vocabulary": {}, "width": {}}})", kVocabulary, kWidth));
    fs::copy(e5v::test::golden("ckpt/tiny-small-f32/tokenizer.json"), folder_.path());
    for (std::int64_t i = 0; i < kVocabulary * kWidth; ++i) table_.push_back(static_cast<float>(i * 37 % 101) - 40);
    const std::vector<std::byte> notes(4);
    tensor::SafetensorsWriter writer(
        folder_.path() / "model.safetensors",
        {{"bag.weight", tensor::DType::f32, {kVocabulary, kWidth}}, {"bag.notes", tensor::DType::f32, {1}}});
    writer.write("bag.weight", std::as_bytes(std::span(table_)));
    writer.write("bag.notes", notes);
    writer.finish();
  }

  std::vector<float> mean_of(const std::string& sentence) const {
    const auto ids = text::Tokenizer::from_file(folder_.path() / "tokenizer.json").encode(sentence);
    std::vector<float> mean(kWidth, 0);
    for (const std::int32_t id : ids) {
      for (std::int64_t d = 0; d < kWidth; ++d) {
        mean[static_cast<std::size_t>(d)] +=
            table_[static_cast<std::size_t>(id * kWidth + d)] / static_cast<float>(ids.size());
      }
    }
    return mean;
  }

  e5v::test::TemporaryFolder folder_;
  std::vector<float> table_;
  ToyFamily toy_;
};

TEST_F(Toy, ALineInTheTableMakesItEmbed) {
  const TableScope scope({&toy_, &clip(), &llava_next()});
  e5v::test::ModelOptions options;
  options.normalize = false;
  e5v::test::Model embedder(folder_.path(), options);
  EXPECT_EQ(embedder.embedder().width(), kWidth);
  const Embeddings result = embedder.embed(std::vector{Input::from_text("a cat"), Input::from_text("the dog runs")});
  for (const auto& [row, sentence] : {std::pair(0, "a cat"), std::pair(1, "the dog runs")}) {
    const auto found = result.row(row);
    EXPECT_THAT(std::vector(found.begin(), found.end()),
                testing::Pointwise(testing::FloatNear(1e-4f), mean_of(sentence)));
  }
  EXPECT_THAT(
      [&] {
        embedder.embed(std::vector{Input::from_image(Pixels{1, 1, {0, 0, 0}})});
      },
      testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("takes text only")));
}

TEST_F(Toy, OtherFamiliesAreFoundBesideIt) {
  const TableScope scope({&toy_, &clip(), &llava_next()});
  EXPECT_EQ(&family_of(folder_.path()), &toy_);
  EXPECT_EQ(&family_of(e5v::test::golden("ckpt/tiny-clip")), &clip());
  EXPECT_EQ(&family_of(e5v::test::golden("ckpt/tiny-mistral")), &llava_next());
}

TEST_F(Toy, IsDescribedAndPassesTheDoctor) {
  const TableScope scope({&toy_});
  const inspect::ModelInfo info = inspect::inspect(folder_.path(), {});
  EXPECT_EQ(info.architecture, "bag of tokens");
  EXPECT_EQ(info.generation, "a toy factory");
  EXPECT_EQ(info.fingerprint.space(), e5v::test::Model(folder_.path()).fingerprint("text").space());
  std::vector<std::string> names;
  inspect::check_model(folder_.path(), {}, [&](const inspect::Check& check) {
    EXPECT_TRUE(check.ok) << check.name << ": " << check.detail;
    names.push_back(check.name);
  });
  EXPECT_THAT(names, testing::IsSupersetOf({"config.json", "tensors", "tokenizer.json", "embedding"}));
}

TEST_F(Toy, IsUnknownWithoutItsLine) {
  EXPECT_THAT(
      [&] { e5v::test::Model{folder_.path()}; },
      testing::ThrowsMessage<ModelError>(testing::HasSubstr("\"model_type\": expected one of clip, llava_next")));
  EXPECT_EQ(find_family(folder_.path()), nullptr);
}

}  // namespace
}  // namespace e5v::families
