// Help pages: every option is described by a sentence with a subject, and defaults are those of the program.
#include <fmt/ranges.h>

#include "apps/help_pages.h"
#include "e5v/embedder.h"
#include "train/train_options.h"

namespace e5v::test {
namespace {

using testing::HasSubstr;

const HelpPage& page_of(const std::string& command) {
  for (const HelpPage& page : help_pages())
    if (page.command == command) return page;
  ADD_FAILURE() << command;
  return help_pages().front();
}

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

/// The default that a description ends with, or nothing.
std::optional<std::string> default_in(const std::string& description) {
  static const std::regex kDefault(R"(\(default: (.*)\)$)");
  std::smatch match;
  return std::regex_search(description, match, kDefault) ? std::optional(match[1].str()) : std::nullopt;
}

/// A flag is described by what it does, an option with a value by what the value is.
bool has_subject(const std::string& takes, const std::string& description) {
  static const std::set<std::string> kArticles{"the", "a", "an"};
  static const std::set<std::string> kVerbs{"compute", "remove", "try",    "allow", "average", "continue",   "cut",
                                            "do",      "draw",   "ignore", "leave", "open",    "preprocess", "print",
                                            "replace", "report", "round",  "store", "train",   "write"};
  return (takes.empty() ? kVerbs : kArticles).contains(first_word(description));
}

TEST(Help, EveryOptionHasADescriptionWithASubject) {
  for (const HelpPage& page : help_pages())
    for (const auto& [option, takes] : page.options) {
      SCOPED_TRACE("e5v " + page.command + " " + option);
      const std::string description = page.descriptions.at(option);
      EXPECT_GE(words_of(description).size(), 2u) << description;
      EXPECT_TRUE(has_subject(takes, description)) << description;
      EXPECT_FALSE(description.ends_with('.')) << description;
    }
  EXPECT_FALSE(has_subject("N", "of the adapters")) << "the test finds what it looks for";
  EXPECT_FALSE(has_subject("", "without special tokens"));
}

TEST(Help, EveryNumberHasItsDefault) {
  std::size_t numbers = 0;
  for (const HelpPage& page : help_pages())
    for (const auto& [option, takes] : page.options) {
      if (takes != "N" && takes != "X") continue;
      ++numbers;
      EXPECT_TRUE(default_in(page.descriptions.at(option))) << "e5v " + page.command + " " + option;
    }
  EXPECT_GE(numbers, 40u);
}

TEST(Help, DefaultsAreThoseOfTheLibrary) {
  const train::TrainOptions training;
  const LoadOptions load;
  const PrepareOptions prepare;
  const auto expect = [](const char* command, const char* option, const auto& value) {
    const auto found = default_in(page_of(command).descriptions.at(option));
    EXPECT_EQ(found.value_or("none"), fmt::format("{}", value)) << command << " " << option;
  };
  expect("train", "--micro-batch", training.micro_batch);
  expect("train", "--temperature", training.loss.temperature);
  expect("train", "--lr", training.learning_rate);
  expect("train", "--beta2", training.optimizer.beta2);
  expect("train", "--alpha", training.trainee.lora.alpha);
  expect("train", "--seed", training.data.seed);
  expect("train", "--max-tokens", training.examples.max_tokens);
  expect("train", "--targets", fmt::format("{}", fmt::join(training.trainee.lora.targets, ",")));
  expect("train", "--batch",
         fmt::format("{}, or all pairs of the largest file if it has fewer", train::TrainData::kDefaultBatch));
  for (const char* command : {"embed", "info", "similarity", "eval sts", "eval all"}) {
    expect(command, "--max-pixels", prepare.max_pixels);
    expect(command, "--device", load.device);
    expect(command, "--dtype", "auto");
  }
}

TEST(Help, EvaluationsTakeTheInputOptionsOfEmbed) {
  for (const HelpPage& page : help_pages()) {
    if (!page.command.starts_with("eval ")) continue;
    for (const char* option : {"--paper-compat", "--alpha", "--max-tiles", "--max-pixels", "--no-exif", "--truncate",
                               "--token-budget", "--adapter", "--dtype", "--device", "--threads"}) {
      SCOPED_TRACE(page.command + " " + option);
      ASSERT_TRUE(page.options.contains(option));
      EXPECT_EQ(page.descriptions.at(option), page_of("embed").descriptions.at(option));
    }
  }
}

}  // namespace
}  // namespace e5v::test
