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
class Made {
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
  Made made;
  const Validation validation{.folds = 4};
  const Made::Data nested = made.data(120, 6, 2, 0.15f);
  EXPECT_DOUBLE_EQ(validation.nested(nested.view(), 2), 71.67);
  const Made::Data train = made.data(120, 6, 3, 0.2f), test = made.data(90, 6, 3, 0.2f);
  EXPECT_DOUBLE_EQ(validation.crossed(train.view(), test.view(), 3), 58.89);
  const Made::Data first = made.data(100, 6, 2, 0.15f), dev = made.data(60, 6, 2, 0.15f),
                   last = made.data(90, 6, 2, 0.15f);
  EXPECT_DOUBLE_EQ(validation.split(first.view(), dev.view(), last.view(), 2), 76.67);
}

TEST(Validation, CanBeStopped) {
  Made made;
  const Made::Data data = made.data(40, 2, 2, 0.5f);
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
  void expect_refused(const std::string& task, const std::string& part) const {
    try {
      read_transfer(folder_.path(), task);
      FAIL() << "accepted, expected: " << part;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
};

TEST_F(Transfer, ReadsClassesFromLatin1InSentEvalsOrder) {
  // 0x85 ends a line for Python's splitlines(), 0xA0 is a blank for split().
  write("MR/rt-polarity.pos", "a  long caf\xE9 \nnice\x85two\xA0words\r\n");
  write("MR/rt-polarity.neg", "bad\n\nvery bad\n");
  const TransferTask task = read_transfer(folder_.path(), "MR");
  EXPECT_EQ(task.classes, 2);
  EXPECT_THAT(task.train.first, ElementsAre("", "bad", "nice", "very bad", "two words", "a long caf\xC3\xA9"));
  EXPECT_THAT(task.train.labels, ElementsAre(0, 0, 1, 0, 1, 1));
  EXPECT_EQ(task.test.size(), 0u);
}

TEST_F(Transfer, ObjectiveSentencesAreClassOne) {
  write("SUBJ/subj.objective", "he left\n");
  write("SUBJ/subj.subjective", "lovely\n");
  EXPECT_THAT(read_transfer(folder_.path(), "SUBJ").train.labels, ElementsAre(0, 1));
}

TEST_F(Transfer, ReadsSstTrecAndMrpc) {
  for (const std::string part : {"train", "dev", "test"})
    write("SST/binary/sentiment-" + part, "good " + part + " .\t1\nna\xC3\xAFve\t0\n");
  write("TREC/train_5500.label", "NUM:count How many dogs ?\nHUM:ind Who ?\nDESC:def What is caf\xE9 ?\n");
  write("TREC/TREC_10.label", "LOC:city Where ?\n");
  write_mrpc();
  const TransferTask sst = read_transfer(folder_.path(), "SST2"), trec = read_transfer(folder_.path(), "TREC"),
                     mrpc = read_transfer(folder_.path(), "MRPC");
  EXPECT_THAT(sst.dev.first, ElementsAre("na\xC3\xAFve", "good dev ."));
  EXPECT_THAT(sst.test.labels, ElementsAre(0, 1));
  EXPECT_EQ(trec.classes, 6);
  EXPECT_THAT(trec.train.first, ElementsAre("Who ?", "What is caf\xC3\xA9 ?", "How many dogs ?"));
  EXPECT_THAT(trec.train.labels, ElementsAre(3, 1, 5));
  EXPECT_THAT(trec.test.labels, ElementsAre(4));
  EXPECT_THAT(mrpc.train.first, ElementsAre("x", "a \"b", "one two three"));
  EXPECT_THAT(mrpc.train.second, ElementsAre("y z", "a", "one"));
  EXPECT_THAT(mrpc.train.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(mrpc.test.labels, ElementsAre(0, 1));
}

TEST_F(Transfer, NamesTheFirstFileThatIsMissing) {
  expect_refused("CR", "CR/custrev.pos] is missing; expected SentEval's data folder: MR/rt-polarity.pos and .neg");
  write("CR/custrev.pos", "good\n");
  expect_refused("CR", "CR/custrev.neg] is missing");
  expect_refused("MPQA", "MPQA/mpqa.pos] is missing");
  expect_refused("SST2", "SST/binary/sentiment-train] is missing");
  expect_refused("TREC", "TREC/train_5500.label] is missing");
  expect_refused("SST5", "[transfer] \"SST5\" is no task; expected one of MR, CR");
  EXPECT_THROW(read_transfer(folder_.path() / "none", "MR"), InvalidInput);
}

TEST_F(Transfer, NamesTheLineThatIsWrong) {
  write("TREC/train_5500.label", "NUM:count How many ?\nWHAT:is this ?\n");
  expect_refused("TREC", "train_5500.label:2] \"WHAT\" is no class, expected one of ABBR, DESC, ENTY, HUM, LOC, NUM");
  write("TREC/train_5500.label", "NUM\n");
  expect_refused("TREC", "train_5500.label:1] expected CLASS:kind and a question, found \"NUM\"");
  write("SST/binary/sentiment-train", "good\t1\nbad\tno\n");
  expect_refused("SST2", "sentiment-train:2] \"no\" is no class, expected 0 or 1");
  write("SST/binary/sentiment-train", "good 1\n");
  expect_refused("SST2", "sentiment-train:1] has no tab, expected a sentence and its class");
  write("SST/binary/sentiment-train",
        "b\xFF"
        "d\t0\n");
  expect_refused("SST2", "sentiment-train] is no UTF-8");
  write_mrpc();
  write("MRPC/msr_paraphrase_test.txt", "header\n1\t2\t3\n");
  expect_refused("MRPC", "msr_paraphrase_test.txt:2] has 3 columns, expected 5");
  write("MRPC/msr_paraphrase_test.txt", "header\n");
  expect_refused("MRPC", "msr_paraphrase_test.txt] holds no sentences");
  write("CR/custrev.pos", "good\n");
  write("CR/custrev.neg", "");
  expect_refused("CR", "the training items of CR are all of one class");
}

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
