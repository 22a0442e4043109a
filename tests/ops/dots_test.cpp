#include "ops/dots.h"

#include <gmock/gmock.h>

#include <cmath>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

TEST(Dots, AreSumsInDouble) {
  for (const std::int64_t columns : {1, 7, 31, 32, 100, 1027}) {
    const RandomMatrix a(5, columns, 1), b(9, columns, 2);
    std::vector<RowPair> pairs;
    for (std::int64_t i = 0; i < 5; ++i)
      for (std::int64_t j = 8; j >= 0; j -= 2) pairs.push_back({i, j});
    std::vector<double> found(pairs.size());
    dots(a.matrix(), b.matrix(), pairs, found);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      double sum = 0, size = 0;
      for (std::int64_t k = 0; k < columns; ++k) {
        const double product = a.exact.at(pairs[i].a, k) * b.exact.at(pairs[i].b, k);
        sum += product, size += std::abs(product);
      }
      EXPECT_NEAR(found[i], sum, 1e-14 * size) << columns << " " << i;
    }
  }
}

TEST(Dots, RefuseRowsThatAreNotThere) {
  const RandomMatrix a(2, 4, 1), b(3, 4, 2), wide(3, 5, 2);
  std::vector<double> one(1), two(2);
  const std::vector<RowPair> good{{1, 2}}, beyond{{2, 0}}, negative{{0, -1}};
  EXPECT_NO_THROW(dots(a.matrix(), b.matrix(), good, one));
  EXPECT_THROW(dots(a.matrix(), b.matrix(), beyond, one), InvalidInput);
  EXPECT_THROW(dots(a.matrix(), b.matrix(), negative, one), InvalidInput);
  EXPECT_THROW(dots(a.matrix(), b.matrix(), good, two), InvalidInput);
  EXPECT_THROW(dots(a.matrix(), wide.matrix(), good, one), InvalidInput);
}

}  // namespace
}  // namespace e5v::ops::test
