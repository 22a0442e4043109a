#include "eval/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/progress.h"

namespace e5v::eval {
namespace {

/// A number with two decimals.
std::string figure_text(double value) { return std::isfinite(value) ? fmt::format("{:.2f}", value) : "undefined"; }

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json shown(const Shown& s) {
  Json json = Json::object();
  if (!s.text.empty()) json["text"] = s.text;
  if (!s.image.empty()) json["image"] = s.image.string();
  return json;
}

Json examples(const std::vector<Example>& list) {
  Json json = Json::array();
  for (const Example& example : list) {
    Json found = Json::array();
    for (const Example::Found& f : example.found) {
      Json entry = shown(f.candidate);
      entry["score"] = f.score, entry["right"] = f.right;
      found.push_back(std::move(entry));
    }
    json.push_back({{"query", shown(example.query)}, {"rank", example.rank}, {"found", std::move(found)}});
  }
  return json;
}

Json judged(const std::vector<JudgedPair>& list) {
  Json json = Json::array();
  for (const JudgedPair& pair : list)
    json.push_back({{"first", shown(pair.first)},
                    {"second", shown(pair.second)},
                    {"gold", pair.gold},
                    {"score", pair.score},
                    {"gold_place", pair.gold_place},
                    {"place", pair.place}});
  return json;
}

}  // namespace

std::vector<Figure> headlines(const Result& result) {
  std::vector<Figure> chosen;
  std::ranges::copy_if(result.figures, std::back_inserter(chosen), &Figure::headline);
  if (chosen.empty() && !result.figures.empty()) chosen.push_back(result.figures.front());
  return chosen;
}

Json json_of(const Result& result) {
  Json figures = Json::array(), facts = Json::object();
  for (const Figure& figure : result.figures) {
    Json entry{{"name", figure.name}, {"value", number(figure.value)}};
    if (figure.paper) entry["paper"] = *figure.paper;
    if (figure.optimistic) entry["optimistic"] = number(*figure.optimistic);
    figures.push_back(std::move(entry));
  }
  for (const auto& [name, value] : result.facts) facts[name] = value;
  Json json{
      {"task", result.task}, {"title", result.title},     {"unit", result.unit},         {"facts", facts},
      {"figures", figures},  {"seconds", result.seconds}, {"computed", result.computed}, {"reused", result.reused}};
  if (result.left_out) {
    Json files = Json::array();
    for (const std::filesystem::path& file : result.left_out->images) files.push_back(file.string());
    json["left_out"] = {
        {"pictures", files.size()}, {"queries", result.left_out->queries}, {"missing", std::move(files)}};
  }
  if (!result.best.empty()) json["best"] = examples(result.best);
  if (!result.worst.empty()) json["worst"] = examples(result.worst);
  if (!result.agreed.empty()) json["agreed"] = judged(result.agreed);
  if (!result.disagreed.empty()) json["disagreed"] = judged(result.disagreed);
  return json;
}

std::string table_of(const Result& result) {
  std::string text = fmt::format("{} ({})\n", result.title, result.unit);
  for (const auto& [name, value] : result.facts) text += fmt::format("  {}: {}\n", name, value);
  std::size_t width = 0;
  for (const Figure& figure : result.figures) width = std::max(width, figure.name.size());
  const bool paper = std::ranges::any_of(result.figures, [](const Figure& f) { return f.paper.has_value(); });
  const bool ties = std::ranges::any_of(result.figures, [](const Figure& f) { return f.optimistic.has_value(); });
  if (!result.figures.empty())
    text += fmt::format("\n{:{}}{:>10}{}{}\n", "", width, "e5v", paper ? "     paper  difference" : "",
                        ties ? "   ties as wins" : "");
  for (const Figure& figure : result.figures) {
    text += fmt::format("{:{}}{:>10}", figure.name, width, figure_text(figure.value));
    if (figure.paper) text += fmt::format("{:>10.2f}", *figure.paper);
    if (figure.paper)
      text +=
          std::isfinite(figure.value) ? fmt::format("{:>+12.2f}", figure.value - *figure.paper) : std::string(12, ' ');
    if (!figure.paper && paper && figure.optimistic) text += std::string(22, ' ');
    if (figure.optimistic) text += fmt::format("{:>15}", figure_text(*figure.optimistic));
    text += '\n';
  }
  text += fmt::format("\n{} vectors computed, {} reused, {}\n", result.computed, result.reused,
                      duration_text(result.seconds));
  return text;
}

}  // namespace e5v::eval
