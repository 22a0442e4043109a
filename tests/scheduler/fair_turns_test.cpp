#include "scheduler/fair_turns.h"

#include <gtest/gtest.h>

namespace e5v::scheduler {
namespace {

TEST(FairTurns, OneClientKeepsItsOrder) {
  FairTurns turns;
  EXPECT_EQ(turns.next("a", 10), 0);
  EXPECT_EQ(turns.next("a", 5), 10);
  EXPECT_EQ(turns.next("a", 1), 15);
}

TEST(FairTurns, ASecondClientComesNextHoweverManyTheFirstHas) {
  FairTurns turns;
  for (int i = 0; i < 1000; ++i) turns.next("many", 20);
  turns.reached(100);  // five of them are computed
  EXPECT_EQ(turns.next("one", 20), 100);
  EXPECT_EQ(turns.next("one", 20), 120);
  EXPECT_EQ(turns.next("many", 20), 20000);
}

TEST(FairTurns, WaitingEarnsNothing) {
  FairTurns turns;
  turns.next("late", 1);
  turns.reached(500);
  EXPECT_EQ(turns.next("late", 1), 500);
}

TEST(FairTurns, AJobWithoutTokensTakesATurn) {
  FairTurns turns;
  EXPECT_EQ(turns.next("a", 0), 0);
  EXPECT_EQ(turns.next("a", 0), 1);
}

TEST(FairTurns, AJobThatIsNotComputedDoesNotDelayTheNext) {
  FairTurns turns;
  turns.next("a", 10);
  turns.next("a", 500);
  turns.next("a", 0);
  turns.take_back("a", 500);
  EXPECT_EQ(turns.next("a", 7), 11);
  turns.take_back("a", 0);  // which took one
  EXPECT_EQ(turns.next("a", 7), 17);
  turns.take_back("unknown", 7);
  EXPECT_EQ(turns.clients(), 1u);
}

TEST(FairTurns, TokensThatAreTakenBackEarnNothing) {
  FairTurns turns;
  turns.next("late", 1000);
  turns.next("late", 10);
  turns.reached(500);
  turns.take_back("late", 1000);
  EXPECT_EQ(turns.clients(), 0u) << "its end has passed";
  turns.take_back("late", 10);
  EXPECT_EQ(turns.next("late", 1), 500);
}

TEST(FairTurns, ClientsWithoutTurnsAreForgotten) {
  FairTurns turns;
  turns.next("a", 10);
  turns.next("b", 100);
  turns.reached(10);
  EXPECT_EQ(turns.clients(), 1u);
  turns.reached(200);
  EXPECT_EQ(turns.clients(), 0u);
}

}  // namespace
}  // namespace e5v::scheduler
