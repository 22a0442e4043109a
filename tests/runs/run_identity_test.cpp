#include "runs/run_identity.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::runs {
namespace {

const RunIdentity kRun = identity_of({.weights = "w", .preprocessing = "p", .compute = "c", .prompt = "", .width = 3});

TEST(RunIdentity, IsWhatVectorsDependOn) {
  EXPECT_EQ(kRun,
            (RunIdentity{{"weights", "w"}, {"preprocessing", "p"}, {"compute", "c"}, {"prompt", ""}, {"width", "3"}}));
}

TEST(RunIdentity, WhatDiffersIsToldInWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"weights", "the model's weights was"},
      {"preprocessing",
       "the preprocessing (tokenizer; the options max-tiles, alpha, no-exif, paper-compat and truncate; "
       "e5v's revision) was"},
      {"compute", "the arithmetic (the options dtype and no-normalize; the CPU's bf16; e5v's revision) was"},
      {"prompt", "the prompt was"},
      {"width", "the width of a vector was"}};
  ASSERT_EQ(std::size(cases), kRun.size());
  EXPECT_NO_THROW(require_same_identity("v.npy", kRun, kRun));
  for (const auto& [key, words] : cases) {
    RunIdentity now = kRun;
    now[key] = "another";
    const std::string message = std::string("[v.npy] cannot be resumed: ") + words + " \"" + kRun.at(key) +
                                "\", now it is \"another\"; option force starts over";
    EXPECT_THAT([&] { require_same_identity("v.npy", kRun, now); }, testing::ThrowsMessage<InvalidInput>(message));
  }
}

TEST(RunIdentity, WhatAnIdentityDoesNotSayDiffers) {
  RunIdentity before = kRun;
  before.erase("weights");
  EXPECT_THAT([&] { require_same_identity("v.npy", before, kRun); },
              testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("was \"\", now it is \"w\"")));
}

}  // namespace
}  // namespace e5v::runs
