#pragma once
#include <cstdlib>

#include "stores/postgres/connection.h"
#include "stores/stored_photos.h"

namespace e5v::test {

/// A database without the tables of a store, at the address in E5V_TEST_POSTGRESQL.
class PostgresTest : public testing::Test {
 protected:
  PostgresTest() : connection_(url()) { connection_.execute("DROP SCHEMA IF EXISTS e5v CASCADE"); }

  static stores::StoreUrl url() {
    const char* text = std::getenv("E5V_TEST_POSTGRESQL");
    return stores::StoreUrl(text == nullptr ? "" : text);  // which throws
  }
  std::int64_t number(const std::string& query) { return connection_.run(query).integer(0, 0); }

  stores::postgres::Connection connection_;
};

}  // namespace e5v::test
