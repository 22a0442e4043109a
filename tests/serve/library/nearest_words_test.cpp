#include "serve/library/nearest_words.h"

#include <chrono>
#include <set>
#include <thread>

#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using namespace std::chrono_literals;

class NearestWordsTest : public LibraryServiceTest {
 protected:
  static NearestWords::Answer wait_for(NearestWords& words, const std::vector<float>& vector, std::size_t top) {
    for (int i = 0; i < 3000; ++i) {
      NearestWords::Answer answer = words.nearest(vector, top);
      if (answer.ready) return answer;
      EXPECT_LT(answer.embedded, word_list().size());
      std::this_thread::sleep_for(20ms);
    }
    ADD_FAILURE() << "the words are not embedded in time";
    return {};
  }
};

TEST(WordList, HasDistinctWordsAndFitsTheDescription) {
  const std::set<std::string_view> words(word_list().begin(), word_list().end());
  EXPECT_EQ(words.size(), word_list().size());
  EXPECT_GE(words.size(), 400u);  // the maximum of "top" in parameters.json
  EXPECT_TRUE(words.contains("violin"));
  EXPECT_FALSE(words.contains(""));
}

TEST_F(NearestWordsTest, TheNearestWordToTheVectorOfAWordIsThisWord) {
  const test::TemporaryFolder folder;
  NearestWords words(folder.path(), model(), {});
  const std::vector<float> violin = embedded({Input::from_text("violin")})[0];
  const NearestWords::Answer answer = wait_for(words, violin, 3);
  ASSERT_EQ(answer.words.size(), 3u);
  EXPECT_EQ(answer.words[0].text, "violin");
  EXPECT_NEAR(answer.words[0].score, 1, 1e-5);
  EXPECT_GE(answer.words[1].score, answer.words[2].score);
  // They are kept: another server has them at once.
  NearestWords again(folder.path(), model(), {});
  EXPECT_TRUE(again.nearest(violin, 1).ready);
  // A damaged file is not used, and written anew.
  const std::filesystem::path file = std::filesystem::directory_iterator(folder.path() / "words")->path();
  const auto size = std::filesystem::file_size(file);
  std::filesystem::resize_file(file, 100);
  NearestWords repaired(folder.path(), model(), {});
  EXPECT_EQ(wait_for(repaired, violin, 1).words[0].text, "violin");
  EXPECT_EQ(std::filesystem::file_size(file), size);
}

TEST_F(NearestWordsTest, TheRouteSaysHowFarItIs) {
  const std::string path = "/library/photos/" + id_of("60.jpg") + "/words?top=2";
  Json answer;
  for (int i = 0; i < 3000; ++i) {
    answer = ask("GET", path).json();
    EXPECT_EQ(answer.at("total"), word_list().size());
    if (answer.at("ready")) break;
    EXPECT_EQ(answer.at("words").size(), 0u);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(answer.at("words").size(), 2u);
  EXPECT_EQ(ask("GET", path + "000").status, 400);
}

}  // namespace
}  // namespace e5v::serve
