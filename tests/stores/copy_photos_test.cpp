#include "stores/copy_photos.h"

#include "base/interrupted.h"
#include "stores/library_store.h"
#include "stores/stored_photos.h"
#include "temporary_folder.h"

namespace e5v::stores {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class CopyPhotosTest : public testing::Test {
 protected:
  void SetUp() override {
    from_.set_model(test::model_of_width(32));
    from_.set_root({"/photos", {"x"}});
    from_.put(photos_);
  }

  const test::TemporaryFolder a_, b_;
  std::vector<StoredPhoto> photos_ = test::RandomPhotos(32).make(600);
  LibraryStore from_{a_.path(), "test"}, to_{b_.path(), "test"};
};

TEST_F(CopyPhotosTest, EverythingIsCopiedOnce) {
  std::int64_t told = 0;
  EXPECT_EQ(copy_photos(from_, to_, [&](std::int64_t photos) { told += photos; }), 600);
  EXPECT_EQ(told, 600);
  from_.set_calibration("a");
  EXPECT_EQ(copy_photos(from_, to_), 600);
  EXPECT_EQ(to_.calibration(), "a");
  from_.set_calibration("b");
  copy_photos(from_, to_);
  EXPECT_EQ(to_.calibration(), "a") << "that of its own photos";
  test::expect_photos(to_, photos_);
  EXPECT_EQ(to_.roots(), from_.roots());
  EXPECT_EQ(to_.model()->json(), from_.model()->json());
}

TEST_F(CopyPhotosTest, AnotherModelIsRefused) {
  to_.set_model(test::model_of_width(32, "other"));
  EXPECT_THAT([&] { copy_photos(from_, to_); },
              ThrowsMessage<InvalidInput>(HasSubstr("has vectors of another vector space than")));
  const test::TemporaryFolder empty;
  LibraryStore none(empty.path(), "test");
  EXPECT_THAT([&] { copy_photos(none, to_); }, ThrowsMessage<InvalidInput>(HasSubstr("has no photos yet")));
}

TEST_F(CopyPhotosTest, AnInterruptedCopyGoesOn) {
  int calls = 0;
  EXPECT_THROW(copy_photos(from_, to_, nullptr,
                           [&] {
                             if (++calls == 2) throw Interrupted();
                           }),
               Interrupted);
  EXPECT_EQ(to_.count({}), 256);
  copy_photos(from_, to_);
  test::expect_photos(to_, photos_);
}

}  // namespace
}  // namespace e5v::stores
