#include "model/model_folder.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ModelFolder : public testing::Test {
 protected:
  void expect_refused(const fs::path& path, const testing::Matcher<const std::string&>& message) const {
    EXPECT_THAT([&] { find_model_folder(path); }, ThrowsMessage<ModelError>(message));
  }

  e5v::test::TemporaryFolder folder_;
};

TEST_F(ModelFolder, IsTheOneWithTheConfig) {
  folder_.write("config.json", "{}");
  EXPECT_EQ(find_model_folder(folder_.path()), folder_.path());
}

TEST_F(ModelFolder, OfTheHubsCacheIsItsSnapshot) {
  const fs::path snapshot = folder_.path() / "snapshots" / "abc";
  fs::create_directories(snapshot);
  folder_.write("snapshots/abc/config.json", "{}");
  EXPECT_EQ(find_model_folder(folder_.path()), snapshot);
}

TEST_F(ModelFolder, MissingOnesSayWhatIsMissing) {
  expect_refused(folder_.path() / "none", HasSubstr("none] no such model folder"));
  expect_refused(folder_.path(), HasSubstr("config.json] no such file; a model is a folder with config.json"));
  fs::create_symlink(folder_.path() / "gone", folder_.path() / "link");
  expect_refused(folder_.path() / "link",
                 AllOf(HasSubstr("link] it is a link to"), HasSubstr("gone, which does not exist")));
  expect_refused(folder_.write("model.safetensors", "x"), HasSubstr("model.safetensors] is no folder; a model is"));
  expect_refused(folder_.path() / "model.safetensors" / "x", HasSubstr("Not a directory"));
}

TEST_F(ModelFolder, AnAdapterIsNoModel) {
  folder_.write("adapter_config.json", "{}");
  folder_.write("adapter_model.bin", "x");
  expect_refused(folder_.path(), AllOf(HasSubstr("is the folder of an adapter"), HasSubstr("adapter_config.json"),
                                       HasSubstr("this folder as option adapter")));
}

TEST_F(ModelFolder, AnAdapterBesideAModelIsNotPassedOver) {
  folder_.write("config.json", "{}");
  folder_.write("adapter_config.json", "{}");
  expect_refused(folder_.path(), HasSubstr("holds an adapter (adapter_config.json) and a model"));
}

TEST_F(ModelFolder, FilesOfOtherProgramsAreNamed) {
  const std::pair<const char*, const char*> files[] = {
      {"model-Q4_K.gguf", "found \"model-Q4_K.gguf\", GGUF, the format of llama.cpp"},
      {"pytorch_model.bin", "found \"pytorch_model.bin\", pickled weights: convert them"},
      {"consolidated.00.pth", "pickled weights"},
      {"tf_model.h5", "weights of TensorFlow"},
      {"flax_model.msgpack", "weights of Flax"},
      {"onnx/model.onnx", "found \"onnx/model.onnx\", ONNX"},
  };
  for (const auto& [name, message] : files) {
    const e5v::test::TemporaryFolder folder;
    fs::create_directory(folder.path() / "onnx");
    folder.write(name, "x");
    expect_refused(folder.path(), HasSubstr(message));
  }
  const e5v::test::TemporaryFolder folder;
  EXPECT_EQ(foreign_weights(folder.path()), "");
  folder.write("training_args.bin", "x");
  EXPECT_EQ(foreign_weights(folder.path()), "");
}

TEST_F(ModelFolder, FoldersAroundAModelSayWhereItIs) {
  fs::create_directories(folder_.path() / "0_Transformer");
  folder_.write("modules.json", "[]");  // sentence-transformers
  folder_.write("0_Transformer/config.json", "{}");
  expect_refused(folder_.path(), HasSubstr("perhaps you mean " + (folder_.path() / "0_Transformer").string()));
  const e5v::test::TemporaryFolder hub;
  fs::create_directories(hub.path() / "models--org--name" / "snapshots");
  expect_refused(hub.path(), HasSubstr("perhaps you mean " + (hub.path() / "models--org--name").string()));
}

}  // namespace
}  // namespace e5v::model
