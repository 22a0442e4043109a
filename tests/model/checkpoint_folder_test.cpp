#include "model/checkpoint_folder.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

class CheckpointFolder : public testing::Test {
 protected:
  void SetUp() override {
    for (const fs::path& folder : {model_, output_}) fs::create_directory(folder);
  }

  /// Files of the output folder, each with its name in it.
  void have(const std::vector<std::string>& names) const {
    for (const std::string& name : names) folder_.write("output/" + name, name);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(output_)) {
      if (entry.is_regular_file()) found.push_back(fs::relative(entry.path(), output_).string());
    }
    return found;
  }

  e5v::test::TemporaryFolder folder_;
  fs::path model_ = folder_.path() / "model", output_ = folder_.path() / "output";
};

constexpr const char* kIndex = "output/model.safetensors.index.json";

TEST_F(CheckpointFolder, CopiesWhatIsNeitherWeightsNorConfig) {
  for (const char* name : {"config.json", "tokenizer.json", "README.md", "model.safetensors.index.json",
                           "model-00001-of-00001.safetensors", "training_args.bin"}) {
    folder_.write(std::string("model/") + name, "new");
  }
  have({"tokenizer.json", "model.safetensors"});
  copy_side_files(model_, output_);
  EXPECT_THAT(names(), UnorderedElementsAre("model.safetensors", "tokenizer.json", "README.md"));
  EXPECT_EQ(read_file(output_ / "tokenizer.json"), "new");
}

TEST_F(CheckpointFolder, TheIndexAndItsShardsGo) {
  fs::create_directory(output_ / "sub");
  have({"model.safetensors", "a.safetensors", "sub/b.safetensors", "mine.safetensors", "notes.txt"});
  folder_.write(kIndex, R"({"weight_map": {"x": "a.safetensors", "y": "sub/b.safetensors", "z": "a.safetensors",
                                           "u": "./model.safetensors", "v": "notes.txt", "w": "gone.safetensors"}})");
  copy_side_files(model_, output_);
  EXPECT_THAT(names(), UnorderedElementsAre("model.safetensors", "mine.safetensors", "notes.txt"));
}

TEST_F(CheckpointFolder, NothingGoesBeforeTheNewFileIsThere) {
  have({"a.safetensors"});
  folder_.write(kIndex, R"({"weight_map": {"x": "a.safetensors"}})");
  prepare_output(model_, output_, true);
  copy_side_files(model_, output_);
  EXPECT_THAT(names(), UnorderedElementsAre("a.safetensors", "model.safetensors.index.json"));
}

TEST_F(CheckpointFolder, OfABrokenIndexOnlyItselfGoes) {
  const fs::path outside = folder_.write("outside.safetensors", "x");
  for (const char* index : {"{", "[]", R"({"weight_map": {"x": "a.safetensors", "y": "../outside.safetensors"}})"}) {
    have({"model.safetensors", "a.safetensors"});
    folder_.write(kIndex, index);
    copy_side_files(model_, output_);
    EXPECT_THAT(names(), UnorderedElementsAre("model.safetensors", "a.safetensors")) << index;
  }
  EXPECT_TRUE(fs::exists(outside));
}

TEST_F(CheckpointFolder, AFullFolderNeedsForce) {
  have({"config.json", "x"});
  EXPECT_THAT([&] { prepare_output(model_, output_, false); },
              ThrowsMessage<InvalidInput>(HasSubstr("is not empty; option force replaces")));
  EXPECT_THAT([&] { prepare_output(model_, model_, true); },
              ThrowsMessage<InvalidInput>(HasSubstr("is the model's own folder")));
  prepare_output(model_, output_, true);
  EXPECT_THAT(names(), UnorderedElementsAre("config.json", "x"));  // whole until the new weights are
  begin_replacement(output_);
  EXPECT_THAT(names(), UnorderedElementsAre("x"));
}

}  // namespace
}  // namespace e5v::model
