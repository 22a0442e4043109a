#include "e5v/embedding.h"

#include <gmock/gmock.h>

namespace e5v {
namespace {

TEST(Embeddings, HoldEachFingerprintOnce) {
  const auto of = [](const std::string& prompt) {
    Fingerprint fingerprint;
    fingerprint.prompt = prompt;
    return std::make_shared<const Fingerprint>(fingerprint);
  };
  Embeddings embeddings;
  embeddings.width = 2;
  const std::vector<float> first{1, 0}, second{0, 1};
  embeddings.add({first, 5, of("text")});
  embeddings.add({second, 6, of("image")});
  embeddings.add({first, 7, of("text")});  // another object of the same content
  EXPECT_EQ(embeddings.size(), 3);
  EXPECT_THAT(embeddings.row(1), testing::ElementsAre(0.0f, 1.0f));
  EXPECT_THAT(embeddings.token_counts, testing::ElementsAre(5, 6, 7));
  EXPECT_EQ(embeddings.fingerprints.size(), 2u);
  EXPECT_EQ(embeddings.fingerprint(0).prompt, "text");
  EXPECT_EQ(embeddings.fingerprint(1).prompt, "image");
  EXPECT_EQ(embeddings.fingerprint(2).prompt, "text");
}

}  // namespace
}  // namespace e5v
