#include "stores/postgres/photo_rows.h"

#include "stores/postgres/database.h"
#include "stores/postgres/schema.h"

namespace e5v::stores::postgres {
namespace {

class PhotoRowsTest : public test::PostgresTest {
 protected:
  PhotoRowsTest() { make_schema(connection_, 8); }
  std::vector<std::string> write(PhotoRows& rows) {
    return in_transaction(connection_, [&] { return rows.write(connection_); });
  }
  Result read(const Hash128& hash) {
    return connection_.run(
        fmt::format("SELECT {}, vector FROM e5v.photos WHERE hash = '{}'", kMetadataColumns, hash.hex()));
  }
};

TEST_F(PhotoRowsTest, MetadataAndVectorsKeepAllBits) {
  const auto photos = test::RandomPhotos(8).make(20);
  PhotoRows rows;
  for (const StoredPhoto& photo : photos) rows.add(photo.hash, photo.metadata, photo.vector);
  EXPECT_EQ(write(rows).size(), 20u);
  for (const StoredPhoto& photo : photos) {
    const Result found = read(photo.hash);
    EXPECT_EQ(metadata_at(found, 0, 0), photo.metadata);
    for (std::size_t d = 0; d < 8; ++d) EXPECT_EQ(found.halves(0, kMetadataCount)[d].bits, photo.vector[d].bits);
  }
}

TEST_F(PhotoRowsTest, OnlyNewPhotosAreReturnedAndVectorsStay) {
  auto photos = test::RandomPhotos(8).make(3);
  PhotoRows first, second, described;
  first.add(photos[0].hash, photos[0].metadata, photos[0].vector);
  write(first);
  second.add(photos[0].hash, photos[1].metadata, photos[2].vector);
  second.add(photos[1].hash, photos[1].metadata, photos[1].vector);
  second.add(photos[1].hash, photos[1].metadata, photos[1].vector);
  EXPECT_EQ(write(second), std::vector<std::string>{photos[1].hash.hex()});
  EXPECT_EQ(metadata_at(read(photos[0].hash), 0, 0), photos[1].metadata);
  EXPECT_EQ(read(photos[0].hash).halves(0, kMetadataCount)[0].bits, photos[0].vector[0].bits);
  described.add(photos[1].hash, photos[2].metadata);
  described.add(photos[2].hash, photos[2].metadata);
  EXPECT_TRUE(write(described).empty());
  EXPECT_EQ(metadata_at(read(photos[1].hash), 0, 0), photos[2].metadata);
  EXPECT_EQ(number("SELECT count(*) FROM e5v.photos"), 2);
  PhotoRows none;
  EXPECT_TRUE(write(none).empty());
}

}  // namespace
}  // namespace e5v::stores::postgres
