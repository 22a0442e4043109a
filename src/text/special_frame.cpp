#include "text/special_frame.h"

#include <string>

#include "base/error.h"

namespace e5v::text {
namespace {

constexpr std::size_t kMaxSpecialTokens = 1024;

/// The ids of {"SpecialToken": {"id": name}}: special_tokens[name].ids.
std::vector<std::int32_t> special_ids(const Section& piece, const Section& processor) {
  const std::string name = piece.at("SpecialToken").text("id");
  std::vector<std::int32_t> ids;
  for (const Section& id : processor.at("special_tokens").at(name.c_str()).items("ids")) ids.push_back(id.id());
  return ids;
}

/// Adds the special tokens of a template's "single" around those of the frame.
void add_template(const Section& processor, SpecialFrame& frame) {
  SpecialFrame outer;
  bool after_text = false;
  for (const Section& piece : processor.items("single")) {
    if (piece.has("Sequence")) {
      require<ModelError>(!after_text && piece.at("Sequence").text("id") == "A",
                          "{} is not the one text of a single template, expected \"A\" once", piece.where());
      after_text = true;
      continue;
    }
    const std::vector<std::int32_t> ids = special_ids(piece, processor);
    std::vector<std::int32_t>& side = after_text ? outer.after : outer.before;
    side.insert(side.end(), ids.begin(), ids.end());
    require<ModelError>(side.size() <= kMaxSpecialTokens, "{} has more than {} special tokens", processor.where(),
                        kMaxSpecialTokens);
  }
  require<ModelError>(after_text, "{}.single has no text in it, expected {{\"Sequence\": {{\"id\": \"A\"}}}}",
                      processor.where());
  frame.before.insert(frame.before.begin(), outer.before.begin(), outer.before.end());
  frame.after.insert(frame.after.end(), outer.after.begin(), outer.after.end());
}

/// The id of RobertaProcessing's "cls" or "sep": [token, id].
std::int32_t id_of_pair(const Section& processor, const char* key) {
  const std::vector<Section> pair = processor.items(key);
  require<ModelError>(pair.size() == 2, "{}.{} has {} elements, expected a token and its id", processor.where(), key,
                      pair.size());
  return pair.back().id();
}

void add_processor(const Section& section, SpecialFrame& frame, int depth) {
  require<ModelError>(depth < kDeepestSequence && frame.before.size() + frame.after.size() <= kMaxSpecialTokens,
                      "{} is nested too deep or too long", section.where());
  const std::string type = section.text("type");
  if (type == "Sequence") {
    for (const Section& item : section.items("processors")) add_processor(item, frame, depth + 1);
  } else if (type == "TemplateProcessing") {
    add_template(section, frame);
  } else if (type == "RobertaProcessing") {
    frame.before.insert(frame.before.begin(), id_of_pair(section, "cls"));
    frame.after.push_back(id_of_pair(section, "sep"));
  } else if (type != "ByteLevel") {
    section.unsupported("type", type, {"Sequence", "TemplateProcessing", "RobertaProcessing", "ByteLevel"});
  }
}

}  // namespace

SpecialFrame read_special_frame(const Section& document) {
  SpecialFrame frame;
  if (document.has("post_processor")) add_processor(document.at("post_processor"), frame, 0);
  return frame;
}

}  // namespace e5v::text
