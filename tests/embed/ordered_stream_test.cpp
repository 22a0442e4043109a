#include "embed/ordered_stream.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::embed {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

/// A stream over texts of so many tokens each; a text of none is bad.
class OrderedStream : public testing::Test {
 protected:
  void run(std::vector<int> tokens) {
    stream.next = [tokens = std::move(tokens), next = std::size_t{0}]() mutable -> std::optional<Input> {
      if (next == tokens.size()) return std::nullopt;
      return Input::from_text(std::string(static_cast<std::size_t>(tokens[next++]), 'x'));
    };
    stream.done = [this](std::int64_t index, const Embedding& embedding) {
      events.push_back(std::to_string(index) + (embedding.vector.empty() ? " left" : ""));
    };
    stream.batch_end = [this] { events.emplace_back("end"); };
    const auto prepare = [](const Input& input) {
      require(!input.text->empty(), "[input] is empty");
      PreparedInput prepared;
      prepared.symbols.resize(input.text->size());
      return prepared;
    };
    const auto compute = [this](std::span<const PreparedInput> inputs) {
      BatchVectors vectors;
      for (const PreparedInput& input : inputs) {
        const bool fails = static_cast<int>(input.symbols.size()) == broken;
        vectors.add(fails ? std::vector<float>() : std::vector{1.0f}, fails ? "the result is not finite" : "");
      }
      return vectors;
    };
    run_stream(stream, hooks, {prepare, compute, 10});
  }

  Stream stream;
  StreamHooks hooks;
  std::vector<std::string> events;
  int broken = -1;  // tokens of a text that the model gives no vector
};

TEST_F(OrderedStream, BatchesAreFilledInOrder) {
  run({4, 6, 1, 12, 3});
  EXPECT_THAT(events, ElementsAre("0", "1", "end", "2", "end", "3", "end", "4", "end"));
}

TEST_F(OrderedStream, BadInputsAreReportedInTheirPlace) {
  stream.bad = [this](std::int64_t index, const InvalidInput& error) {
    events.push_back("bad " + std::to_string(index) + error.what());
  };
  run({0, 4, 0, 4, 0});
  EXPECT_THAT(events,
              ElementsAre("bad 0[input] is empty", "1", "bad 2[input] is empty", "3", "bad 4[input] is empty", "end"));
}

TEST_F(OrderedStream, WithoutAHandlerABadInputEndsItAfterTheGoodOnes) {
  EXPECT_THAT([&] { run({4, 4, 0, 4}); }, ThrowsMessage<InvalidInput>("[input] is empty"));
  EXPECT_THAT(events, ElementsAre("0", "1"));
}

TEST_F(OrderedStream, AnotherProcessesBatchesHaveEmptyVectors) {
  hooks.computes = [number = 0]() mutable { return number++ % 2 == 0; };
  run({10, 10, 10});
  EXPECT_THAT(events, ElementsAre("0", "end", "1 left", "end", "2", "end"));
}

TEST_F(OrderedStream, AVectorThatIsNoneEndsItByIndex) {
  broken = 3;
  EXPECT_THAT([&] { run({4, 3, 2}); }, ThrowsMessage<ModelError>("[input 1] the result is not finite"));
  EXPECT_THAT(events, ElementsAre("0"));
}

}  // namespace
}  // namespace e5v::embed
