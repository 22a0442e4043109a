#include "processes/ending.h"

#include <gmock/gmock.h>

#include <new>

#include "base/error.h"

namespace e5v::processes {
namespace {

TEST(Ending, AProcessAloneTellsAndEndsByItself) {
  EXPECT_TRUE(tells_failure());
  EXPECT_EQ(failure_prefix(), "");
  end_all(1);  // returns
  SUCCEED();
}

/// Class and message of the error that arrives elsewhere.
template <class E>
std::string sent(const std::function<void()>& check) {
  try {
    throw_verdict(verdict_of(check), 4);
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another class: ") + error.what();
  }
}

TEST(Ending, ErrorsArriveAsTheyWereThrown) {
  EXPECT_EQ(verdict_of([] {}), "");
  EXPECT_EQ(sent<InvalidInput>([] { throw InvalidInput("[a.jpg] is cut"); }), "process 4: [a.jpg] is cut");
  EXPECT_EQ(sent<ModelError>([] { throw ModelError("m"); }), "process 4: m");
  EXPECT_EQ(sent<DeviceError>([] { throw DeviceError("d"); }), "process 4: d");
  EXPECT_EQ(sent<Overloaded>([] { throw Overloaded("o"); }), "process 4: o");
  EXPECT_EQ(sent<DeviceError>([] { throw std::bad_alloc(); }), "process 4: out of memory");
  EXPECT_EQ(sent<DeviceError>([] { throw std::runtime_error("r"); }), "process 4: r");
  EXPECT_THROW(verdict_of([] { throw 7; }), int);
}

}  // namespace
}  // namespace e5v::processes
