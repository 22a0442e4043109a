#include "library/reference_texts.h"

#include <gmock/gmock.h>

#include <set>

#include "golden.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

TEST(ReferenceTexts, AreKeptOnceForAModel) {
  const std::set<std::string_view> different(reference_texts().begin(), reference_texts().end());
  EXPECT_EQ(different.size(), 64u);
  const Embedder embedder = Embedder::load(test::golden("ckpt/tiny-small-f32"));
  const test::TemporaryFolder folder;
  Library library(folder.path(), "test");
  EXPECT_FALSE(reference_vectors(library)) << "there is no model";
  library.set_model(ModelRecord::of(embedder, test::golden("ckpt/tiny-small-f32"), {}, {}));
  EXPECT_FALSE(reference_vectors(library));
  folder.write("texts-0000.f16", "of another model");
  keep_reference_texts(library, embedder);
  EXPECT_EQ(folder.read("texts-0000.f16"), "");
  const auto vectors = reference_vectors(library);
  ASSERT_TRUE(vectors);
  const Embeddings expected = embedder.embed(std::vector{Input::from_text(std::string(reference_texts()[5]))});
  for (std::size_t d = 0; d < expected.values.size(); ++d)
    EXPECT_NEAR(static_cast<float>(vectors->row(5)[d]), expected.values[d], 1e-3f);
  keep_reference_texts(library, embedder);
  EXPECT_TRUE(reference_vectors(library));
}

}  // namespace
}  // namespace e5v::library
