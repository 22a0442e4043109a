#include "serve/call_images.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "fake_fetcher.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

using http::FetchProblem;
using testing::ElementsAre;
using testing::IsEmpty;

/// Items of a call and what comes of them: "image image" for those that are handed on, else the message.
class CallImagesTest : public testing::Test {
 protected:
  void add(const std::vector<std::string>& images) {
    Item item;
    item.field = fmt::format("input[{}]", call_->items.size());
    for (std::size_t i = 0; i < images.size(); ++i)
      add_image(item.input, images[i], fmt::format("{}.images[{}]", item.field, i), call_->images);
    call_->items.push_back(std::move(item));
  }
  void start() {
    fetch_images(call_, cancel_.get_token(), [this](std::size_t i, const Item& item, const std::exception_ptr& error) {
      std::string& outcome = outcomes_[i];
      EXPECT_TRUE(outcome.empty()) << i << " has come twice";
      if (error) {
        outcome = fault_of(error).message;
        return;
      }
      for (const RequestImage& image : item.input.images) {
        outcome += *image.file + " ";
        files_.insert(image.file);
      }
    });
  }

  FakeFetcher fetcher_;
  std::stop_source cancel_;
  std::map<std::size_t, std::string> outcomes_;
  std::set<SharedFile> files_;
  std::shared_ptr<EmbeddingCall> call_ =
      std::make_shared<EmbeddingCall>(EmbeddingCall{.model = nullptr, .client = "shop", .images = {100, &fetcher_}});
};

TEST_F(CallImagesTest, AnItemIsHandedOnWhenItHasAllItsImages) {
  add({"http://a/1", "Zm9v", "http://a/2"});
  add({});
  add({"http://a/2"});
  start();
  EXPECT_EQ(outcomes_.size(), 1u);
  EXPECT_TRUE(outcomes_.contains(1));
  fetcher_.end("http://a/2", "two");
  EXPECT_EQ(outcomes_[2], "two ");
  EXPECT_FALSE(outcomes_.contains(0));
  fetcher_.end("http://a/1", "one");
  EXPECT_EQ(outcomes_[0], "one foo two ");
}

TEST_F(CallImagesTest, AUrlIsFetchedOnceForItsClient) {
  call_->deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) add({"http://a/1", "http://a/1"});
  start();
  EXPECT_THAT(fetcher_.urls(), ElementsAre("http://a/1"));
  EXPECT_EQ(fetcher_.request(0).client, "shop");
  EXPECT_EQ(fetcher_.request(0).max_bytes, 100u);
  EXPECT_EQ(fetcher_.request(0).deadline, call_->deadline);
  fetcher_.end("http://a/1", "x");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(outcomes_[i], "x x ");
  EXPECT_EQ(files_.size(), 1u);
}

TEST_F(CallImagesTest, AFewAreFetchedAtATime) {
  for (int i = 10; i < 30; ++i) add({fmt::format("http://a/{}", i)});
  start();
  EXPECT_EQ(fetcher_.urls().size(), 8u);
  fetcher_.end("http://a/10", "x");
  EXPECT_EQ(fetcher_.urls().size(), 8u);
  while (!fetcher_.urls().empty()) fetcher_.end(fetcher_.urls().front(), "x");
  EXPECT_EQ(outcomes_.size(), 20u);
}

TEST_F(CallImagesTest, OneThatFailsEndsItsOwnItemsOnly) {
  add({"http://a/1", "http://a/2"});
  add({"http://a/2"});
  start();
  fetcher_.end("http://a/1", {FetchProblem::status, 404});
  EXPECT_EQ(outcomes_[0], "[input[0].images[0]] expected an image at the URL, found an answer with status 404");
  fetcher_.end("http://a/2", "two");
  EXPECT_EQ(outcomes_[1], "two ");
}

TEST_F(CallImagesTest, ImagesOfARequestShareItsBytes) {
  add({"http://a/1"});
  add({"http://a/2"});
  start();
  fetcher_.end("http://a/1", std::string(60, 'x'));
  fetcher_.end("http://a/2", std::string(60, 'x'));
  EXPECT_EQ(outcomes_[0].size(), 61u);
  EXPECT_EQ(outcomes_[1],
            "[input[1].images[0]] expected at most 100 bytes of images from URLs in a request, found more");
}

/// The embedder copies an image for each input that has it.
TEST_F(CallImagesTest, CopiesOfImagesAreLimited) {
  for (int i = 0; i < 7; ++i) add({"http://a/1"});
  add({"http://a/2", "http://a/2"});
  start();
  fetcher_.end("http://a/1", std::string(60, 'x'));  // 360 bytes are copied
  EXPECT_EQ(outcomes_[6].size(), 61u);
  fetcher_.end("http://a/2", std::string(40, 'x'));
  EXPECT_EQ(outcomes_[7].size(), 82u);
}

TEST_F(CallImagesTest, CopiesOfImagesBeyondTheLimitAreRefused) {
  for (int i = 0; i < 8; ++i) add({"http://a/1"});
  add({"http://a/2", "http://a/2"});
  start();
  fetcher_.end("http://a/2", std::string(40, 'x'));
  EXPECT_EQ(outcomes_[8].size(), 82u);
  fetcher_.end("http://a/1", std::string(60, 'x'));
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_EQ(outcomes_[i], fmt::format("[input[{}].images[0]] expected at most 400 bytes of repeated images from URLs "
                                        "in a request, found more",
                                        i));
}

TEST_F(CallImagesTest, AfterACancelNothingElseIsFetched) {
  for (int i = 10; i < 30; ++i) add({fmt::format("http://a/{}", i)});
  start();
  cancel_.request_stop();
  while (!fetcher_.urls().empty()) fetcher_.end(fetcher_.urls().front(), {FetchProblem::cancelled});
  EXPECT_EQ(outcomes_.size(), 20u);
}

TEST_F(CallImagesTest, APassedDeadlineIsNotTheClientsFault) {
  call_->deadline = std::chrono::steady_clock::now();
  add({"http://a/1"});
  start();
  fetcher_.end("http://a/1", {FetchProblem::time});
  EXPECT_EQ(outcomes_[0], "the deadline passed before the input was computed");
}

TEST_F(CallImagesTest, ThereIsALimitToUrls) {
  add({"Zm9v"});
  for (int i = 0; i < 2049; ++i) add({"http://a/1"});
  start();
  EXPECT_THAT(fetcher_.urls(), IsEmpty());
  EXPECT_EQ(outcomes_[0], "foo ");
  EXPECT_EQ(outcomes_[2049], "[input[2049].images[0]] expected a request with at most 2048 URLs of images, found 2049");
}

}  // namespace
}  // namespace e5v::serve
