#include "eval/transfer.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Vectors whose classes overlap, the same on every machine.
class MadeData {
 public:
  struct Data {
    tensor::Tensor x;
    std::vector<int> labels;
    LabelledVectors view() const { return {tensor::matrix_of(x.view()), labels}; }
  };

  Data data(int items, int width, int classes, float signal) {
    Data made{tensor::Tensor(tensor::DType::f32, {items, width}), {}};
    auto x = made.x.as<float>().begin();
    for (int i = 0; i < items; ++i) {
      made.labels.push_back(i % classes);
      for (int j = 0; j < width; ++j) *x++ = next() + (j % classes == i % classes ? signal : 0);
    }
    return made;
  }

 private:
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state_ >> 40) / (1 << 24) - 0.5f;
  }
  std::uint64_t state_ = 1;
};

// Figures of SentEval's validation.py over scikit-learn 1.9.1, with these vectors and kfold 4.
TEST(Validation, GivesSentEvalsAccuracies) {
  MadeData made;
  const Validation validation{.folds = 4};
  const MadeData::Data nested = made.data(120, 6, 2, 0.15f);
  EXPECT_DOUBLE_EQ(validation.nested(nested.view(), 2), 71.67);
  const MadeData::Data train = made.data(120, 6, 3, 0.2f), test = made.data(90, 6, 3, 0.2f);
  EXPECT_DOUBLE_EQ(validation.crossed(train.view(), test.view(), 3), 58.89);
  const MadeData::Data first = made.data(100, 6, 2, 0.15f), dev = made.data(60, 6, 2, 0.15f),
                       last = made.data(90, 6, 2, 0.15f);
  EXPECT_DOUBLE_EQ(validation.split(first.view(), dev.view(), last.view(), 2), 76.67);
}

TEST(Validation, CanBeStopped) {
  MadeData made;
  const MadeData::Data data = made.data(40, 2, 2, 0.5f);
  int asked = 0;
  const Validation validation{.folds = 2, .check_stop = [&] {
                                if (++asked == 2) throw InvalidInput("stop");
                              }};
  EXPECT_THROW(validation.nested(data.view(), 2), InvalidInput);
}

/// A folder of data that tests fill.
class Transfer : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, content);
  }
  void write_mrpc() const {
    const std::string header = "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n";
    write("MRPC/msr_paraphrase_train.txt",
          header + "1\t7\t8\tone  two three\tone\r\n0\t1\t2\ta \"b\ta\r\n1\t3\t4\tx\ty z\r\n");
    write("MRPC/msr_paraphrase_test.txt", header + "0\t7\t8\tone\ttwo\r\n1\t7\t8\tthree\tthree\r\n");
  }
};

TEST_F(Transfer, AccuraciesAreThoseOfClassifiersOverTheVectors) {
  std::string positive, negative;
  for (int i = 0; i < 12; ++i) {
    positive += "a good film number " + std::to_string(i) + "\n";
    negative += "dull, dull and long " + std::to_string(i) + "\n";
  }
  write("MR/rt-polarity.pos", positive);
  write("MR/rt-polarity.neg", negative);
  write_mrpc();
  std::string pairs = "header\n";
  for (int i = 0; i < 6; ++i)
    pairs += "1\t1\t2\tdog " + std::to_string(i) + "\tdog " + std::to_string(i) + "\n0\t1\t2\tdog\tspace " +
             std::to_string(i) + "\n";
  for (const char* part : {"train", "test"}) write("MRPC/msr_paraphrase_" + std::string(part) + ".txt", pairs);
  test::TemporaryFolder store;
  Encoder encoder(test::tiny_model(), test::encoder_options(), store.path(), {});
  const std::vector tasks{read_transfer(folder_.path(), "MR"), read_transfer(folder_.path(), "MRPC")};
  const Result result = evaluate_transfer(encoder, tasks, {.folds = 3});
  ASSERT_EQ(result.figures.size(), 3u);
  EXPECT_EQ(result.figures[0].name, "MR");
  EXPECT_EQ(result.figures[0].value, 100);  // the words of both classes differ
  EXPECT_EQ(result.figures[1].value, 100);  // |u - v| is 0 for the same sentence twice
  EXPECT_EQ(result.figures[2].name, "mean");
  ASSERT_EQ(headlines(result).size(), 1u);
  EXPECT_EQ(headlines(result)[0].name, "mean");
  for (const Figure& figure : result.figures) EXPECT_FALSE(figure.paper.has_value());
  const auto computed = encoder.counts().computed;
  evaluate_transfer(encoder, tasks, {.folds = 3});
  EXPECT_EQ(encoder.counts().computed, computed);
}

}  // namespace
}  // namespace e5v::eval
