// The command line as a whole: help that is true, mistakes that are named, numbers that are bounded.
#include "usage.h"

#include "apps/help_pages.h"
#include "command_line.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

/// True when a command has an option; TASK stands for any task of e5v eval.
bool has_option(const std::string& command, const std::string& option) {
  return std::ranges::any_of(help_pages(), [&](const HelpPage& page) {
    const bool named = command == "eval TASK" ? page.command.starts_with("eval ") : page.command == command;
    return named && page.options.contains(option);
  });
}

/// The command that words name behind "e5v", as far as there is one; the page's own when they name none.
std::string named_command(const std::vector<std::string>& words, std::size_t behind, const std::string& own) {
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  const std::string first = word(behind), both = first + " " + word(behind + 1);
  if (both == "eval TASK") return both;
  for (const std::string& name : {both, first})
    if (std::ranges::any_of(help_pages(), [&](const HelpPage& page) { return page.command == name; })) return name;
  return own;
}

/// Options that a text names although the command that it speaks of has none of that name: the page's own, or the last
/// one that the sentence calls as "e5v COMMAND". What mpirun is given is mpirun's.
std::vector<std::string> false_options(const std::string& text, const std::string& own) {
  static const std::regex kOption(R"(^[('"]*(--[a-z][a-z0-9-]*))");
  std::vector<std::string> wrong;
  std::string command = own;
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string bare = words[i].substr(std::min(words[i].find_first_not_of("('\""), words[i].size()));
    if (bare == "e5v") command = named_command(words, i + 1, own);
    if (bare == "mpirun") command = bare;
    std::smatch match;
    if (std::regex_search(words[i], match, kOption) && command != "mpirun" && !has_option(command, match[1]))
      wrong.push_back(fmt::format("{} of {}", match[1].str(), command));
    if (words[i].ends_with('.') || words[i].ends_with(';')) command = own;
  }
  return wrong;
}

TEST(Help, NamesOnlyOptionsThatTheCommandHas) {
  ASSERT_GE(help_pages().size(), 19u);
  for (const HelpPage& page : help_pages()) {
    SCOPED_TRACE("e5v " + page.command);
    EXPECT_TRUE(page.options.contains("--help"));
    for (const std::vector<std::string>* texts : {&page.paragraphs, &page.entries})
      for (const std::string& text : *texts) EXPECT_THAT(false_options(text, page.command), testing::IsEmpty()) << text;
    for (const auto& [name, entry] : page.commands)
      EXPECT_THAT(false_options(entry, page.command.empty() ? name : page.command + " " + name), testing::IsEmpty())
          << entry;
  }
  EXPECT_THAT(false_options("(--fly high) and e5v embed --text or --images", "doctor"),
              testing::ElementsAre("--fly of doctor", "--images of embed"))
      << "the test finds what it looks for";
}

TEST(Help, LastLinesSayHowItGoesOn) {
  EXPECT_THAT(run({"--help"}).out, HasSubstr("\ne5v COMMAND --help lists the options of a command.\n"));
  EXPECT_THAT(run({"eval", "--help"}).out, HasSubstr("\ne5v eval TASK --help lists the options of a task.\n"));
}

TEST(Usage, WithoutACommandTheCommandsAreListed) {
  for (const std::string command : {"", "eval"}) {
    const Outcome outcome = run(words_of(command));
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, testing::StartsWith("e5v: expected a command\n"));
    EXPECT_THAT(outcome.err, testing::EndsWith(run(with_words(command, {"--help"})).out));
  }
}

TEST(Usage, WordsThatAreUnknownAreNamedWithWhatWasMeant) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"nonsense"}, "e5v: nonsense is unknown (see e5v --help)"},
      {{"nonsense", "--help"}, "e5v: nonsense is unknown (see e5v --help)"},
      {{"--help", "nonsense"}, "nonsense is unknown"},
      {{"nonsense", "--version"}, "nonsense is unknown"},
      {{"eval", "nonsense", "--help"}, "nonsense is unknown (see e5v eval --help)"},
      {{"embed", "nonsense", "--help"},
       "nonsense is unknown; values follow options, as in --model DIR (see e5v embed --help)"},
      {{"eval", "sts", "nonsense", "--help"},
       "nonsense is unknown; values follow options, as in --data DIR (see e5v eval sts"},
      {{"simlarity"}, "simlarity is unknown, did you mean e5v similarity? (see e5v --help)"},
      {{"emebd", "--text", "a"}, "emebd is unknown, did you mean e5v embed?"},
      {{"eval", "retrieve"}, "retrieve is unknown, did you mean e5v eval retrieval?"},
      {{"sts"}, "sts is unknown, did you mean e5v eval sts?"},
      {{"embed", "--modle", "x"}, "--modle is unknown, did you mean --model? (see e5v embed --help)"},
      {{"embed", "--modle=x", "--text", "a"}, "--modle is unknown, did you mean --model?"},
      {{"embed", "--max_tiles", "1"}, "--max_tiles is unknown, did you mean --max-tiles?"},
      {{"embed", "-model", "x"}, "-model is unknown, did you mean --model?"},
      {{"embed", "--tok", "5"}, "--tok is unknown, did you mean --token-budget?"},
      {{"help"}, "help is unknown, did you mean --help? (see e5v --help)"},
      {{"embed", "model", "x"}, "model is unknown, did you mean --model?"},
      {{"embed", "photo.jpg"}, "photo.jpg is unknown; values follow options, as in --model DIR"},
      {{"embed", "--model", "--text", "a"}, "--model needs a DIR, found --text"},
      {{"embed", "--text", "a", "--model"}, "--model needs a DIR, found nothing (see e5v embed --help)"},
      {{"embed", "--fly"}, "--fly is unknown (see"},
      {{"embed", "--fly", "--help"}, "--fly is unknown (see"},
      {{"eval", "sts", "--dta", "X"}, "--dta is unknown, did you mean --data? (see e5v eval sts --help)"},
      {{"eval", "--data", "X"}, "--data comes after a command, as in e5v eval sts --data"},
      {{"--model", "x", "embed"}, "--model comes after a command, as in e5v embed --model"},
      {{"embed", "--image", "a.jpg", "b.jpg"},
       "--image takes one FILE, but b.jpg follows: repeat it, as in --image FILE --image FILE, or put quotes around"},
      {{"embed", "--image=a.jpg", "b.jpg"}, "--image takes one FILE, but b.jpg follows"},
      {{"tokenize", "--text", "a", "cat"}, "--text takes one TEXT, but cat follows: repeat it"},
      {{"embed", "--model", "my", "model"},
       "--model takes one DIR, but model follows; a value with blanks needs quotes"},
      {{"embed", "--truncate", "yes"}, "yes is unknown; --truncate takes no value"},
  };
  for (const auto& [arguments, part] : cases) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    expect_failure(run(arguments), 2, part);
  }
}

/// What is wrong with a command line, as its parser in this process says; nothing if the command would be run.
std::optional<std::string> problem_of(app::CommandLine& line, const std::vector<std::string>& words) try {
  line.parse(words);
  return std::nullopt;
} catch (const CLI::ParseError& error) {
  return app::complaint(line.app(), error, words);
}

/// Every option of every command that takes a number, at its extremes. Most of these hundreds of command lines are
/// refused, which needs no process. Those that are taken are run. The model does not exist, so nothing begins.
TEST(Usage, NumbersAtTheirExtremesAreRefusedOrTaken) {
  const std::vector<std::string> never{"", "nan", "inf", "1e999", "-1", "99999999999999999999"};
  const std::vector<std::string> perhaps{"0", "1e308", "9223372036854775807"};
  std::set<std::string> seen;
  int taken = 0;
  app::CommandLine line;
  for (const HelpPage& page : help_pages()) {
    for (const auto& [option, takes] : page.options) {
      if (takes != "N" && takes != "X") continue;
      const auto words_with = [&](const std::string& value) {
        std::vector<std::string> arguments{option + "=" + value};
        for (const auto& [name, kind] : page.options)
          if (name == "--model" || name == "--pairs" || (name == "--image" && page.command == "search") ||
              std::ranges::count(page.required, name) > 0)
            arguments.push_back(name + "=/nowhere/nothing");
        return with_words(page.command, arguments);
      };
      for (const std::string& value : never) {
        SCOPED_TRACE(page.command + " " + option + "=" + value);
        const std::string problem = problem_of(line, words_with(value)).value_or("it is taken");
        EXPECT_THAT(problem, AllOf(HasSubstr(option), testing::Not(HasSubstr("\n"))));
      }
      for (const std::string& value : perhaps) {
        SCOPED_TRACE(page.command + " " + option + "=" + value);
        if (const auto problem = problem_of(line, words_with(value))) {
          EXPECT_THAT(*problem, AllOf(HasSubstr(option), testing::Not(HasSubstr("\n"))));
          continue;
        }
        ++taken;
        const Outcome outcome = run(words_with(value));
        EXPECT_EQ(outcome.signal, 0);
        EXPECT_THAT(outcome.code, testing::AnyOf(1, 2));
        EXPECT_EQ(lines_of(outcome.err).size(), 1) << outcome.err;
      }
      if (seen.insert(option).second) expect_failure(run(words_with("nan")), 2, option);
    }
  }
  EXPECT_GT(taken, 10);
  EXPECT_THAT(seen, testing::IsSupersetOf({"--threads", "--max-tiles", "--token-budget", "--batch", "--rank", "--lr",
                                           "--group", "--layers", "--folds", "--max-captions", "--seed"}));
}

}  // namespace
}  // namespace e5v::test
