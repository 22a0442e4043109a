#include <gtest/gtest.h>

#include "e5v/embedder.h"

namespace e5v {
namespace {

TEST(Fingerprint, EveryPartButThePromptTellsSpacesApart) {
  const Fingerprint base{"w", "p", "c", "a prompt"};
  EXPECT_EQ(base.space().size(), 32u);
  EXPECT_EQ(base.space(), (Fingerprint{"w", "p", "c", "another"}).space());
  for (const Fingerprint& other :
       {Fingerprint{"x", "p", "c", ""}, Fingerprint{"w", "x", "c", ""}, Fingerprint{"w", "p", "x", ""}})
    EXPECT_NE(base.space(), other.space());
  EXPECT_NE((Fingerprint{"ab", "c", "", ""}).space(), (Fingerprint{"a", "bc", "", ""}).space());
}

TEST(Fingerprint, TheIdHoldsThePrompt) {
  const Fingerprint base{"w", "p", "c", "a prompt"};
  EXPECT_EQ(base.id(), (Fingerprint{"w", "p", "c", "a prompt"}).id());
  EXPECT_NE(base.id(), (Fingerprint{"w", "p", "c", "another"}).id());
  EXPECT_NE(base.id(), (Fingerprint{"x", "p", "c", "a prompt"}).id());
}

}  // namespace
}  // namespace e5v
