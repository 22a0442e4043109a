#pragma once
#include <cstdint>
#include <vector>

#include "text/section.h"

namespace e5v::text {

/// The special tokens that a tokenizer.json's post_processor adds around a single text: TemplateProcessing,
/// RobertaProcessing, ByteLevel (which changes no ids), and sequences of them.
struct SpecialFrame {
  std::vector<std::int32_t> before, after;
};

/// `document` is the whole tokenizer.json. Throws ModelError when its post_processor is malformed or of another type.
SpecialFrame read_special_frame(const Section& document);

}  // namespace e5v::text
