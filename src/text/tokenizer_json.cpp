#include "text/tokenizer_json.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "text/section.h"

namespace e5v::text {
namespace {

using Event = Json::parse_event_t;

/// The parser's callback. It follows the keys to the two tables and takes their contents.
class TableTaker {
 public:
  TableTaker(TokenizerJson& out, std::string_view origin)
      : out_(out), where_(fmt::format("[{}] model.vocab", origin)) {}

  /// True when the value enters the document. `depth` is the number of containers around it; members of the tables have
  /// 3.
  bool operator()(int depth, Event event, Json& value) {
    if (depth == 3 && table_ != Table::none) return take(event, value);
    if (event == Event::key) {
      if (depth == 1) in_model_ = value == "model";
      if (depth == 2) key_ = value.get<std::string>();
    } else if (depth == 2) {
      const bool vocabulary = in_model_ && event == Event::object_start && key_ == "vocab";
      const bool merges = in_model_ && event == Event::array_start && key_ == "merges";
      table_ = vocabulary ? Table::vocabulary : merges ? Table::merges : Table::none;
    }
    return true;
  }

 private:
  enum class Table { none, vocabulary, merges };

  bool take(Event event, Json& value) {
    const bool begins = event == Event::object_start || event == Event::array_start;
    if (table_ == Table::merges) {
      if (!begins) out_.merges.push_back(std::move(value));
      return begins;
    }
    if (event == Event::key) {
      key_ = value.get<std::string>();
      return false;
    }
    const bool in_range = value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t{kMaxTokenId};
    if (!in_range) {
      fail<ModelError>("{} gives {} to {}, expected a whole number in [0, {}]", where_,
                       begins              ? "a container"
                       : value.is_number() ? value.dump()
                                           : value.type_name(),
                       shown(key_), kMaxTokenId);
    }
    out_.vocabulary.add(key_, value.get<std::int32_t>(), where_);
    return true;  // without its key, the value does not enter the document
  }

  TokenizerJson& out_;
  std::string where_;
  Table table_ = Table::none;
  bool in_model_ = false;
  std::string key_;
};

}  // namespace

TokenizerJson parse_tokenizer_json(std::string_view text, std::string_view origin) {
  TokenizerJson out;
  try {
    out.document = parse_json(text, origin, TableTaker(out, origin));
  } catch (const InvalidInput& error) {
    throw ModelError(error.what());
  }
  return out;
}

}  // namespace e5v::text
