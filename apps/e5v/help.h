#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace e5v::app {

/// Help pages that keep to the width of the terminal.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* subcommand) const override;

 private:
  std::string entry(const std::string& name, const std::string& description) const;
  int width_;
};

}  // namespace e5v::app
