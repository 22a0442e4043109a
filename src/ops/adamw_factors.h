#pragma once

namespace e5v::ops {

/// The numbers of a step of AdamW, rounded to float32 where PyTorch rounds them.
struct AdamWFactors {
  float keep = 1;  ///< factor of the value, after weight decay
  float one_minus_beta1 = 0, beta2 = 0, one_minus_beta2 = 0;
  float correction2 = 1;  ///< root of the second moment's bias correction
  float epsilon = 0;
  float size = 0;  ///< learning rate over the first moment's bias correction
};

}  // namespace e5v::ops
