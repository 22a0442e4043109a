#include "eval/vector_store.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Fingerprint kFingerprint{"weights", "preprocessing", "f32", "prompt"};

class VectorStoreTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  VectorStore open(const Fingerprint& fingerprint = kFingerprint) const { return {folder_.path(), fingerprint, 3}; }
  std::filesystem::path file(const char* name) const { return folder_.path() / kFingerprint.id() / name; }

  /// Two vectors under keys 1 and 2.
  void fill() const {
    VectorStore store = open();
    store.add({1, 0}, std::vector{1.0f, 2.0f, 3.0f});
    store.add({2, 0}, std::vector{4.0f, 5.0f, 6.0f});
    store.commit();
  }
  static std::vector<float> read(VectorStore& store, std::uint64_t key) {
    std::vector<float> vector(3);
    return store.read({key, 0}, vector) ? vector : std::vector<float>();
  }
};

TEST_F(VectorStoreTest, KeepsVectorsBeyondItsLife) {
  fill();
  VectorStore store = open();
  EXPECT_EQ(store.size(), 2);
  EXPECT_TRUE(store.contains({2, 0}));
  EXPECT_THAT(read(store, 1), ElementsAre(1, 2, 3));
  EXPECT_THAT(read(store, 2), ElementsAre(4, 5, 6));
  EXPECT_THAT(read(store, 3), ElementsAre());
}

TEST_F(VectorStoreTest, AnotherFingerprintFindsNothing) {
  fill();
  for (const Fingerprint& other : {Fingerprint{"other", "preprocessing", "f32", "prompt"},
                                   {"weights", "other", "f32", "prompt"},
                                   {"weights", "preprocessing", "bf16", "prompt"},
                                   {"weights", "preprocessing", "f32", "other"}}) {
    EXPECT_EQ(open(other).size(), 0);
  }
}

TEST_F(VectorStoreTest, WhatAKilledProcessLeftHalfWrittenIsCutOff) {
  fill();
  std::ofstream(file("vectors.f32"), std::ios::app) << "torn";
  std::ofstream(file("keys"), std::ios::app) << "half a key";
  {
    VectorStore store = open();
    EXPECT_EQ(store.size(), 2);
    store.add({3, 0}, std::vector{7.0f, 8.0f, 9.0f});
    store.commit();
  }
  VectorStore store = open();
  EXPECT_EQ(store.size(), 3);
  EXPECT_THAT(read(store, 2), ElementsAre(4, 5, 6));
  EXPECT_THAT(read(store, 3), ElementsAre(7, 8, 9));
}

TEST_F(VectorStoreTest, KeysWithoutRowsAreForgotten) {
  fill();
  std::filesystem::resize_file(file("vectors.f32"), 12);
  VectorStore store = open();
  EXPECT_EQ(store.size(), 1);
  EXPECT_THAT(read(store, 1), ElementsAre(1, 2, 3));
  EXPECT_FALSE(store.contains({2, 0}));
}

TEST_F(VectorStoreTest, ADamagedRowCountsAsAbsentAndCanBeWrittenAgain) {
  fill();
  {
    std::fstream stream(file("vectors.f32"), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(13);
    stream.put('x');
  }
  VectorStore store = open();
  EXPECT_THAT(read(store, 2), ElementsAre());
  EXPECT_FALSE(store.contains({2, 0}));
  store.add({2, 0}, std::vector{4.0f, 5.0f, 6.0f});
  EXPECT_THAT(read(store, 2), ElementsAre()) << "not before it is written";
  store.commit();
  EXPECT_THAT(read(store, 2), ElementsAre(4, 5, 6));
}

TEST_F(VectorStoreTest, OneProcessWritesAtATime) {
  const VectorStore store = open();
  try {
    open();
    FAIL() << "opened twice";
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("another process"));
  }
}

TEST_F(VectorStoreTest, ARefusedOpeningLeavesTheFilesAsTheyAre) {
  VectorStore store = open();
  store.add({1, 0}, std::vector{1.0f, 2.0f, 3.0f});
  store.commit();
  for (const char* name : {"keys", "vectors.f32"}) std::ofstream(file(name), std::ios::app) << "being written";
  const auto keys = std::filesystem::file_size(file("keys")), vectors = std::filesystem::file_size(file("vectors.f32"));
  EXPECT_THROW(open(), InvalidInput);
  EXPECT_EQ(std::filesystem::file_size(file("keys")), keys);
  EXPECT_EQ(std::filesystem::file_size(file("vectors.f32")), vectors);
}

TEST_F(VectorStoreTest, RefusesOtherWidthsAndFoldersThatCannotBe) {
  VectorStore store = open();
  EXPECT_THROW(store.add({1, 0}, std::vector{1.0f}), InvalidInput);
  const auto file = folder_.write("file", "no folder");
  EXPECT_THROW(VectorStore(file, kFingerprint, 3), InvalidInput);
}

}  // namespace
}  // namespace e5v::eval
