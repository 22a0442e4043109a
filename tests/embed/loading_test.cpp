#include "embed/loading.h"

#include <gmock/gmock.h>

#include "api/model.h"
#include "golden.h"
#include "temporary_folder.h"

namespace e5v::embed {
namespace {

/// What add_preparation() comes to.
template <class... Revision>
Hash128 preparation(const std::filesystem::path& folder, Revision... revision) {
  Hasher hasher;
  add_preparation(hasher, folder, revision...);
  return hasher.digest();
}

TEST(Revisions, OfThePreparationAndTheTokenizerAreHashed) {
  const e5v::test::TemporaryFolder folder, other;
  folder.write("tokenizer.json", "{}");
  other.write("tokenizer.json", "{ }");
  const Hash128 now = preparation(folder.path());
  EXPECT_EQ(preparation(folder.path(), kPreparationRevision), now);
  EXPECT_NE(preparation(folder.path(), kPreparationRevision + 1), now);
  EXPECT_NE(preparation(other.path()), now);
}

TEST(Revisions, OfTheArithmeticEndsWhatIsSaidOfIt) {
  const std::string end = fmt::format("/{}", kArithmeticRevision);
  EXPECT_EQ(compute_text(nn::Precision::f32, RunOptions{}, tensor::Place::host), "f32+l2" + end);
  EXPECT_EQ(compute_text(nn::Precision::f32, RunOptions{.normalize = false}, tensor::Place::host), "f32" + end);
  EXPECT_EQ(compute_text(nn::Precision::f32, RunOptions{.dimensions = 256}, tensor::Place::host), "f32+256+l2" + end);
  EXPECT_EQ(compute_text(nn::Precision::bf16, RunOptions{}, tensor::Place::device), "bf16+l2" + end);
  for (const char* checkpoint : {"ckpt/tiny-small-f32", "ckpt/tiny-clip"}) {
    const Fingerprint fingerprint = e5v::test::Model(e5v::test::golden(checkpoint)).fingerprint("text");
    EXPECT_THAT(fingerprint.compute, testing::EndsWith("+l2" + end)) << checkpoint;
  }
}

}  // namespace
}  // namespace e5v::embed
