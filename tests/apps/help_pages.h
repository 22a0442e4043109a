#pragma once
#include <map>
#include <regex>
#include <set>

#include "apps/process.h"

/// What the program's help pages say, read as users read them.
namespace e5v::test {

/// A command's page.
struct HelpPage {
  std::string command;                         ///< "", "embed", "eval sts"
  std::map<std::string, std::string> options;  ///< "--threads" and what it takes: "N", "X", "FILE", ...; "" for a flag
  std::map<std::string, std::string>
      descriptions;                             ///< of the options, with "(required)" or "(default: ...)" at the end
  std::vector<std::string> required;            ///< options that must be given
  std::vector<std::string> entries;             ///< of the options, whole
  std::map<std::string, std::string> commands;  ///< below it, with their entries
  std::vector<std::string> paragraphs;          ///< all others, each example one of its own
};

inline std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

namespace detail {

/// What follows the option's name in its entry.
inline std::string description_of(const std::string& entry, std::ptrdiff_t name) {
  const std::size_t begin = entry.find_first_not_of(' ', static_cast<std::size_t>(name));
  return begin == std::string::npos ? "" : entry.substr(begin);
}

/// "  --threads N           threads to compute with", with the lines that belong to it.
inline void take_entry(HelpPage& page, const std::string& entry) {
  static const std::regex kOption(R"(^  (?:-h,)?(--[a-z0-9-]+)(?: ([A-Z=]+))?(?: |$))");
  std::smatch match;
  if (!std::regex_search(entry, match, kOption)) {
    page.commands[words_of(entry).front()] = entry;
    return;
  }
  page.options[match[1]] = match[2];
  page.entries.push_back(entry);
  page.descriptions[match[1]] = description_of(entry, match[0].length());
  if (page.descriptions[match[1]].ends_with("(required)")) page.required.push_back(match[1]);
}

}  // namespace detail

inline HelpPage parse_help(const std::string& command, const std::string& text) {
  HelpPage page{command, {}, {}, {}, {}, {}, {}};
  bool entries = false;  // of options or commands
  std::string block;     // an entry, an example or a paragraph
  const auto end_block = [&] {
    if (!block.empty() && entries) detail::take_entry(page, block);
    if (!block.empty() && !entries) page.paragraphs.push_back(block);
    block.clear();
  };
  for (const std::string& line : lines_of(text)) {
    const bool heading = line == "Options:" || line == "Subcommands:";
    const bool begins = line.empty() || heading || (line.starts_with("  ") && !line.starts_with("   "));
    if (begins) end_block();
    if (line.empty()) entries = false;
    if (heading) entries = true;
    if (line.empty() || heading) continue;
    const std::size_t text_begins = block.empty() ? 0 : line.find_first_not_of(' ');
    block += (block.empty() ? "" : " ") + line.substr(text_begins);
  }
  end_block();
  return page;
}

inline std::vector<std::string> with_words(const std::string& command, std::vector<std::string> rest) {
  std::vector<std::string> all = words_of(command);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

/// The page of a command and of all below it.
inline void collect_help(const std::string& command, std::vector<HelpPage>& pages) {
  const Outcome outcome = run(with_words(command, {"--help"}));
  EXPECT_EQ(outcome.code, 0) << command;
  pages.push_back(parse_help(command, outcome.out));
  const auto below = pages.back().commands;  // not a reference: pages grows
  for (const auto& [name, entry] : below) collect_help(command.empty() ? name : command + " " + name, pages);
}

inline const std::vector<HelpPage>& help_pages() {
  static const std::vector<HelpPage> pages = [] {
    std::vector<HelpPage> result;
    collect_help("", result);
    return result;
  }();
  return pages;
}

}  // namespace e5v::test
