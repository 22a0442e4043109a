#include "families/table.h"

#include <algorithm>

#include "families/clip.h"
#include "families/llava_next.h"
#include "model/config_parts.h"
#include "model/model_folder.h"

namespace e5v::families {
namespace {

/// A line for each family.
const Table& own_table() {
  static const Table families{
      &clip(),
      &llava_next(),
  };
  return families;
}

const Table* substitute = nullptr;

std::string type_text(const Json& config) {
  const auto type = config.find("model_type");
  return type == config.end() ? "nothing"
                              : to_string(in_quotes(type->is_string() ? type->get<std::string>() : type->dump()));
}

}  // namespace

const Table& table() { return substitute == nullptr ? own_table() : *substitute; }

TableScope::TableScope(Table table) : table_(std::move(table)) { substitute = &table_; }
TableScope::~TableScope() { substitute = nullptr; }

const Family& family_of(const std::filesystem::path& folder) {
  const Json config = model::read_config_json(folder);
  const std::string file = (folder / "config.json").string();
  require<ModelError>(config.is_object(), "[{}] expected an object, found {}", file, config.type_name());
  const auto found = std::ranges::find_if(table(), [&](const Family* family) { return family->matches(config); });
  if (found != table().end()) return **found;
  std::string expected;
  for (const Family* family : table())
    expected += fmt::format("{}{}", expected.empty() ? "" : ", ", family->model_types());
  fail<ModelError>("[{}] \"model_type\": expected one of {}, found {}", file, expected, type_text(config));
}

const Family* find_family(const std::filesystem::path& folder) try {
  return &family_of(folder);
} catch (const ModelError&) {
  return nullptr;  // another reader of the folder reports the fault
}

std::unique_ptr<embed::Engine> open(const std::filesystem::path& path, const LoadOptions& options) {
  const std::filesystem::path folder = model::find_model_folder(path);
  return family_of(folder).open(folder, options);
}

}  // namespace e5v::families
