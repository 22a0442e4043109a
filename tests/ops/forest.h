#pragma once
#include "ops/attention.h"

namespace e5v::ops::test {

/// A root of 20 rows with two children, one of which has two of its own; a second tree beside it: 355 rows.
inline AttentionPlan forest() {
  return {{{0, 20}, {20, 7}, {27, 300}, {327, 1}, {328, 18}, {346, 9}},
          {{{0, 20}, {0}, true},
           {{20, 7}, {0, 1}, true},
           {{27, 300}, {0, 2}, true},
           {{327, 1}, {0, 2, 3}, true},
           {{328, 18}, {0, 2, 4}, true},
           {{346, 9}, {5}, true}}};
}

}  // namespace e5v::ops::test
