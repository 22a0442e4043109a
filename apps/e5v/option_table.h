#pragma once
#include <CLI/CLI.hpp>
#include <charconv>
#include <concepts>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

/// Options of the command line as tables: a row has the option's name, the field that it sets with the range of its
/// values, and its description. The help page prints each default from the field itself.
namespace e5v::app {

/// The field that an option sets.
struct OptionField {
  using Problem = std::function<std::string(const std::string&)>;  ///< the fault of a value; empty when it has none

  std::function<CLI::Option*(CLI::App&, const std::string& name, const std::string& description)> add;
  std::string takes;          ///< the kind of its value ("N", "X", "FILE", ...); empty for a flag
  std::string default_value;  ///< in the spelling of the command line; empty when the field holds no value
  Problem problem = nullptr;
  bool is_required = false;

  OptionField checked(Problem check) && { return problem = std::move(check), std::move(*this); }
  OptionField required(bool needed = true) && { return is_required = needed, std::move(*this); }
};

struct OptionRow {
  std::string name;
  OptionField field;
  /// For an option with a value: what the value is; it begins with "the" or "a". For a flag: what it does; it begins
  /// with a verb.
  std::string description;
  /// The behaviour without the option, when the field's default is no value of the option.
  std::string otherwise = "";
};

void add_table(CLI::App& command, std::initializer_list<OptionRow> rows);

/// A larger number of steps, rows or captions is a mistake. Sums of smaller ones do not overflow.
inline constexpr std::int64_t kMaxCounted = 1'000'000'000;

/// The message for a text that is no number in [minimum, maximum]; empty when it is such a number.
template <class T>
std::string problem_of_number(const std::string& text, const char* kind, T minimum, T maximum);

/// Integers in [minimum, maximum]. A field below the minimum has no value.
template <std::integral T>
OptionField whole(T& value, std::type_identity_t<T> minimum, std::type_identity_t<T> maximum = kMaxCounted);

/// Numbers in [minimum, maximum].
template <std::floating_point T>
OptionField real(T& value, std::type_identity_t<T> minimum, std::type_identity_t<T> maximum);

/// A random seed: any number of 64 bits.
OptionField seed(std::uint64_t& value);

OptionField flag(bool& value);

/// A flag that clears the value.
OptionField cleared(bool& value);
OptionField text(std::string& value, std::string takes);
OptionField path(std::filesystem::path& value, std::string takes);

/// One of several names, each with its value.
template <class T>
OptionField choice(T& value, std::vector<std::pair<std::string, T>> choices, std::string takes);
OptionField choice(std::string& value, const std::vector<std::string>& names, std::string takes);

/// Names separated by commas. With `allowed`, each must be one of these, at most once.
OptionField names(std::vector<std::string>& value, std::string takes, std::vector<std::string> allowed = {});

/// An option that may be given several times. `take` is called for each value in the order of the command line.
OptionField repeated(std::function<void(const std::string&)> take, std::string takes);

/// "expected white or drop, found black", with the nearest name; empty when the name is allowed.
std::string problem_of_choice(const std::string& given, const std::vector<std::string>& names);

}  // namespace e5v::app

#include "option_table_inline.h"
