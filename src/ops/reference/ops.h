#pragma once
// The ops in double and without optimisation, which fast kernels are compared with.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/attention.h"

namespace e5v::ops::reference {

/// A dense matrix of doubles.
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> values;

  Matrix(std::int64_t r, std::int64_t c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c)) {}
  double& at(std::int64_t r, std::int64_t c) { return values[static_cast<std::size_t>(r * columns + c)]; }
  double at(std::int64_t r, std::int64_t c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
};

/// y = x w^T + bias.
inline Matrix matmul(const Matrix& x, const Matrix& w, const std::vector<double>& bias) {
  Matrix y(x.rows, w.rows);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    for (std::int64_t j = 0; j < w.rows; ++j) {
      double sum = bias.empty() ? 0.0 : bias[static_cast<std::size_t>(j)];
      for (std::int64_t k = 0; k < x.columns; ++k) sum += x.at(i, k) * w.at(j, k);
      y.at(i, j) = sum;
    }
  }
  return y;
}

/// The result of quantize_rows: whole numbers, and the scale of each row.
struct Quantized {
  Matrix values;
  std::vector<double> scales;
};

inline Quantized quantize_rows(const Matrix& x, int levels = 127) {
  Quantized q{Matrix(x.rows, x.columns), {}};
  for (std::int64_t i = 0; i < x.rows; ++i) {
    double largest = 0;
    for (std::int64_t j = 0; j < x.columns; ++j) largest = std::max(largest, std::abs(x.at(i, j)));
    q.scales.push_back(largest / levels);
    for (std::int64_t j = 0; j < x.columns && largest > 0; ++j) {
      q.values.at(i, j) = std::nearbyint(x.at(i, j) * levels / largest);
    }
  }
  return q;
}

inline Matrix rms_norm(const Matrix& x, const std::vector<double>& gamma, double eps) {
  Matrix y(x.rows, x.columns);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    double square = 0;
    for (std::int64_t j = 0; j < x.columns; ++j) square += x.at(i, j) * x.at(i, j);
    const double root = std::sqrt(square / static_cast<double>(x.columns) + eps);
    for (std::int64_t j = 0; j < x.columns; ++j) y.at(i, j) = x.at(i, j) / root * gamma[static_cast<std::size_t>(j)];
  }
  return y;
}

inline Matrix layer_norm(const Matrix& x, const std::vector<double>& gamma, const std::vector<double>& beta,
                         double eps) {
  Matrix y(x.rows, x.columns);
  const auto count = static_cast<double>(x.columns);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    double mean = 0, variance = 0;
    for (std::int64_t j = 0; j < x.columns; ++j) mean += x.at(i, j) / count;
    for (std::int64_t j = 0; j < x.columns; ++j) variance += (x.at(i, j) - mean) * (x.at(i, j) - mean) / count;
    for (std::int64_t j = 0; j < x.columns; ++j) {
      const auto c = static_cast<std::size_t>(j);
      y.at(i, j) = (x.at(i, j) - mean) / std::sqrt(variance + eps) * gamma[c] + beta[c];
    }
  }
  return y;
}

inline double silu(double x) { return x / (1 + std::exp(-x)); }
inline double quick_gelu(double x) { return x / (1 + std::exp(-1.702 * x)); }
inline double gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }
inline double gelu_tanh(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/// In place. inverse_frequencies has one number for each pair of a head's elements.
inline void rotary(Matrix& x, const std::vector<std::int32_t>& positions,
                   const std::vector<double>& inverse_frequencies) {
  const auto pairs = static_cast<std::int64_t>(inverse_frequencies.size());
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t head = 0; head < x.columns / (2 * pairs); ++head) {
      for (std::int64_t i = 0; i < pairs; ++i) {
        const double angle = positions[static_cast<std::size_t>(t)] * inverse_frequencies[static_cast<std::size_t>(i)];
        double& a = x.at(t, head * 2 * pairs + i);
        double& b = x.at(t, head * 2 * pairs + pairs + i);
        const double first = a, second = b;
        a = first * std::cos(angle) - second * std::sin(angle);
        b = second * std::cos(angle) + first * std::sin(angle);
      }
    }
  }
}

/// Rows of no span stay zero.
inline Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, std::int64_t heads, std::int64_t kv_heads,
                        double scale, const AttentionPlan& plan) {
  const std::int64_t width = q.columns / heads;
  Matrix out(q.rows, q.columns);
  for (const AttentionPlan::Span& span : plan.spans) {
    for (std::int64_t i = 0; i < span.queries.count; ++i) {
      std::vector<std::int64_t> keys;
      for (std::size_t n = 0; n < span.path.size(); ++n) {
        const RowRange node = plan.nodes[static_cast<std::size_t>(span.path[n])];
        const bool own = n + 1 == span.path.size();
        const std::int64_t seen = own && span.causal ? node.count - span.queries.count + i + 1 : node.count;
        for (std::int64_t key = 0; key < seen; ++key) keys.push_back(node.begin + key);
      }
      const std::int64_t row = span.queries.begin + i;
      for (std::int64_t head = 0; head < heads; ++head) {
        const std::int64_t kv = head / (heads / kv_heads);
        std::vector<double> weights;
        double largest = -1e300, sum = 0;
        for (const std::int64_t key : keys) {
          double score = 0;
          for (std::int64_t e = 0; e < width; ++e) score += q.at(row, head * width + e) * k.at(key, kv * width + e);
          weights.push_back(score * scale);
          largest = std::max(largest, weights.back());
        }
        for (double& weight : weights) sum += weight = std::exp(weight - largest);
        for (std::size_t n = 0; n < keys.size(); ++n) {
          for (std::int64_t e = 0; e < width; ++e) {
            out.at(row, head * width + e) += weights[n] / sum * v.at(keys[n], kv * width + e);
          }
        }
      }
    }
  }
  return out;
}

/// A number that AdamW trains, exactly by algorithm 2 of arXiv:1711.05101.
struct AdamW {
  double value, mean = 0, square = 0;

  struct Options {
    double rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  };
  /// Step `number`, counted from 1.
  void step(double gradient, int number, const Options& o) {
    value -= o.rate * o.weight_decay * value;
    mean = o.beta1 * mean + (1 - o.beta1) * gradient;
    square = o.beta2 * square + (1 - o.beta2) * gradient * gradient;
    const double mean_hat = mean / (1 - std::pow(o.beta1, number));
    const double square_hat = square / (1 - std::pow(o.beta2, number));
    value -= o.rate * mean_hat / (std::sqrt(square_hat) + o.epsilon);
  }
};

}  // namespace e5v::ops::reference
