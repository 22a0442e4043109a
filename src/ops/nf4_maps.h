#pragma once
#include <array>
#include <cstddef>

/// The constants of NF4 with the bits of bitsandbytes.
namespace e5v::ops {

/// The values of the codes: quantiles of a normal distribution, scaled to [-1, 1], and zero. Source: get_4bit_type.
inline constexpr std::array<float, 16> kNf4Map{
    -1.0f,      -0.6961928f, -0.52507305f, -0.3949175f, -0.28444138f, -0.18477343f, -0.091050036f, 0.0f,
    0.0795803f, 0.1609302f,  0.2461123f,   0.33791524f, 0.44070983f,  0.562617f,    0.72295684f,   1.0f};

/// The borders between codes: a number above threshold c and at most threshold c + 1 has code c + 1. Source:
/// dQuantizeNF4.
inline constexpr std::array<float, 15> kNf4Thresholds{
    -0.8480964f, -0.6106329f, -0.45999527f, -0.33967942f, -0.2346074f, -0.13791174f, -0.045525018f, 0.03979015f,
    0.12025525f, 0.20352125f, 0.29201376f,  0.38931254f,  0.50166345f, 0.6427869f,   0.86147845f};

/// The positive numbers of the dynamic map below 1: for each power of ten from 1e-6 to 1, the middles of 1, 2, 4, ...,
/// 64 equal parts of [0.1, 1]. They are a table, because they come from torch.linspace, which rounds depending on its
/// vectors. Source: create_dynamic_map.
inline constexpr std::array<float, 127> kDynamicMagnitudes{
    5.5000004e-07f, 3.2500002e-06f, 7.75e-06f,      2.1249998e-05f, 4.375e-05f,    6.625e-05f,     8.875e-05f,
    0.00015625001f, 0.00026875004f, 0.00038125002f, 0.00049375003f, 0.0006062501f, 0.00071875006f, 0.00083125f,
    0.0009437501f,  0.0012812499f,  0.00184375f,    0.00240625f,    0.00296875f,   0.0035312497f,  0.00409375f,
    0.0046562497f,  0.0052187503f,  0.00578125f,    0.00634375f,    0.00690625f,   0.00746875f,    0.00803125f,
    0.00859375f,    0.009156249f,   0.00971875f,    0.01140625f,    0.01421875f,   0.01703125f,    0.01984375f,
    0.02265625f,    0.02546875f,    0.028281247f,   0.03109375f,    0.033906247f,  0.036718752f,   0.03953125f,
    0.042343747f,   0.04515625f,    0.04796875f,    0.05078125f,    0.05359375f,   0.05640625f,    0.059218753f,
    0.062031247f,   0.06484375f,    0.067656256f,   0.070468746f,   0.07328125f,   0.07609375f,    0.07890625f,
    0.08171874f,    0.08453125f,    0.08734375f,    0.09015625f,    0.092968754f,  0.095781244f,   0.09859375f,
    0.107031256f,   0.12109375f,    0.13515624f,    0.14921875f,    0.16328125f,   0.17734374f,    0.19140625f,
    0.20546874f,    0.21953125f,    0.23359376f,    0.24765626f,    0.26171875f,   0.27578127f,    0.28984374f,
    0.30390626f,    0.31796873f,    0.33203125f,    0.3460937f,     0.36015624f,   0.37421876f,    0.38828123f,
    0.40234375f,    0.4164062f,     0.43046874f,    0.44453126f,    0.45859373f,   0.47265625f,    0.48671877f,
    0.50078124f,    0.51484376f,    0.5289062f,     0.54296875f,    0.5570313f,    0.5710938f,     0.58515626f,
    0.5992187f,     0.61328125f,    0.6273438f,     0.64140624f,    0.65546876f,   0.6695313f,     0.68359375f,
    0.6976563f,     0.7117188f,     0.72578126f,    0.7398438f,     0.75390625f,   0.7679688f,     0.78203124f,
    0.7960937f,     0.8101562f,     0.82421875f,    0.8382812f,     0.85234374f,   0.8664062f,     0.8804687f,
    0.89453125f,    0.9085938f,     0.92265624f,    0.9367187f,     0.9507812f,    0.96484375f,    0.9789062f,
    0.99296874f};

/// The values of the bytes of rounded scales: the magnitudes with both signs in order, zero, and 1 as the largest.
inline constexpr std::array<float, 256> kDynamicMap = [] {
  std::array<float, 256> map{};
  for (std::size_t i = 0; i < kDynamicMagnitudes.size(); ++i) {
    map[126 - i] = -kDynamicMagnitudes[i];
    map[128 + i] = kDynamicMagnitudes[i];
  }
  map[255] = 1;
  return map;
}();

}  // namespace e5v::ops
