#include "embed/forest.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

namespace e5v::embed {
namespace {

using testing::ElementsAre;

Sequence text(std::initializer_list<std::int32_t> ids) {
  Sequence sequence;
  for (const std::int32_t id : ids) sequence.push_back({-1, id});
  return sequence;
}

/// What the last row of a sequence sees, by following its span in the pooled plan.
Sequence seen_by(const Forest& forest, std::size_t sequence) {
  const auto index = forest.pooled_index_S[sequence];
  for (const auto& span : forest.rows.pooled_plan.spans) {
    if (span.queries.begin != index) continue;
    Sequence seen;
    for (const std::int32_t node : span.path) {
      const ops::RowRange range = forest.rows.pooled_plan.nodes[static_cast<std::size_t>(node)];
      for (std::int64_t row = range.begin; row < range.begin + range.count; ++row) {
        EXPECT_EQ(forest.rows.positions_T[static_cast<std::size_t>(row)], static_cast<std::int32_t>(seen.size()));
        seen.push_back(forest.symbols_T[static_cast<std::size_t>(row)]);
      }
    }
    return seen;
  }
  ADD_FAILURE() << "sequence " << sequence << " has no span";
  return {};
}

TEST(Forest, SharedPrefixesAreRowsOnce) {
  const std::vector<Sequence> sequences{text({1, 2, 3, 4}), text({1, 2, 5}), text({1, 2, 3, 9, 9})};
  const Forest forest = build_forest(sequences);
  EXPECT_EQ(forest.symbols_T.size(), 7u);  // 1 2 | 3 | 4, 9 9 | 5
  EXPECT_EQ(forest.rows.plan.nodes.size(), 5u);
  EXPECT_EQ(forest.rows.pooled_P.size(), 3u);
  for (std::size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(seen_by(forest, i), sequences[i]);
}

TEST(Forest, WithoutSharingItIsAListOfSequences) {
  const std::vector<Sequence> sequences{text({1, 2}), text({3}), text({2, 2})};
  const Forest forest = build_forest(sequences);
  EXPECT_EQ(forest.rows.plan.nodes.size(), 3u);
  for (const auto& span : forest.rows.plan.spans) EXPECT_EQ(span.path.size(), 1u);
  for (std::size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(seen_by(forest, i), sequences[i]);
}

TEST(Forest, IdenticalSequencesShareEverything) {
  const Forest forest = build_forest(std::vector<Sequence>{text({7, 8}), text({7, 8}), text({7, 8})});
  EXPECT_EQ(forest.symbols_T.size(), 2u);
  EXPECT_THAT(forest.rows.pooled_P, ElementsAre(1));
  EXPECT_THAT(forest.pooled_index_S, ElementsAre(0, 0, 0));
}

TEST(Forest, APrefixOfAnotherSequenceIsPooledInTheMiddle) {
  const std::vector<Sequence> sequences{text({1, 2, 3}), text({1, 2}), text({1})};
  const Forest forest = build_forest(sequences);
  EXPECT_EQ(forest.symbols_T.size(), 3u);
  for (std::size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(seen_by(forest, i), sequences[i]);
  EXPECT_EQ(forest.rows.pooled_positions_P[static_cast<std::size_t>(forest.pooled_index_S[1])], 1);
}

TEST(Forest, ImagesShareByIndexAndPosition) {
  const std::vector<Sequence> sequences{
      {{-1, 5}, {0, 0}, {0, 1}, {-1, 6}}, {{-1, 5}, {0, 0}, {0, 1}, {-1, 7}}, {{-1, 5}, {1, 0}, {1, 1}, {-1, 6}}};
  const Forest forest = build_forest(sequences);
  EXPECT_EQ(forest.symbols_T.size(), 1u + 2 + 2 + 3);
  for (std::size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(seen_by(forest, i), sequences[i]);
}

TEST(Forest, PositionsAreThoseOfTheSymbols) {
  const std::vector<Sequence> sequences{{{-1, 5, 3}, {-1, 5, 7}}, {{-1, 5, 3}, {-1, 5, 8}}};
  const Forest forest = build_forest(sequences);
  EXPECT_THAT(forest.rows.positions_T, ElementsAre(3, 7, 8));
  EXPECT_THAT(forest.rows.pooled_positions_P, ElementsAre(7, 8));
}

TEST(Forest, RandomBatchesHoldEverySequenceOnce) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Sequence> sequences(1 + random() % 12);
    for (Sequence& sequence : sequences) {
      sequence.resize(1 + random() % 8);
      for (Symbol& symbol : sequence) symbol = {-1, static_cast<std::int32_t>(random() % 3)};
    }
    const Forest forest = build_forest(sequences);
    std::map<Sequence, int> prefixes;  // one row for every different prefix
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      ASSERT_EQ(seen_by(forest, i), sequences[i]);
      for (auto end = sequences[i].begin(); end != sequences[i].end(); ++end) {
        prefixes[Sequence(sequences[i].begin(), end + 1)] = 1;
      }
    }
    ASSERT_EQ(forest.symbols_T.size(), prefixes.size());
  }
}

TEST(Forest, EmptySequencesAreRefused) {
  EXPECT_THROW(build_forest(std::vector<Sequence>{text({1}), {}}), InvalidInput);
  EXPECT_TRUE(build_forest({}).symbols_T.empty());
}

}  // namespace
}  // namespace e5v::embed
