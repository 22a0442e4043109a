#include "serve/library/search_request.h"

#include "serve/inputs.h"
#include "serve/object_reader.h"

namespace e5v::serve {
namespace {

/// The largest offset and number of photos of a request, and the largest number of texts in a list.
constexpr std::int64_t kMaxOffset = 1'000'000'000, kMaxTop = 1000;
constexpr std::size_t kMaxTexts = 32;

/// Calls a function of the library. What it refuses, it refuses under the name of the field.
template <class Function>
void refuse_as(const std::string& field, const Function& function) {
  try {
    function();
  } catch (const InvalidInput& error) {
    const std::string_view message = error.what();
    refuse_field(field, "{}", message.substr(message.find("] ") + 2));
  }
}

/// Adds the texts of a list to the terms, with their weights times `sign`.
void add_terms(const ObjectReader& body, std::string_view key, double sign, std::vector<library::WeightedText>& terms) {
  const Json* list = body.find(key);
  if (list == nullptr) return;
  const std::string field = body.name_of(key);
  if (!list->is_array()) refuse_field(field, "expected a list of texts, found {}", found_text(*list));
  if (list->size() > kMaxTexts) refuse_field(field, "expected at most {} texts, found {}", kMaxTexts, list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string name = fmt::format("{}[{}]", field, i);
    const std::string& text = text_of((*list)[i], name);
    refuse_as(name, [&] { terms.push_back(library::weighted_text(text)); });
    terms.back().weight *= sign;
  }
}

std::string date_of(const ObjectReader& object, std::string_view key) {
  const std::optional<std::string> date = object.text(key);
  if (date && !library::is_date(*date))
    refuse_field(object.name_of(key), "expected a date such as 2019, 2019-07 or 2019-07-14, found {}",
                 in_quotes(*date, 60));
  return date.value_or("");
}

library::Filter search_filter_of(const Json& value) {
  const ObjectReader object(value, "filter");
  library::Filter filter;
  filter.from = date_of(object, "from");
  filter.to = date_of(object, "to");
  filter.camera = object.text("camera").value_or("");
  filter.folder = object.text("folder").value_or("");
  const std::string shape = object.choice("orientation", {"any", "landscape", "portrait", "square"}).value_or("any");
  filter.shape = shape == "landscape"  ? library::Shape::landscape
                 : shape == "portrait" ? library::Shape::portrait
                 : shape == "square"   ? library::Shape::square
                                       : library::Shape::any;
  if (const auto rating = object.whole("min_rating", -1, 5)) filter.min_rating = static_cast<int>(*rating);
  refuse_as("filter", [&] { check_filter(filter); });
  return filter;
}

double min_score_of(const ObjectReader& body) {
  const Json* value = body.find("min_score");
  if (value == nullptr) return -1;
  const bool fits = value->is_number() && value->get<double>() >= -1 && value->get<double>() <= 1;
  if (!fits) refuse_field("min_score", "expected a number from -1 to 1, found {}", found_text(*value));
  return value->get<double>();
}

}  // namespace

SearchRequest search_request_of(const Json& body, const Exchange& exchange, const ServedModel& model) {
  const ObjectReader reader(body);
  SearchRequest request;
  request.like = reader.text("like").value_or("");
  if (!request.like.empty() && reader.has("image")) refuse_field("like", "expected like or image, found both");
  Json query = Json::object();
  for (const char* key : {"text", "image"})
    if (const Json* value = reader.find(key)) query[key] = *value;
  if (query.contains("text") && query["text"].is_string() && query["text"].get_ref<const std::string&>().empty())
    query.erase("text");
  if (!query.empty()) request.query = input_from_object(query, "", {.model = model, .images = exchange.context.images});
  add_terms(reader, "plus", 1, request.terms);
  add_terms(reader, "minus", -1, request.terms);
  if (const Json* filter = reader.find("filter")) request.filter = search_filter_of(*filter);
  request.min_score = min_score_of(reader);
  request.top = reader.whole("top", 1, kMaxTop).value_or(request.top);
  request.offset = reader.whole("offset", 0, kMaxOffset).value_or(request.offset);
  return request;
}

}  // namespace e5v::serve
