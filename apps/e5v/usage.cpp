#include "usage.h"

#include <fmt/format.h>

#include <algorithm>

#include "spelling.h"

namespace e5v::app {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

/// Adds all subcommands of a command, and theirs.
void add_commands(const CLI::App& app, std::vector<Spelling>& candidates) {
  for (const CLI::App* command : commands_of(app)) candidates.push_back({command->get_name(), call_of(*command)});
  for (const CLI::App* command : commands_of(app)) add_commands(*command, candidates);
}

/// A command that has the option; null when there is none.
const CLI::App* owner_of(const std::string& option, const CLI::App& app) {
  for (const CLI::App* command : commands_of(app)) {
    if (command->get_option_no_throw(option) != nullptr) return command;
    if (const CLI::App* inner = owner_of(option, *command)) return inner;
  }
  return nullptr;
}

std::string unknown_option(const CLI::App& command, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  if (const CLI::App* owner = owner_of(name, command))
    return fmt::format("{} comes after a command, as in {} {}", name, call_of(*owner), name);
  std::vector<Spelling> candidates;
  for (const CLI::Option* option : command.get_options())
    candidates.push_back({option->get_single_name(), "--" + option->get_single_name()});
  const std::size_t dashes = std::min(name.find_first_not_of('-'), name.size());
  return fmt::format("{} is unknown{}", name, did_you_mean(std::string_view(name).substr(dashes), candidates));
}

/// The option before an unknown word. The word cannot be its value: either the option has a value already, or the
/// option was itself taken as the value of the option before it.
struct Before {
  const CLI::Option* option = nullptr;
  const CLI::Option* swallowed_by = nullptr;
};

Before what_stands_before(const CLI::App& command, const std::string& word, const std::vector<std::string>& words) {
  const auto option_at = [&](std::size_t i) {
    return is_option(words[i]) ? command.get_option_no_throw(words[i].substr(0, words[i].find('='))) : nullptr;
  };
  const auto place = static_cast<std::size_t>(std::ranges::find(words, word) - words.begin());
  if (place == words.size()) return {};
  for (std::size_t i = place; i-- > 0;) {
    const CLI::Option* option = option_at(i);
    if (option == nullptr) continue;
    const bool taken =
        i + 1 == place && i > 0 && option->get_items_expected_max() > 0 && words[i] == option->get_name();
    return {option, taken ? option_at(i - 1) : nullptr};
  }
  return {};
}

/// The message about a word after an option that cannot take it: "--image takes one FILE, but b.jpg follows".
std::string surplus_word(const Before& before, const std::string& word) {
  const std::string name = before.option->get_name();
  const std::string& kind = before.option->get_option_text();
  if (before.swallowed_by != nullptr)
    return fmt::format("{} needs a {}, found {}", before.swallowed_by->get_name(),
                       before.swallowed_by->get_option_text(), name);
  if (before.option->get_trigger_on_parse())  // an option that may be given several times
    return fmt::format("{} takes one {}, but {} follows: repeat it, as in {} {} {} {}, or put quotes around blanks",
                       name, kind, word, name, kind, name, kind);
  return fmt::format("{} takes one {}, but {} follows; a value with blanks needs quotes", name, kind, word);
}

std::string unknown_word(const CLI::App& command, const std::string& word, const std::vector<std::string>& words) {
  const Before before = what_stands_before(command, word, words);
  if (before.option != nullptr && before.option->get_items_expected_max() > 0) return surplus_word(before, word);
  std::vector<Spelling> candidates;
  add_commands(command, candidates);
  for (const CLI::Option* option : command.get_options())
    candidates.push_back({option->get_single_name(), "--" + option->get_single_name()});
  const std::string meant = did_you_mean(word, candidates);
  if (!meant.empty() || !commands_of(command).empty()) return fmt::format("{} is unknown{}", word, meant);
  const std::vector<const CLI::Option*> options = command.get_options();
  const auto takes = std::ranges::find_if(options, [](const CLI::Option* o) { return o->get_required(); });
  if (before.option != nullptr || takes == options.end())
    return fmt::format("{} is unknown{}", word,
                       before.option == nullptr ? "" : fmt::format("; {} takes no value", before.option->get_name()));
  return fmt::format("{} is unknown; values follow options, as in {} {}", word, (*takes)->get_name(),
                     (*takes)->get_option_text());
}

/// The command that did not accept a word.
const CLI::App& left_over_by(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> own = app.remaining();
  if (std::ranges::find(own, word) != own.end()) return app;
  for (const CLI::App* command : commands_of(app)) {
    const std::vector<std::string> all = command->remaining(true);
    if (std::ranges::find(all, word) != all.end()) return left_over_by(*command, word);
  }
  return app;
}

}  // namespace

const CLI::App& asked_for(const CLI::App& app) {
  for (const CLI::App* command : commands_of(app))
    if (command->parsed()) return asked_for(*command);
  return app;
}

std::string call_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent == nullptr ? "" : call_of(*parent) + " ") + command.get_name();
}

bool lacks_command(const CLI::App& app) { return !commands_of(asked_for(app)).empty() && !has_unknown_words(app); }

bool has_unknown_words(const CLI::App& app) { return app.remaining_size(true) > 0; }

std::string complaint(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  if (has_unknown_words(app)) {
    const std::string word = app.remaining(true).front();
    const CLI::App& command = left_over_by(app, word);
    return is_option(word) ? unknown_option(command, word) : unknown_word(command, word, words);
  }
  const std::string message = error.what();
  if (message.starts_with(": ")) return "an argument " + message.substr(2);  // one without a name
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) return message;
  const CLI::App& command = asked_for(app);
  const CLI::Option* last = command.get_option_no_throw(words.back());
  if (last != nullptr && last->get_items_expected_max() > 0)
    return fmt::format("{} needs a {}, found nothing", last->get_name(), last->get_option_text());
  for (const CLI::Option* option : command.get_options()) {
    const std::size_t times = option->count();
    if (times > 1 && option->get_items_expected_max() == 1)
      return fmt::format("{} is given {} times, expected once", option->get_name(), times);
  }
  return message;
}

}  // namespace e5v::app
