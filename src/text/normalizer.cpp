#include "text/normalizer.h"

#include <utf8proc.h>
#include <wctype.h>

#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/pattern.h"

namespace e5v::text {
namespace {

constexpr std::size_t kMaxNormalizerSteps = 64;

Normalizer::Step prepend(const Section& section) {
  return [prefix = section.text("prepend")](Normalized& text, std::size_t) {
    if (!text.text.empty()) text.text.insert(0, prefix);
  };
}

Normalizer::Step replace(const Section& section) {
  return [pattern = Pattern::from_json(section.at("pattern")), content = section.text("content")](
             Normalized& text, std::size_t max_bytes) { text.text = pattern.replace(text.text, content, max_bytes); };
}

Normalizer::Step strip(const Section& section) {
  const bool left = section.flag("strip_left", true), right = section.flag("strip_right", true);
  return [left, right](Normalized& text, std::size_t) {
    const std::size_t begin = left ? skip_white_space(text.text, 0) : 0;
    const std::size_t end = right ? skip_white_space_back(text.text, text.text.size(), begin) : text.text.size();
    text.text = text.text.substr(begin, end - begin);
    text.front_kept = text.front_kept && begin == 0;
  };
}

/// Lower case by Unicode's simple mapping, from the C library's C.UTF-8 tables, whatever the locale of the process.
Normalizer::Step lowercase(const Section& section) {
  const locale_t handle = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  require<ModelError>(handle != nullptr, "{} needs the locale C.UTF-8, which this system lacks", section.where());
  const std::shared_ptr<std::remove_pointer_t<locale_t>> locale(handle, [](locale_t old) { ::freelocale(old); });
  return [locale](Normalized& text, std::size_t) {
    std::string out;
    for (std::size_t at = 0; at < text.text.size();) {
      const CodePoint point = code_point_at(text.text, at);
      at += point.length;
      // Capital I with dot is the only letter with a lower case of two code points.
      if (point.value == 0x130) {
        out.append("i\xCC\x87");
      } else {
        append_utf8(out, static_cast<char32_t>(::towlower_l(static_cast<wint_t>(point.value), locale.get())));
      }
    }
    text.text = std::move(out);
  };
}

/// Composes letters and their marks into one code point where there is one: Unicode's normalization form C.
void compose(Normalized& text, std::size_t) {
  constexpr auto kForm = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.text.data()),
                                               static_cast<utf8proc_ssize_t>(text.text.size()), &composed, kForm);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(composed, &std::free);
  require<DeviceError>(length >= 0, "[tokenizer] NFC of {} bytes: {}", text.text.size(), utf8proc_errmsg(length));
  text.text.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(length));
}

}  // namespace

Normalizer::Normalizer(const Section& document) {
  if (document.has("normalizer")) add(document.at("normalizer"), 0);
}

void Normalizer::add(const Section& section, int depth) {
  require<ModelError>(depth < kDeepestSequence && steps_.size() < kMaxNormalizerSteps,
                      "{} is nested too deep or too long", section.where());
  const std::string type = section.text("type");
  if (type == "Sequence") {
    for (const Section& item : section.items("normalizers")) add(item, depth + 1);
  } else if (type == "Prepend") {
    steps_.push_back(prepend(section));
  } else if (type == "Replace") {
    steps_.push_back(replace(section));
  } else if (type == "Strip") {
    steps_.push_back(strip(section));
  } else if (type == "Lowercase") {
    steps_.push_back(lowercase(section));
  } else if (type == "NFC") {
    steps_.emplace_back(compose);
  } else {
    section.unsupported("type", type, {"Sequence", "Prepend", "Replace", "Strip", "Lowercase", "NFC"});
  }
}

Normalized Normalizer::apply(std::string_view text) const {
  const std::size_t max_bytes = growth_limit(text.size());
  Normalized normalized{std::string(text)};
  for (const Step& step : steps_) {
    step(normalized, max_bytes);
    require<ModelError>(normalized.text.size() <= max_bytes,
                        "[tokenizer] the normalizer makes a text of {} bytes grow to {}", text.size(),
                        normalized.text.size());
  }
  return normalized;
}

}  // namespace e5v::text
