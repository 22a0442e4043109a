#include "serve/openapi.h"

#include <algorithm>
#include <limits>
#include <set>

#include "e5v/version.h"
#include "serve/dialects/openai.h"
#include "serve/page_part.h"

namespace e5v::serve {

extern const std::string_view page_html, page_css, page_js, schemas_json, parameters_json;

namespace {

Json reference_to(std::string_view schema) { return {{"$ref", fmt::format("#/components/schemas/{}", schema)}}; }

Json content_of(std::string_view type, std::string_view schema) {
  return {{std::string(type), {{"schema", schema.empty() ? Json{{"type", "string"}} : reference_to(schema)}}}};
}

/// The parameters of a route, from parameters.json.
Json parameters_of(const Route& route) {
  static const Json known = Json::parse(parameters_json);
  Json list = Json::array();
  for (std::string_view names = route.parameters; !names.empty();) {
    const std::size_t end = std::min(names.find(' '), names.size());
    list.push_back(known.at(std::string(names.substr(0, end))));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return list;
}

Json operation_of(const Route& route) {
  const Json error = {{"description", "an error in the shape of the dialect"},
                      {"content", content_of("application/json", "Error")}};
  Json content = content_of(route.response_type, route.response_schema);
  if (!route.other_response_type.empty()) content.update(content_of(route.other_response_type, ""));
  Json responses = {
      {"200", {{"description", "done"}, {"content", std::move(content)}}}, {"429", error}, {"503", error}};
  Json operation = {{"summary", route.summary}};
  if (route.access != Access::key) {
    responses.erase("429");
    if (route.access == Access::open) responses.erase("503");
  } else {
    responses["401"] = error;
    operation["security"] = Json::array({Json::object(), {{"key", Json::array()}}});
  }
  if (route.method == "POST") {
    Json bodies = content_of("application/json", route.request_schema);
    if (route.takes_forms) bodies.update(content_of("multipart/form-data", "EmbedForm"));
    operation["requestBody"] = {{"required", true}, {"content", std::move(bodies)}};
    for (const char* status : {"400", "404", "413", "415", "422", "504"}) responses[status] = error;
  }
  if (!route.parameters.empty()) {
    operation["parameters"] = parameters_of(route);
    for (const char* status : {"400", "404"}) responses[status] = error;
  }
  if (route.personal) responses["403"] = error;
  operation["responses"] = std::move(responses);
  return operation;
}

/// Adds the schemas that a value refers to, and those that they refer to.
void add_references(const Json& value, const Json& schemas, std::set<std::string>& names) {
  if (!value.is_structured()) return;
  if (value.is_object() && value.contains("$ref")) {
    const std::string reference = value["$ref"];
    const std::string name = reference.substr(reference.rfind('/') + 1);
    if (names.insert(name).second) add_references(schemas[name], schemas, names);
  }
  for (const Json& part : value) add_references(part, schemas, names);
}

Json or_null(const Json& schema) { return {{"anyOf", {schema, {{"type", "null"}}}}}; }

/// Lets the optional fields of objects be null: requests may have that in place of nothing.
void allow_null(Json& schema) {
  if (!schema.is_structured()) return;
  for (Json& part : schema) allow_null(part);
  if (!schema.is_object() || schema.value("type", Json()) != "object" || !schema.contains("properties")) return;
  const Json required = schema.value("required", Json::array());
  for (auto& [name, property] : schema["properties"].items()) {
    if (std::ranges::find(required, Json(name)) == required.end()) property = or_null(property);
  }
}

/// The schemas of requests and answers, with what the models allow.
Json schemas_of(const std::vector<Route>& routes, const ModelSet& models) {
  Json schemas = Json::parse(schemas_json);
  std::set<std::string> of_requests;
  for (const Route& route : routes) {
    if (!route.request_schema.empty()) add_references(reference_to(route.request_schema), schemas, of_requests);
  }
  for (const std::string& name : of_requests) allow_null(schemas[name]);
  std::int64_t width = 0, vocabulary = 0, context = std::numeric_limits<std::int32_t>::max();
  for (const std::shared_ptr<ServedModel>& model : models.all()) {
    width = std::max(width, model->embedder.width());
    vocabulary = std::max(vocabulary, model->vocabulary);
    context = std::min(context, model->context);
  }
  if (models.all().empty()) return schemas;
  schemas["Dimensions"]["maximum"] = width;
  schemas["TokenId"]["maximum"] = vocabulary - 1;
  schemas["ContextOrMore"]["minimum"] = context;
  return schemas;
}

/// The page leads to that of the library if there is one.
void answer_page(Exchange exchange) {
  constexpr std::string_view kPlace = "<footer>";
  std::string page(page_html);
  if (exchange.context.library) page.insert(page.find(kPlace) + kPlace.size(), "<a href=\"/library\">photos</a>");
  exchange.responder->send(page_part("text/html; charset=utf-8", page));
}
void answer_style(Exchange exchange) { exchange.responder->send(page_part("text/css; charset=utf-8", page_css)); }
void answer_script(Exchange exchange) {
  exchange.responder->send(page_part("text/javascript; charset=utf-8", page_js));
}
void answer_openapi(Exchange exchange) {
  exchange.responder->send(json_response(openapi_of(exchange.context.routes, exchange.context.models)));
}

}  // namespace

Json openapi_of(const std::vector<Route>& routes, const ModelSet& models) {
  Json paths = Json::object();
  for (const Route& route : routes) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    paths[std::string(route.path)][method] = operation_of(route);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "e5v"},
            {"version", E5V_VERSION},
            {"description", "An embedding server for texts, images, and both together."}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", schemas_of(routes, models)},
            {"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

std::vector<Route> page_routes() {
  return {page_route("/", answer_page, "text/html", "A page to try the models"),
          page_route("/page.css", answer_style, "text/css", "The style of the page"),
          page_route("/page.js", answer_script, "text/javascript", "The script of the page"),
          {.method = "GET",
           .path = "/openapi.json",
           .answer = answer_openapi,
           .error = openai_error,
           .access = Access::ready,  // it names what the models allow
           .summary = "This description",
           .response_schema = "Status"}};
}

}  // namespace e5v::serve
