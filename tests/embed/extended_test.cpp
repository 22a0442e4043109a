#include <zlib.h>

#include <cstdio>

#include "embed/golden_suite.h"

/// The checkpoint with Llama-3's real vocabulary and token ids, which is too big for the repository.
namespace e5v::test {
namespace {

std::filesystem::path shared_goldens() {
  const std::filesystem::path folder = extended_goldens();
  require(!folder.empty(), "[extended] E5V_EXTENDED_GOLDENS must name the folder of the full goldens");
  return folder / "goldens";
}

void gunzip(const std::filesystem::path& from, const std::filesystem::path& to) {
  const gzFile in = gzopen(from.c_str(), "rb");
  require(in != nullptr, "[{}] cannot be opened", from.string());
  std::FILE* out = std::fopen(to.c_str(), "wb");
  std::vector<char> block(1 << 20);
  int count = 0;
  while ((count = gzread(in, block.data(), static_cast<unsigned>(block.size()))) > 0) {
    std::fwrite(block.data(), 1, static_cast<std::size_t>(count), out);
  }
  std::fclose(out);
  gzclose(in);
  require(count == 0, "[{}] is no whole gzip file", from.string());
}

/// The full checkpoint, unpacked into a temporary folder for the life of the tests.
class GoldenFull : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::filesystem::path source = shared_goldens() / "ckpt/tiny-full";
    folder = std::filesystem::temp_directory_path() / ("e5v-full-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    for (const char* name : {"config.json", "preprocessor_config.json", "tokenizer.json"}) {
      std::filesystem::create_symlink(source / name, folder / name);
    }
    gunzip(source / "model.safetensors.gz", folder / "model.safetensors");
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder); }
  static GoldenModel model() { return {folder, shared_goldens() / "embed", "full_f16"}; }

  static inline std::filesystem::path folder;
};

TEST_F(GoldenFull, Texts) { check_texts(model(), ComputeType::f32); }
TEST_F(GoldenFull, Images) { check_images(model(), ComputeType::f32, "v5"); }
TEST_F(GoldenFull, ImagesPaperCompat) { check_images(model(), ComputeType::f32, "v4412"); }
TEST_F(GoldenFull, TextsInBf16) { check_texts(model(), ComputeType::bf16); }
TEST_F(GoldenFull, ImagesInBf16) { check_images(model(), ComputeType::bf16, "v5"); }

}  // namespace
}  // namespace e5v::test
