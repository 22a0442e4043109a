#include "runs/vector_run.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/interrupted.h"
#include "golden.h"

namespace e5v::runs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Keeps what it is given.
struct Kept : VectorSink {
  std::vector<Json> ids;
  std::vector<std::vector<float>> vectors;
  std::vector<RunPosition> commits;
  bool finished = false;

  void add(const Json& id, std::span<const float> vector) override {
    ids.push_back(id);
    vectors.emplace_back(vector.begin(), vector.end());
  }
  void commit(const RunPosition& position) override { commits.push_back(position); }
  void finish() override { finished = true; }
};

ItemList items(const std::vector<std::string>& texts) {
  std::vector<ItemList::Entry> entries;
  for (const std::string& text : texts)
    entries.push_back({{std::nullopt, text == "bad" ? Input::from_image("no such image") : Input::from_text(text)},
                       "item " + std::to_string(entries.size() + 1)});
  return ItemList(std::move(entries));
}

class VectorRunTest : public testing::Test {
 protected:
  /// Runs the texts to a sink, after those that were done before.
  RunPosition run(const std::vector<std::string>& texts, Kept& sink, RunHooks hooks = {},
                  const RunPosition& start = {}) {
    ItemList source = items(texts);
    VectorRun vector_run(group_, model_, source, &sink, std::move(hooks));
    if (start.items > 0) vector_run.skip_to(start);
    vector_run.run();
    return vector_run.position();
  }

  processes::Group group_;
  Embedder embedder_ = Embedder::load(test::golden("ckpt/tiny-small-f32"));
  RunModel model_{&embedder_, {}, {}};
};

TEST_F(VectorRunTest, ItemsAreCalledByTheirPlacesUnlessTheyHaveIds) {
  std::vector<ItemList::Entry> entries{{{std::nullopt, Input::from_text("a")}, "1"},
                                       {{Json("b's id"), Input::from_text("b")}, "2"},
                                       {{std::nullopt, Input::from_text("c")}, "3"}};
  ItemList source(entries);
  Kept sink;
  VectorRun(group_, model_, source, &sink, {}).run();
  EXPECT_THAT(sink.ids, ElementsAre(0, "b's id", 2));
  EXPECT_EQ(sink.vectors[0].size(), static_cast<std::size_t>(embedder_.width()));
  EXPECT_NE(sink.vectors[0], sink.vectors[1]);
  EXPECT_TRUE(sink.finished);
  EXPECT_EQ(sink.commits.back().items, 3);
  EXPECT_EQ(sink.commits.back().source, source.digest());
}

TEST_F(VectorRunTest, GoesOnToTheSameVectors) {
  const std::vector<std::string> texts{"a", "b", "c", "d"};
  Kept whole, first, second;
  run(texts, whole);
  const RunPosition position = run({"a", "b"}, first);
  EXPECT_EQ(position.items, 2);
  EXPECT_EQ(run(texts, second, {}, position).items, 4);
  EXPECT_THAT(second.ids, ElementsAre(2, 3));
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(second.vectors[i], whole.vectors[2 + i]);
}

TEST_F(VectorRunTest, OtherItemsAreNotGoneOnWith) {
  Kept sink;
  const RunPosition position = run({"a", "b"}, sink);
  EXPECT_THAT(
      [&] {
        run({"a", "x", "c"}, sink, {}, position);
      },
      ThrowsMessage<InvalidInput>("[item 2] cannot be resumed: the first 2 items of the input, up to here, are not "
                                  "what they were; option force starts over"));
  EXPECT_THAT([&] { run({"a"}, sink, {}, position); },
              ThrowsMessage<InvalidInput>(HasSubstr("the input has 1 items, 2 were done before")));
}

TEST_F(VectorRunTest, ABadItemEndsTheRunOrIsLeftOut) {
  Kept sink;
  EXPECT_THAT([&] { run({"a", "bad", "c"}, sink); }, ThrowsMessage<InvalidInput>(HasSubstr("[item 2] ")));
  EXPECT_FALSE(sink.finished);
  Kept rest;
  std::vector<std::string> messages;
  RunHooks hooks;
  hooks.bad = [&](const std::string& message) { messages.push_back(message); };
  const RunPosition end = run({"a", "bad", "c"}, rest, hooks);
  EXPECT_THAT(messages, ElementsAre(testing::AllOf(HasSubstr("[item 2] "), HasSubstr("no such image"))));
  EXPECT_THAT(rest.ids, ElementsAre(0, 2)) << "places count what was left out";
  EXPECT_EQ(end.items, 3);
  EXPECT_EQ(end.bad, 1);
}

TEST_F(VectorRunTest, AdvancesByAllItems) {
  std::int64_t items = 0;
  RunHooks hooks;
  hooks.advanced = [&](std::int64_t count) { items += count; };
  Kept sink;
  run({"a", "b", "c"}, sink, hooks);
  EXPECT_EQ(items, 3);
}

TEST_F(VectorRunTest, StopsWhenItIsAskedTo) {
  RunHooks hooks;
  hooks.check_stop = [] { throw Interrupted(); };
  Kept sink;
  EXPECT_THROW(run({"a"}, sink, hooks), Interrupted);
  EXPECT_FALSE(sink.finished);
}

TEST_F(VectorRunTest, NothingIsNoRun) {
  Kept sink;
  EXPECT_THAT([&] { run({}, sink); }, ThrowsMessage<InvalidInput>("[items] holds no items"));
  ItemReader source([](std::span<char>) { return std::size_t{0}; }, "empty.jsonl", "");
  EXPECT_THAT([&] { VectorRun(group_, model_, source, &sink, {}).run(); },
              ThrowsMessage<InvalidInput>("[empty.jsonl] holds no items"));
}

TEST(CountItems, CountsBadOnesToo) {
  std::string text = "{\"text\": \"a\"}\n\nbad\n{\"text\": \"b\"}\n";
  ItemReader source(
      [&](std::span<char> buffer) {
        const std::size_t count = text.copy(buffer.data(), buffer.size());
        text.erase(0, count);
        return count;
      },
      "list", "");
  EXPECT_EQ(count_items(source), 3);
}

}  // namespace
}  // namespace e5v::runs
