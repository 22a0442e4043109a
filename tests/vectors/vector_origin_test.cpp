#include "vectors/vector_origin.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"
#include "vectors/vector_file.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;

class OriginTest : public testing::Test {
 protected:
  /// A finished file of one vector.
  fs::path write(const std::string& name, VectorOrigin made_by) const {
    const fs::path path = folder.path() / name;
    const VectorFormat format = *format_of(path);
    VectorFile file(path, {format, made_by.width, made_by.beginning()});
    file.add(1, std::vector<float>{1, 0.5f, -1});
    file.flush();
    made_by.rows = file.size().rows, made_by.items = 3, made_by.left_out = 2, made_by.source = {7, 8};
    file.complete(made_by.ending());
    VectorFile::publish(path, format);
    return path;
  }

  const VectorOrigin origin{.weights = "one", .preprocessing = "p", .compute = "f32+l2/1", .prompt = "sts", .width = 3};
  test::TemporaryFolder folder;
};

TEST_F(OriginTest, EveryFormatTellsIt) {
  VectorOrigin expected = origin;
  expected.rows = 1, expected.items = 3, expected.left_out = 2, expected.source = {7, 8};
  for (const char* name : {"a.npy", "a.jsonl", "a.safetensors"}) EXPECT_EQ(read_origin(write(name, origin)), expected);
  expected.prompt = "";  // by content
  VectorOrigin by_content = origin;
  by_content.prompt = "";
  for (const char* name : {"b.npy", "b.jsonl", "b.safetensors"})
    EXPECT_EQ(read_origin(write(name, by_content)), expected);
}

TEST_F(OriginTest, IsThatOfTheFingerprint) {
  const VectorOrigin made = VectorOrigin::of({"w", "p", "c", "filled in"}, "text", 5);
  EXPECT_EQ(made, (VectorOrigin{"w", "p", "c", "text", 5}));
  EXPECT_EQ(made.beginning().at("fingerprint"), (Fingerprint{"w", "p", "c", "another"}).space());
}

TEST_F(OriginTest, ASidecarKnowsItsFile) {
  const fs::path path = write("a.npy", origin), sidecar = origin_path(path);
  const std::string told = read_file(sidecar);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(130) << "x";
  EXPECT_THAT([&] { read_origin(path); }, testing::ThrowsMessage<InvalidInput>(
                                              testing::HasSubstr("a.npy.origin.json] tells what made another file")));
  write("a.npy", origin);
  const std::pair<std::string, const char*> cases[] = {
      {"{", "is not JSON"},
      {"[1]", "tells no origin of vectors"},
      {"{\"e5v_origin\": 2}", "is of version 2, expected 1"},
      {std::string(told).replace(told.find("\"items\": \"3"), 11, "\"items\": \"x"),
       "\"items\" is \"x\", expected a number"},
      {std::string(told).replace(told.find("weights"), 7, "no more"), "has no \"weights\""}};
  for (const auto& [content, part] : cases) {
    write_file_atomically(sidecar, content);
    EXPECT_THAT([&] { read_origin(path); }, testing::ThrowsMessage<InvalidInput>(testing::HasSubstr(part))) << content;
  }
  fs::remove(sidecar);
  EXPECT_EQ(read_origin(path), std::nullopt);
}

/// A pair of formats.
class MixedVectors : public OriginTest, public testing::WithParamInterface<std::pair<const char*, const char*>> {
 protected:
  fs::path with(std::string VectorOrigin::*member, const char* value) const {
    VectorOrigin changed = origin;
    changed.*member = value;
    return write(std::string("b.") + GetParam().second, changed);
  }
  fs::path first() const { return write(std::string("a.") + GetParam().first, origin); }
};

TEST_P(MixedVectors, AreRefusedInWordsThatNameBothFiles) {
  const std::string a = first();
  const std::tuple<std::string VectorOrigin::*, const char*, const char*> cases[] = {
      {&VectorOrigin::weights, "two", "the weights differ, two and one;"},
      {&VectorOrigin::preprocessing, "q", "tokenizer or image preprocessing differ, q and p;"},
      {&VectorOrigin::compute, "bf16+l2/1", "the arithmetic differs, bf16/1 and f32/1;"}};
  for (const auto& [member, value, part] : cases) {
    const std::string b = with(member, value);
    EXPECT_THAT([&] { require_comparable(a, b); },
                testing::ThrowsMessage<InvalidInput>(
                    testing::HasSubstr("[" + b + "] its vectors cannot be compared with those of " + a + ": " + part)));
  }
}

TEST_P(MixedVectors, OfOneSpaceAreCompared) {
  const fs::path a = first();
  EXPECT_NO_THROW(require_comparable(a, with(&VectorOrigin::prompt, "image")));
  EXPECT_NO_THROW(require_comparable(a, with(&VectorOrigin::compute, "f32/1")));  // only lengths differ
}

TEST_P(MixedVectors, OfUnknownOriginAreCompared) {
  const fs::path b = with(&VectorOrigin::weights, "two");
  EXPECT_NO_THROW(require_comparable(folder.write("stranger.npy", "of unknown origin"), b));
  EXPECT_NO_THROW(require_comparable(b, folder.write("stranger.jsonl", "{}")));
}

constexpr const char* kEndings[] = {"npy", "jsonl", "safetensors"};
INSTANTIATE_TEST_SUITE_P(Formats, MixedVectors,
                         testing::Values(std::pair{kEndings[0], kEndings[0]}, std::pair{kEndings[1], kEndings[1]},
                                         std::pair{kEndings[2], kEndings[2]}, std::pair{kEndings[0], kEndings[2]},
                                         std::pair{kEndings[1], kEndings[0]}, std::pair{kEndings[2], kEndings[1]}));

}  // namespace
}  // namespace e5v::vectors
