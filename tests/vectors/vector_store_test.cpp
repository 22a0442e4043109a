#include "vectors/vector_store.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace e5v::vectors {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

const Fingerprint kFingerprint{"weights", "preprocessing", "f32", "prompt"};

class VectorStoreTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::map<std::string, std::string> good_;  // what fill() left in the files

  VectorStore open(const Fingerprint& fingerprint = kFingerprint) const { return {folder_.path(), fingerprint, 3}; }
  std::filesystem::path file(const char* name) const { return folder_.path() / kFingerprint.id() / name; }

  /// Two vectors under keys 1 and 2.
  void fill() {
    VectorStore store = open();
    store.add({1, 0}, std::vector{1.0f, 2.0f, 3.0f});
    store.add({2, 0}, std::vector{4.0f, 5.0f, 6.0f});
    store.commit();
    for (const char* name : {"keys", "vectors.f32", "fingerprint.json"}) good_[name] = content(name);
  }
  std::string content(const std::string& name) const { return read_file(file(name.c_str())); }
  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(file(name.c_str()), std::ios::binary) << bytes;
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

TEST_F(VectorStoreTest, NoByteThatWasChangedIsBelieved) {
  fill();
  for (const char* name : {"vectors.f32", "keys", "fingerprint.json"}) {
    const std::string good = content(name);
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
      write(name, bad);
      VectorStore store = open();
      EXPECT_THAT(read(store, 1), AnyOf(ElementsAre(), ElementsAre(1, 2, 3))) << name << " " << at;
      EXPECT_THAT(read(store, 2), AnyOf(ElementsAre(), ElementsAre(4, 5, 6))) << name << " " << at;
      if (std::string_view(name) == "vectors.f32") {
        EXPECT_EQ(store.damaged(), 1) << at;
        EXPECT_EQ(store.size(), 1) << at;
      }
      if (std::string_view(name) == "fingerprint.json") {  // it is written anew, and rows may be gone
        EXPECT_EQ(content(name), good) << at;
        for (const auto& [other, bytes] : good_) write(other, bytes);
      }
    }
    write(name, good);
  }
}

TEST_F(VectorStoreTest, RowsUnderOtherKeysOrPromptsAreNotBelieved) {
  fill();
  // Keys change places, each with the check of the row that it stands beside.
  std::string keys = content("keys");
  std::swap_ranges(keys.begin(), keys.begin() + 16, keys.begin() + 24);
  write("keys", keys);
  {
    VectorStore store = open();
    EXPECT_THAT(read(store, 1), ElementsAre());
    EXPECT_THAT(read(store, 2), ElementsAre());
    EXPECT_EQ(store.damaged(), 2);
  }
  // The folder of one prompt under the name of another.
  const Fingerprint other{"weights", "preprocessing", "f32", "another"};
  for (const auto& [name, bytes] : good_) write(name, bytes);
  std::filesystem::rename(folder_.path() / kFingerprint.id(), folder_.path() / other.id());
  VectorStore store = open(other);
  EXPECT_THAT(read(store, 1), ElementsAre());
  EXPECT_EQ(store.damaged(), 1);
}

TEST_F(VectorStoreTest, AStoreOfAnotherFormatIsBegunAnew) {
  fill();
  std::string stated = content("fingerprint.json");
  const std::size_t at = stated.find("  \"format\": 2,\n");
  ASSERT_NE(at, std::string::npos);
  write("fingerprint.json", stated.substr(0, at) + stated.substr(at + 15));  // as the first format had it
  {
    VectorStore store = open();
    EXPECT_EQ(store.size(), 0);
    EXPECT_EQ(content("fingerprint.json"), stated);
    EXPECT_EQ(content("keys"), "");
    store.add({1, 0}, std::vector{7.0f, 8.0f, 9.0f});
    store.commit();
  }
  VectorStore store = open();
  EXPECT_THAT(read(store, 1), ElementsAre(7, 8, 9));
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
}  // namespace e5v::vectors
