#include "text/synthetic_tokenizer.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/byte_level.h"

namespace e5v::text {
namespace {

constexpr std::int64_t kBytes = 256, kMinVocabulary = 300;
constexpr std::int64_t kLlama3Begin = 128000, kLlama3Specials = 256;  // first special id and the number of them
constexpr std::int64_t kRoomForSpecials = 16;                         // ids from the first to the last one in use

constexpr const char* kPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The special tokens of Llama 3, by their distance from the first.
constexpr std::array<std::pair<const char*, std::int64_t>, 5> kSpecials{{{"<|begin_of_text|>", 0},
                                                                         {"<|end_of_text|>", 1},
                                                                         {"<|start_header_id|>", 6},
                                                                         {"<|end_header_id|>", 7},
                                                                         {"<|eot_id|>", 9}}};

/// Words after a blank: frequent ones and those of captions.
constexpr const char* kCommonWords =
    "the of and to a in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what its "
    "about than into them can only other time new some could these two may first then do any like my now over such "
    "our man me even most made after also did many off before must well back through years much where your way down "
    "should because long each just state those people too how little good world make very year still see own work "
    "men day get here old life both between being under three never know same last another while us might great go "
    "come since against right came take used himself few house american use place during high without again home "
    "around small however found part school every thought left number until always away something fact though water "
    "less public put think almost hand enough far took head yet better set told nothing night end why called didn "
    "eyes find going look asked later knew point next program city business give group toward young days let room "
    "side social given present several order national second possible rather face per among form important often "
    "things looked early white case john big need four within large along image sentence word above summary describe "
    "modify change style dress shirt photo picture photograph view close front behind near beside top bottom below "
    "inside outside across woman boy girl child children person dog cat horse bird cow sheep elephant bear zebra "
    "giraffe car bus train truck bike bicycle motorcycle plane airplane boat ship street road field grass tree trees "
    "mountain hill river lake ocean sea beach sand snow sky cloud sun rain park garden flower flowers building "
    "window door wall table chair bench bed couch kitchen bathroom sink toilet stove refrigerator plate bowl cup "
    "glass bottle food pizza sandwich cake fruit banana apple orange vegetables meat bread cheese coffee tea wine "
    "beer ball game baseball tennis soccer football player players bat racket skateboard surfboard skis snowboard "
    "wave kite umbrella hat helmet jacket coat pants shoes clothes suit tie bag phone computer laptop keyboard mouse "
    "book paper sign clock light lights red blue green yellow black brown gray pink purple dark bright colorful "
    "wooden metal stone brick tall short wide open closed empty full clean dirty wet dry hot cold warm happy sad "
    "smiling standing sitting walking running riding playing holding wearing looking eating drinking jumping flying "
    "swimming sleeping talking driving parked filled covered surrounded next couple pair bunch lot piece row line "
    "middle center edge corner ground floor background shows showing stands sits holds plays rides walks looks runs "
    "quietly slowly while waiting morning evening afternoon colored dressed older hanging leaning crossing catch "
    "throw swing hit air trick ramp rail fence bridge tower church station track tracks platform traffic stop fire "
    "hydrant police market store shop restaurant cafe office screen television video camera music guitar "
    "band crowd team family friends mother father baby toddler kid kids lady guy guys officer soldier "
    "several hair hands hats shaggy yard hard giant system pulley operating climbing stairs entry way set little "
    "playing "
    "wood fishing guitar ladder stands sidewalk path bottom mouth air rope colors painted rainbow spread crowded arms "
    "cars buildings cooking working pool body boots backpack hiking outdoor outdoors indoor mountains rocks rock hose "
    "ocean cliff run grassy shore vest uniform jersey tan plaid striped shorts jeans sweater glasses sunglasses face "
    "faces ear leash toy sticks stick tongue fur puppy kitten cats dogs horses cows birds motorcycles bicycles tracks "
    "laughing singing dancing performing reading writing pointing pulling pushing holding carrying leaping preparing "
    "cutting making taking getting going doing using trying watching posing resting lying relaxing enjoying shopping "
    "market vendor stand stage concert microphone drums bar counter shelf desk lamp mirror curtain blanket pillow";

/// Words at the beginning of a line or sentence.
constexpr const char* kBeginnings =
    "The This There Two Three Some People Man Woman Young An It He She We They Summary Describe Modify In On One user "
    "assistant";

/// Merges for other words: letters, then pieces.
constexpr const char* kJoins =
    "i n|e r|o n|a n|r e|a t|e n|e d|n d|t i|e s|o r|t e|i t|a l|a r|s t|n t|n g|s e|o u|l e|i s|c h|t h|h e|m e|d e|"
    "r o|r i|l i|l o|c o|u r|i c|l l|n e|a s|v e|s h|c k|m a|p e|t o|o o|e a|i l|l a|t r|u n|e t|i g|a m|o l|o m|a c|"
    "in g|ti on|t er|me nt|a ble|l y|i ng|ou s|ig ht|ou nd|an d|an ce|e st|al ly|i ve|ne ss|er s|en t|an t|i st|o ther";

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// Tokens in the order of their ids, and the merges of all tokens that are no bytes.
struct Table {
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, std::string>> merges;
  std::set<std::string> known;

  void add(const std::string& token) {
    if (known.insert(token).second) tokens.push_back(token);
  }
  void merge(const std::string& left, const std::string& right) {
    if (!known.contains(left) || !known.contains(right) || known.contains(left + right)) return;
    merges.emplace_back(left, right);
    add(left + right);
  }
  /// Adds all beginnings of a word after `start`, so that merges can build it letter by letter.
  void grow(std::string start, const std::string& letters) {
    for (const char letter : letters) {
      merge(start, std::string(1, letter));
      start += letter;
    }
  }
};

Table make_table(std::size_t max_tokens) {
  Table table;
  for (int byte = 0; byte < kBytes; ++byte) table.add(to_byte_level(std::string(1, static_cast<char>(byte))));
  for (const std::string& word : split(kCommonWords, ' ')) table.grow(to_byte_level(" "), word);
  for (const std::string& word : split(kBeginnings, ' ')) table.grow(word.substr(0, 1), word.substr(1));
  for (const std::string& join : split(kJoins, '|')) {
    const std::size_t blank = join.find(' ');
    table.merge(join.substr(0, blank), join.substr(blank + 1));
  }
  for (const char* end : {"\n", "\n\n"}) table.merge(to_byte_level(end), to_byte_level("\n"));
  if (table.tokens.size() > max_tokens) {
    table.tokens.resize(max_tokens);
    table.merges.resize(max_tokens - static_cast<std::size_t>(kBytes));
  }
  return table;
}

Json added_token(const std::string& content, std::int64_t id, bool special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

/// The template of a text: the begin-of-text token comes first.
Json template_of(const std::string& token, std::int64_t id) {
  const Json begin{{"SpecialToken", {{"id", token}, {"type_id", 0}}}};
  const Json first{{"Sequence", {{"id", "A"}, {"type_id", 0}}}}, second{{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({begin, first})},
          {"pair", Json::array({begin, first, begin, second})},
          {"special_tokens", {{token, {{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}}}}}};
}

Json byte_level(bool trim) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", trim}, {"use_regex", false}};
}

}  // namespace

std::string synthetic_tokenizer_json(std::int64_t vocabulary, std::optional<std::int64_t> image_token) {
  require(vocabulary >= kMinVocabulary, "[tokenizer] a vocabulary of {} tokens is too small, expected at least {}",
          vocabulary, kMinVocabulary);
  const std::int64_t image = image_token.value_or(vocabulary);
  require(image >= kBytes + kRoomForSpecials,
          "[tokenizer] the id {} of <image> is among the bytes', expected at least {}", image,
          kBytes + kRoomForSpecials);
  const bool llama3_ids = vocabulary >= kLlama3Begin + kLlama3Specials && image >= kLlama3Begin + kLlama3Specials;
  const std::int64_t end = image < vocabulary && image + kRoomForSpecials >= vocabulary ? image : vocabulary;
  const std::int64_t begin = llama3_ids ? kLlama3Begin : end - kRoomForSpecials;
  const Table table = make_table(static_cast<std::size_t>(std::min(begin, image)));
  Json vocab = Json::object(), merges = Json::array(), added = Json::array();
  for (std::size_t id = 0; id < table.tokens.size(); ++id) vocab[table.tokens[id]] = id;
  for (const auto& [left, right] : table.merges) merges.push_back(left + " " + right);
  // They are in the vocabulary, too, because the tokenizers library would otherwise give added tokens new numbers.
  const auto add = [&](const char* token, std::int64_t id, bool special) {
    vocab[token] = id;
    added.push_back(added_token(token, id, special));
  };
  for (const auto& [token, offset] : kSpecials) add(token, begin + offset, true);
  if (image_token) add("<image>", image, false);
  const Json split_text{
      {"type", "Split"}, {"pattern", {{"Regex", kPattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  const Json document{
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({split_text, byte_level(true)})}}},
      {"post_processor",
       {{"type", "Sequence"},
        {"processors", Json::array({byte_level(false), template_of(kSpecials[0].first, begin)})}}},
      {"decoder", byte_level(true)},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", true},
        {"vocab", vocab},
        {"merges", merges}}}};
  return document.dump();
}

}  // namespace e5v::text
