#include "train/train_data.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "temporary_folder.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

/// How rows of sources come together.
struct Numbers {
  std::int64_t batch = 0, together = 0, held_out = 0;
};

TrainData::Options options_for(const std::vector<DataSource>& sources, const Numbers& numbers = {},
                               const fs::path& held_out_file = {}) {
  TrainData::Options options;
  options.sources = sources, options.held_out_file = held_out_file;
  options.batch = numbers.batch, options.together = numbers.together, options.held_out = numbers.held_out;
  return options;
}

class TrainDataTest : public testing::Test {
 protected:
  /// A file of pairs whose anchors are "row 0", "row 1" and so on.
  fs::path numbered(const std::string& name, int rows) const {
    std::string text = "sent0,sent1\n";
    for (int i = 0; i < rows; ++i) text += fmt::format("row {},positive\n", i);
    return folder_.write(name, text);
  }
  fs::path write(const std::string& name, std::string_view text) const { return folder_.write(name, text); }

  /// The rows whose anchors these are.
  std::vector<int> rows_of(const std::vector<TokenSequence>& sequences) const {
    std::vector<int> rows;
    for (const TokenSequence& sequence : sequences) {
      const std::string text = preparer_.tokenizer().decode(sequence.ids, {});
      rows.push_back(std::stoi(text.substr(text.find("row ") + 4)));
    }
    return rows;
  }
  std::vector<int> rows_of(const std::vector<StepBatch>& batches) const {
    std::vector<int> rows;
    for (const StepBatch& batch : batches) {
      for (const int row : rows_of(batch.pairs.anchors)) rows.push_back(row);
    }
    return rows;
  }

  static auto making(const TrainData::Options& options) {
    return [options] { TrainData{options}; };
  }

  e5v::test::TemporaryFolder folder_;
  embed::Preparer preparer_ = test::small_preparer();
  Examples examples_{preparer_, {}};
};

TEST_F(TrainDataTest, AnEpochHasEveryRowButThoseHeldOut) {
  const TrainData data(options_for({{numbered("pairs.csv", 11)}}, {.batch = 3, .held_out = 4}));
  EXPECT_EQ(data.rows(), 7);
  EXPECT_EQ(data.steps_per_epoch(), 3);
  const std::vector<StepBatch> held_out = data.held_out(examples_);
  ASSERT_EQ(held_out.size(), 2u);
  EXPECT_EQ(held_out[0].total, 3);
  EXPECT_EQ(held_out[1].total, 1);
  for (const std::int64_t epoch : {0, 1}) {
    std::vector<StepBatch> batches;
    for (std::int64_t i = 0; i < 3; ++i) {
      batches.push_back(data.batch(3 * epoch + i, examples_));
      EXPECT_DOUBLE_EQ(batches.back().epoch, static_cast<double>(3 * epoch + i + 1) / 3);
      EXPECT_EQ(batches.back().total, i < 2 ? 3 : 1);
    }
    std::vector<int> rows = rows_of(batches);
    const std::vector<int> kept = rows_of(held_out);
    rows.insert(rows.end(), kept.begin(), kept.end());
    EXPECT_THAT(rows, UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  }
}

TEST_F(TrainDataTest, ProcessesShareABatch) {
  TrainData::Options options = options_for({{numbered("pairs.csv", 9)}}, {.batch = 5});
  const std::vector<int> whole = rows_of(TrainData(options).batch(0, examples_).pairs.anchors);
  std::vector<int> parts;
  options.processes = 2;
  for (options.process = 0; options.process < 2; ++options.process) {
    const StepBatch batch = TrainData(options).batch(0, examples_);
    EXPECT_EQ(batch.total, 5);
    EXPECT_EQ(batch.pairs.total, 5);
    for (const int row : rows_of(batch.pairs.anchors)) parts.push_back(row);
  }
  EXPECT_EQ(whole.size(), 5u);
  EXPECT_EQ(parts, whole);
}

TEST_F(TrainDataTest, AFileMayBeHeldOut) {
  const TrainData data(options_for({{numbered("pairs.csv", 8)}}, {.batch = 2, .held_out = 2},
                                   write("other.csv", "sent0,sent1\nrow 70,a\nrow 71,b\nrow 72,c\n")));
  const std::vector<StepBatch> batches = data.held_out(examples_);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(rows_of(batches[0].pairs.anchors).size(), 2u);
  EXPECT_THAT(rows_of(batches[1].pairs.anchors), ElementsAre(70, 71));
  EXPECT_THAT(rows_of(batches[2].pairs.anchors), ElementsAre(72));
  EXPECT_EQ(data.rows(), 6);
}

TEST_F(TrainDataTest, CaptionsAreSpelled) {
  const TrainData data(options_for({{numbered("captions.csv", 2), Objective::captions}}));
  EXPECT_TRUE(data.has_captions());
  EXPECT_FALSE(data.has_images());
  const StepBatch batch = data.batch(0, examples_);
  EXPECT_EQ(batch.objective, Objective::captions);
  ASSERT_EQ(batch.captions.size(), 2u);
  EXPECT_TRUE(batch.pairs.anchors.empty());
  EXPECT_EQ(batch.tokens(), batch.captions[0].rows() + batch.captions[1].rows());
  EXPECT_THAT(rows_of(batch.captions), UnorderedElementsAre(0, 1));
}

TEST_F(TrainDataTest, ABatchIsAllPairsWhereTheyAreFew) {
  const auto batch = [&](int rows, std::int64_t held_out) {
    return TrainData(options_for({{numbered("pairs.csv", rows)}}, {.held_out = held_out})).batch_size();
  };
  EXPECT_EQ(batch(7, 2), 5);
  EXPECT_EQ(batch(65, 0), TrainData::kDefaultBatch);
}

TEST_F(TrainDataTest, ImagesMayBeInAnyFile) {
  const fs::path pictured = write("pictured.csv", "image0,sent1\na.png,x\nb.png,y\n"), plain = numbered("plain.csv", 3);
  EXPECT_FALSE(TrainData(options_for({{plain}})).has_images());
  EXPECT_TRUE(TrainData(options_for({{plain}, {pictured}})).has_images());
  EXPECT_TRUE(TrainData(options_for({{plain}}, {}, pictured)).has_images());
}

TEST_F(TrainDataTest, BadRowsOfAllFilesAreComplainedOf) {
  const fs::path bad = write("bad.csv", "sent0,sent1\na,b\nbad row\nc,d\nbad row\n");
  const TrainData data(
      options_for({{numbered("good.csv", 2)}, {bad}}, {}, write("one.csv", "sent0,sent1\na,b\nbad row\n")));
  EXPECT_THAT(data.complaints(),
              ElementsAre(HasSubstr("bad.csv:3]"), HasSubstr("bad.csv:5]"), "2 bad rows left out, 2 good",
                          HasSubstr("one.csv:3]"), "1 bad row left out, 1 good"));
}

TEST_F(TrainDataTest, TheDigestIsThatOfContentAndObjectives) {
  const DataSource pairs{numbered("pairs.csv", 3)}, copy{numbered("copy.csv", 3)}, more{numbered("more.csv", 4)};
  const auto digest = [](const TrainData::Options& options) { return TrainData(options).digest(); };
  EXPECT_EQ(digest(options_for({pairs})), digest(options_for({copy})));
  const std::set<std::string> different{
      digest(options_for({pairs})), digest(options_for({more})), digest(options_for({pairs, more})),
      digest(options_for({{pairs.file, Objective::captions}})), digest(options_for({pairs}, {}, more.file))};
  EXPECT_EQ(different.size(), 5u);
}

TEST_F(TrainDataTest, ARowThatCannotBeUsedIsNamed) {
  std::string text = "sent0,image0,sent1\n";
  for (int i = 0; i < 6; ++i) text += i == 4 ? ",none.png,dark\n" : fmt::format("row {},,x\n", i);
  const fs::path file = write("late.csv", text);
  const TrainData data(options_for({{file}}));
  EXPECT_THAT([&] { data.batch(0, examples_); },
              ThrowsMessage<InvalidInput>(testing::AllOf(testing::StartsWith("[" + file.string() + ":6] ["),
                                                         HasSubstr("none.png] no such file"))));
}

TEST_F(TrainDataTest, TooFewRowsAreRefused) {
  EXPECT_THAT(making({}), ThrowsMessage<InvalidInput>("[train] expected a file of pairs, found none"));
  const fs::path three = numbered("three.csv", 3);
  const std::string where = "[" + three.string() + "] ";
  EXPECT_THAT(making(options_for({{three}}, {.held_out = 3})),
              ThrowsMessage<InvalidInput>(where + "has 3 rows, expected more than are held out: 3"));
  EXPECT_THAT(making(options_for({{three}}, {.held_out = 2})),
              ThrowsMessage<InvalidInput>(where + "a batch of one pair without hard negatives has no negatives"));
  EXPECT_THAT(making(options_for({{three}}, {.batch = 1})),
              ThrowsMessage<InvalidInput>(HasSubstr("a batch of one pair")));
  EXPECT_NO_THROW(making(options_for({{three, Objective::captions}}, {.batch = 1, .held_out = 2}))());
  EXPECT_THAT(making(options_for({{three}}, {.held_out = 1})),
              ThrowsMessage<InvalidInput>(where + "option held_out 1 holds out one pair, which has no negatives"));
  EXPECT_THAT(making(options_for({{three}}, {.batch = 4})),
              ThrowsMessage<InvalidInput>(where + "option batch 4 is more than the 3 training pairs"));
  const fs::path bad = write("bad.csv", "sent0,sent1\na,b\nbad row\nc,d\n");
  EXPECT_THAT(making(options_for({{bad}}, {.batch = 3})),
              ThrowsMessage<InvalidInput>(HasSubstr("option batch 3 is more than the 2 training pairs; 1 "
                                                    "bad row left out, 2 good: [" +
                                                    bad.string() + ":3]")));
}

TEST_F(TrainDataTest, RowsOfAGroupComeTogether) {
  std::string text = "sent0,sent1,group\n";
  for (int i = 0; i < 12; ++i) text += fmt::format("row {},x,{}\n", i, i % 6);
  const TrainData data(options_for({{write("grouped.csv", text)}}, {.batch = 4, .together = 2}));
  for (std::int64_t step = 0; step < 6; ++step) {
    std::multiset<int> groups;
    for (const int row : rows_of(data.batch(step, examples_).pairs.anchors)) groups.insert(row % 6);
    for (const int group : groups) EXPECT_EQ(groups.count(group), 2u) << step;
  }
}

TEST_F(TrainDataTest, TogetherNeedsGroups) {
  const fs::path three = numbered("three.csv", 3);
  EXPECT_THAT(making(options_for({{three}}, {.together = 2})),
              ThrowsMessage<InvalidInput>("[" + three.string() +
                                          "] no row has a group, which option together 2 brings "
                                          "together; expected a column or key \"group\""));
  EXPECT_THAT(making(options_for({{three, Objective::captions}}, {.together = 2})),
              ThrowsMessage<InvalidInput>("[train] option together needs pairs with the contrastive loss, found none"));
  const fs::path grouped = write("grouped.csv", "sent0,sent1,group\na,b,1\nc,d,1\n");
  EXPECT_THAT(making(options_for({{grouped}}, {.together = 3})),
              ThrowsMessage<InvalidInput>("[train] option together 3 is more than the 2 pairs of a batch"));
}

}  // namespace
}  // namespace e5v::train
