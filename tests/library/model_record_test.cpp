#include "library/model_record.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "golden.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

ModelRecord example_record() {
  ModelRecord record;
  record.folder = "/models/e5-v";
  record.load.dtype = ComputeType::bf16;
  record.load.adapter = "/models/adapter";
  record.prepare.alpha = Alpha::drop;
  record.prepare.max_tiles = 3;
  record.prepare.max_pixels = 12345;
  record.prepare.apply_exif = false;
  record.prepare.paper_compat = true;
  record.fingerprint = {"w", "p", "bf16+l2", "i"};
  record.width = 64;
  return record;
}

TEST(ModelRecord, ComesBackFromItsText) {
  const ModelRecord record = example_record(), read = ModelRecord::from_json(record.json(), "catalogue");
  EXPECT_EQ(read.folder, record.folder);
  EXPECT_EQ(read.load, record.load);
  EXPECT_EQ(read.prepare, record.prepare);
  EXPECT_EQ(read.fingerprint, record.fingerprint);
  EXPECT_EQ(read.width, record.width);
}

TEST(ModelRecord, DamageIsNamed) {
  EXPECT_THAT([] { ModelRecord::from_json("{}", "catalogue"); },
              ThrowsMessage<InvalidInput>(HasSubstr("[catalogue] the record of the model lacks folder")));
  EXPECT_THAT([] { ModelRecord::from_json("[", "catalogue"); }, ThrowsMessage<InvalidInput>(HasSubstr("[catalogue]")));
}

TEST(ModelRecord, HasTheFingerprintOfImages) {
  const Embedder embedder = Embedder::load(test::golden("ckpt/tiny-small-f32"));
  const ModelRecord record = ModelRecord::of(embedder, test::golden("ckpt/tiny-small-f32"), {}, {});
  RunOptions image;
  image.prompt = "image";
  EXPECT_EQ(record.fingerprint, embedder.fingerprint(image));
  EXPECT_EQ(record.width, embedder.width());
  EXPECT_TRUE(record.folder.is_absolute());
  PrepareOptions cut;
  cut.truncate = true;
  const ModelRecord cutting = ModelRecord::of(embedder, test::golden("ckpt/tiny-small-f32"), {}, cut);
  EXPECT_EQ(cutting.fingerprint, record.fingerprint) << "photos have no texts that could be cut";
  EXPECT_TRUE(cutting.prepare.truncate);
}

TEST(ModelRecord, KnowsItsModelAndOptions) {
  const ModelRecord record = example_record();
  EXPECT_TRUE(record.is_of("/models/x/../e5-v", record.load, record.prepare));
  EXPECT_FALSE(record.is_of("/models/other", record.load, record.prepare));
  LoadOptions load = record.load;
  load.device = "cpu", load.threads = 3;
  EXPECT_TRUE(record.is_of(record.folder, load, record.prepare)) << "these depend on the machine";
  load.dtype = ComputeType::f32;
  EXPECT_FALSE(record.is_of(record.folder, load, record.prepare));
  load = record.load;
  load.adapter.clear();
  EXPECT_FALSE(record.is_of(record.folder, load, record.prepare));
  PrepareOptions prepare = record.prepare;
  ++prepare.max_pixels;
  EXPECT_FALSE(record.is_of(record.folder, record.load, prepare));
}

TEST(ModelRecord, AnotherFingerprintIsRefusedAndTheDifferenceNamed) {
  const ModelRecord library = example_record();
  require_same_space(library, library, "/lib");
  ModelRecord other = example_record();
  other.folder = "/models/other";
  other.fingerprint.weights = "x";
  EXPECT_THAT(
      [&] { require_same_space(library, other, "/lib"); },
      ThrowsMessage<InvalidInput>(HasSubstr(
          "[/lib] the library's vectors belong to another vector space than those of /models/other: expected weights "
          "w, found x; leave out option model and the options that change vectors, so that those of the library (model "
          "/models/e5-v) are used, or index with option rebuild")));
  other = example_record();
  other.fingerprint.compute = "f32+l2";
  EXPECT_THAT([&] { require_same_space(library, other, "/lib"); },
              ThrowsMessage<InvalidInput>(HasSubstr("expected arithmetic bf16+l2, found f32+l2")));
}

}  // namespace
}  // namespace e5v::library
