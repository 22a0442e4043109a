#include "option_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "spelling.h"

namespace e5v::app {
namespace {

/// "int8, int4 or nf4" for a list of names.
std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return fmt::format("{}", fmt::join(names, ""));
  return fmt::format("{} or {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

}  // namespace

void add_table(CLI::App& command, std::initializer_list<OptionRow> rows) {
  for (const OptionRow& row : rows) {
    const OptionField& field = row.field;
    CLI::Option* option = field.add(command, row.name, row.description);
    option->option_text(field.takes)->required(field.is_required);
    if (!field.takes.empty()) option->default_str(field.default_value.empty() ? row.otherwise : field.default_value);
    if (field.problem) option->check(CLI::Validator(field.problem, field.takes));
  }
}

OptionField seed(std::uint64_t& value) {
  return whole(value, std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max());
}

OptionField flag(bool& value) {
  return {[&value](CLI::App& command, const std::string& name, const std::string& description) {
            return command.add_flag(name, value, description);
          },
          "", ""};
}

OptionField cleared(bool& value) {
  return {[&value](CLI::App& command, const std::string& name, const std::string& description) {
            return command.add_flag_callback(
                name, [&value] { value = false; }, description);
          },
          "", ""};
}

OptionField text(std::string& value, std::string takes) {
  return {[&value](CLI::App& command, const std::string& name, const std::string& description) {
            return command.add_option(name, value, description);
          },
          std::move(takes), value};
}

OptionField path(std::filesystem::path& value, std::string takes) {
  return {[&value](CLI::App& command, const std::string& name, const std::string& description) {
            return command.add_option(name, value, description);
          },
          std::move(takes), value.string()};
}

OptionField choice(std::string& value, const std::vector<std::string>& names, std::string takes) {
  return text(value, std::move(takes)).checked([names](const std::string& given) {
    return problem_of_choice(given, names);
  });
}

OptionField names(std::vector<std::string>& value, std::string takes, std::vector<std::string> allowed) {
  const bool any = allowed.empty();
  const auto add = [&value, any](CLI::App& command, const std::string& name, const std::string& description) {
    const auto set = [&value, name, any](const std::vector<std::string>& given) {
      for (auto at = given.begin(); at != given.end() && !any; ++at)
        if (std::find(given.begin(), at, *at) != at) throw CLI::ValidationError(name, *at + " is named twice");
      value = given;
    };
    return command.add_option_function<std::vector<std::string>>(name, set, description)->delimiter(',');
  };
  OptionField field{add, std::move(takes), fmt::format("{}", fmt::join(value, ","))};
  if (!any) field.problem = [allowed](const std::string& given) { return problem_of_choice(given, allowed); };
  return field;
}

OptionField repeated(std::function<void(const std::string&)> take, std::string takes) {
  return {[take](CLI::App& command, const std::string& name, const std::string& description) {
            return command.add_option_function<std::string>(name, take, description)->trigger_on_parse();
          },
          std::move(takes), ""};
}

std::string problem_of_choice(const std::string& given, const std::vector<std::string>& names) {
  if (std::ranges::find(names, given) != names.end()) return "";
  std::vector<Spelling> known;
  for (const std::string& name : names) known.push_back({name, name});
  return fmt::format("expected {}, found {}{}", listed(names), given, did_you_mean(given, known));
}

}  // namespace e5v::app
