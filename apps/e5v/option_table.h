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
  using Problem = std::function<std::string(const std::string&)>;  ///< what is wrong with a value; empty: nothing

  std::function<CLI::Option*(CLI::App&, const std::string& name, const std::string& description)> add;
  std::string takes;          ///< the kind of its value ("N", "X", "FILE", ...); empty: it is a flag
  std::string default_value;  ///< as the command line would spell it; empty: the field holds no value of the option
  Problem problem = nullptr;
  bool is_required = false;

  OptionField checked(Problem check) && { return problem = std::move(check), std::move(*this); }
  OptionField required(bool needed = true) && { return is_required = needed, std::move(*this); }
};

struct OptionRow {
  std::string name;
  OptionField field;
  /// For an option with a value: what the value is, beginning with "the" or "a". For a flag: what it does, beginning
  /// with a verb.
  std::string description;
  /// What holds without the option when the field's default is no value of it.
  std::string otherwise = "";
};

void add_table(CLI::App& command, std::initializer_list<OptionRow> rows);

/// More steps, rows or captions than this are a mistake, and sums of fewer do not overflow.
inline constexpr std::int64_t kMostCounted = 1'000'000'000;

/// The message for a text that is no number in [minimum, maximum]; empty when it is one.
template <class T>
std::string problem_of_number(const std::string& text, const char* kind, T minimum, T maximum);

/// Integers in [minimum, maximum]. A field below the minimum holds no value.
template <std::integral T>
OptionField whole(T& value, std::type_identity_t<T> minimum, std::type_identity_t<T> maximum = kMostCounted);

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

/// One of these names, each with the value that it stands for.
template <class T>
OptionField choice(T& value, std::vector<std::pair<std::string, T>> choices, std::string takes);
OptionField choice(std::string& value, const std::vector<std::string>& names, std::string takes);

/// Names separated by commas; with `allowed`, some of these, each at most once.
OptionField names(std::vector<std::string>& value, std::string takes, std::vector<std::string> allowed = {});

/// An option that may be given many times. `take` is called for each value in the order of the command line.
OptionField repeated(std::function<void(const std::string&)> take, std::string takes);

/// "expected white or drop, found black", with the name that was probably meant; empty for one of the names.
std::string problem_of_choice(const std::string& given, const std::vector<std::string>& names);

}  // namespace e5v::app

#include "option_table_inline.h"
