#include "help.h"

#include <unistd.h>

#include <algorithm>

#include "terminal.h"

namespace e5v::app {
namespace {

constexpr int kNameColumns = 24, kNarrow = 60, kWidest = 100;

}  // namespace

HelpFormatter::HelpFormatter() {
  const int columns = terminal_columns(STDOUT_FILENO);
  width_ = columns == 0 ? 80 : std::clamp(columns, 20, kWidest);
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  if (name.empty()) name = app->get_name();
  const bool has_commands = !app->get_subcommands([](const CLI::App*) { return true; }).empty();
  const std::string command = !has_commands ? "" : app->get_parent() == nullptr ? " COMMAND" : " TASK";
  std::string words;  // without a name, which are few and so explained by the description
  for (const CLI::Option* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); }))
    words += " " + option->get_option_text();
  return wrapped("Usage: " + name + command + words + " [options]", width_, 2) + "\n";
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrapped(app->get_description(), width_, 0) + "\n\n";
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const std::string footer = app->get_footer();
  return footer.empty() ? "" : wrapped(footer, width_, 0) + "\n";
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string name = make_option_name(option, is_positional);
  if (!option->get_option_text().empty()) name += " " + option->get_option_text();
  std::string description = option->get_description();
  if (option->get_required()) description += " (required)";
  if (!option->get_default_str().empty()) description += " (default: " + option->get_default_str() + ")";
  return entry(name, description);
}

std::string HelpFormatter::make_subcommand(const CLI::App* subcommand) const {
  const std::string& description = subcommand->get_description();
  return entry(subcommand->get_name(), description.substr(0, description.find('\n')));
}

/// Name and description side by side. The description is on the next line when there is no room.
std::string HelpFormatter::entry(const std::string& name, const std::string& description) const {
  const bool narrow = width_ < kNarrow;
  const int indent = narrow ? 6 : kNameColumns;
  const bool beside = !narrow && display_width(name) + 3 < kNameColumns;
  const std::string text = wrapped(description, width_, indent);
  if (beside) return "  " + fitted(name, kNameColumns - 2) + text + "\n";
  return "  " + name + "\n" + std::string(static_cast<std::size_t>(indent), ' ') + text + "\n";
}

}  // namespace e5v::app
