#include "command_line.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "e5v/version.h"
#include "help.h"
#include "options.h"

namespace e5v::app {
namespace {

/// The words in reverse order, which the parser takes. "--name=" (perhaps from an unset shell variable) becomes
/// "--name" and an empty value. Otherwise the parser would take the next word as the value.
std::vector<std::string> arguments_of(const std::vector<std::string>& words) {
  std::vector<std::string> arguments;
  for (std::string word : words) {
    const bool is_text = !arguments.empty() && arguments.back() == "--text";
    const bool is_empty = word.starts_with("--") && word.find('=') == word.size() - 1;
    if (is_empty && !is_text) {
      word.pop_back();
      arguments.push_back(word);
      word.clear();
    }
    arguments.push_back(std::move(word));
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

}  // namespace

CommandLine::CommandLine()
    : app_(
          "e5v maps texts, images, and images modified by a text (composed queries) to vectors in one shared "
          "space",
          "e5v") {
  app_.formatter(std::make_shared<HelpFormatter>());
  app_.set_version_flag("--version", std::string("e5v ") + E5V_VERSION, "print the version of this program");
  app_.get_help_ptr()->description("print this page");
  app_.require_subcommand(1);
  app_.footer("e5v COMMAND --help lists the options of a command.");
  for (const auto& add :
       {add_embed, add_similarity, add_info, add_tokenize, add_doctor, add_eval, add_train, add_merge, add_quantize,
        add_synth, add_serve, add_index, add_search, add_duplicates, add_copy, add_browse}) {
    Run run = add(app_);
    const std::vector<CLI::App*> all = app_.get_subcommands([](const CLI::App*) { return true; });
    commands_.push_back({all.back(), std::move(run)});
  }
  refuse_empty_values(app_);
  for (const Command& command : commands_) command.app->get_help_ptr()->description("print this page");
}

void CommandLine::parse(const std::vector<std::string>& words) { app_.parse(arguments_of(words)); }

const CommandLine::Command& CommandLine::parsed() const {
  return *std::ranges::find_if(commands_, [](const Command& command) { return command.app->parsed(); });
}

}  // namespace e5v::app
