// Any bytes are data of an evaluation or InvalidInput. The first byte chooses the reader; the rest is the file that it
// reads, or two, parted by a zero.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "eval/captions.h"
#include "eval/composed.h"
#include "eval/pair_file.h"
#include "eval/sts.h"
#include "eval/transfer_data.h"
#include "scratch.h"

namespace {

using namespace e5v;

void require_that(bool condition) {
  if (!condition) std::abort();
}

void check_captions(std::string_view bytes, const char* name) {
  eval::CaptionOptions options;
  options.file = fuzz::put(name, bytes);
  options.split = "";
  eval::ImageFiles files(eval::ImageNeed::existing);
  const eval::CaptionedImages read = eval::read_captions(options, files);
  for (const eval::CaptionedImage& image : read.images)
    require_that(!image.captions.empty() && image.captions.size() <= options.max_captions);
  require_that(read.left_out < read.captions && files.missing().size() + read.images.size() == files.named());
}

void check_pairs(std::string_view bytes, const char* name) {
  const auto pairs = eval::read_pair_file(fuzz::put(name, bytes));
  require_that(pairs.size() >= 2);
  for (const eval::OwnPair& pair : pairs) {
    require_that(!pair.first.text.empty() || !pair.first.image.empty());
    require_that(pair.score.has_value() == pairs[0].score.has_value());
    require_that(!pair.score || std::isfinite(*pair.score));
  }
}

void check_sts(const char* task) {
  for (const eval::StsSet& set : eval::read_sts(fuzz::scratch(), task))
    require_that(set.gold.size() >= 2 && set.first.size() == set.gold.size() && set.second.size() == set.gold.size());
}

void check_year(std::string_view bytes) {
  const auto [input, gold] = fuzz::halves(bytes);
  for (const std::string source : {"FNWN", "headlines", "OnWN"}) {
    fuzz::put("STS/STS13-en-test/STS.input." + source + ".txt", input);
    fuzz::put("STS/STS13-en-test/STS.gs." + source + ".txt", gold);
  }
  check_sts("STS13");
}

void check_transfer(const char* task) {
  const eval::TransferTask data = eval::read_transfer(fuzz::scratch(), task);
  for (const eval::LabelledTexts* part : {&data.train, &data.dev, &data.test}) {
    require_that(part->first.size() == part->size());
    for (const int label : part->labels) require_that(label >= 0 && label < data.classes);
  }
}

void check_gallery(const eval::ComposedSet& set) {
  const auto count = std::ssize(set.images);
  for (const eval::ComposedQuery& query : set.queries) {
    require_that(query.reference >= 0 && query.reference < count && !query.captions.empty());
    require_that(!query.target || (*query.target >= 0 && *query.target < count));
    for (const std::int64_t member : query.members) require_that(member >= 0 && member < count);
  }
}

void check_composed(std::string_view bytes, bool cirr) {
  const auto [captions, split] = fuzz::halves(bytes);
  fuzz::put(cirr ? "captions/cap.rc2.val.json" : "captions/cap.dress.val.json", captions);
  fuzz::put(cirr ? "image_splits/split.rc2.val.json" : "image_splits/split.dress.val.json", split);
  for (const auto need : {eval::ImageNeed::all, eval::ImageNeed::existing, eval::ImageNeed::none}) {
    eval::ImageFiles files(need);
    check_gallery(cirr ? eval::read_cirr(fuzz::scratch(), "", "val", files)
                       : eval::read_fashioniq(fuzz::scratch(), "", {"dress"}, "val", files)[0].second);
  }
}

void check(std::uint8_t kind, std::string_view bytes) {
  switch (kind % 13) {
    case 0: return check_captions(bytes, "list.json");
    case 1: return check_pairs(bytes, "pairs.csv");
    case 2: return check_pairs(bytes, "pairs.tsv");
    case 3: return check_pairs(bytes, "pairs.jsonl");
    case 4: return check_year(bytes);
    case 5: return fuzz::put("SICK/SICK_test_annotated.txt", bytes), check_sts("SICKR");
    case 6: return fuzz::put("STS/STSBenchmark/sts-test.csv", bytes), check_sts("STSB");
    case 7: return check_composed(bytes, true);
    case 8: return check_composed(bytes, false);
    case 9: {
      const auto [good, bad] = fuzz::halves(bytes);
      fuzz::put("MR/rt-polarity.pos", good), fuzz::put("MR/rt-polarity.neg", bad);
      return check_transfer("MR");
    }
    case 10: {
      for (const char* part : {"train", "dev", "test"}) fuzz::put(std::string("SST/binary/sentiment-") + part, bytes);
      return check_transfer("SST2");
    }
    case 11:
      return fuzz::put("TREC/train_5500.label", bytes), fuzz::put("TREC/TREC_10.label", bytes), check_transfer("TREC");
    default:
      for (const char* part : {"train", "test"}) fuzz::put(std::string("MRPC/msr_paraphrase_") + part + ".txt", bytes);
      return check_transfer("MRPC");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool images = [] {
    for (const char* name : {"a.jpg", "b.jpg", "images/a.jpg", "images/b.jpg"}) fuzz::put(name, "\xFF\xD8\xFF");
    return true;
  }();
  if (size == 0 || !images) return 0;
  try {
    check(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  } catch (const InvalidInput& error) {
    require_that(std::string_view(error.what()).starts_with("["));
  }
  return 0;
}
