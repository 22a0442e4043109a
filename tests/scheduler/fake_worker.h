#pragma once
#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "scheduler/worker.h"

namespace e5v::scheduler::test {

/// A text of as many tokens as it has bytes.
inline embed::PreparedInput fake_text(const std::string& text) {
  embed::PreparedInput prepared;
  for (const char c : text) prepared.symbols.push_back({-1, c});
  return prepared;
}

/// An image of so many tokens, which takes so many bytes; `number` tells it from others.
inline embed::PreparedInput fake_image(std::uint64_t number, std::size_t tokens, std::size_t bytes = 0) {
  embed::PreparedInput prepared;
  auto image = std::make_shared<model::PreparedImage>();
  image->patches.pixels.resize(bytes);
  image->layout = model::ImageLayout(std::vector<std::int32_t>(tokens));
  prepared.images.push_back({{number, 0}, image});
  prepared.symbols = embed::with_image_rows({embed::kImageSlot}, prepared.images);
  return prepared;
}

/// "abc" for such a text, "image 7" for such an image.
inline std::string name_of(const embed::PreparedInput& input) {
  if (!input.images.empty()) return fmt::format("image {}", input.images[0].key.low);
  std::string name;
  for (const embed::Symbol& symbol : input.symbols) name += static_cast<char>(symbol.value);
  return name;
}

/// An input that is such an image: one pixel.
inline Input image_input(int number) {
  return Input::from_image(Pixels{1, 1, {static_cast<std::uint8_t>(number), 0, 0}});
}

/// A model that is none. A text's vector holds its length and its first byte. Texts that begin with "bad" cannot be
/// prepared, those with "nan" have no vector, and a pass that holds one that begins with "boom" fails.
class FakeWorker : public Worker {
 public:
  static constexpr std::int64_t kBudget = 100;
  static constexpr std::size_t kImageTokens = 90;

  std::shared_ptr<const Fingerprint> fingerprint(const Input&, const RunOptions& run, const PrepareOptions&) override {
    require(run.prompt != "unknown", "[prompt unknown] there is none");
    Fingerprint fingerprint;
    fingerprint.prompt = run.prompt;
    return std::make_shared<const Fingerprint>(fingerprint);
  }

  embed::PreparedInput prepare(const Input& input, const RunOptions& run, const PrepareOptions& options) override {
    ++prepared;
    prepared_by = std::this_thread::get_id();
    const bool has_image = !input.images.empty();
    if (has_image) {
      while (images_held) std::this_thread::yield();
      ++decoded;
    } else {
      require(!input.text->starts_with("bad"), "[input] is bad");
    }
    const auto* pixels = has_image ? std::get_if<Pixels>(&input.images[0]) : nullptr;
    embed::PreparedInput result = has_image
                                      ? fake_image(pixels != nullptr ? pixels->rgb[0] : 0, kImageTokens, image_bytes)
                                      : fake_text(*input.text);
    result.fingerprint = fingerprint(input, run, options);
    return result;
  }

  embed::BatchVectors compute(std::span<const embed::PreparedInput> inputs) override {
    {
      std::unique_lock lock(mutex_);
      std::vector<std::string>& batch = batches_.emplace_back();
      for (const embed::PreparedInput& input : inputs) batch.push_back(name_of(input));
      changed_.notify_all();
      changed_.wait(lock, [&] { return static_cast<int>(batches_.size()) <= allowed_; });
    }
    embed::BatchVectors vectors;
    for (const embed::PreparedInput& input : inputs) {
      const std::string name = name_of(input);
      if (name.starts_with("boom")) throw std::runtime_error("boom");
      const bool broken = name.starts_with("nan");
      vectors.add(broken ? std::vector<float>() : vector_of(name), broken ? "the result is not finite" : "");
    }
    return vectors;
  }

  std::int64_t token_budget(std::int64_t asked) const override { return asked > 0 ? asked : kBudget; }

  static std::vector<float> vector_of(const std::string& name) {
    return {static_cast<float>(name.size()), static_cast<float>(name.empty() ? 0 : name[0])};
  }

  /// Lets so many batches end, counted from the first.
  void allow(int batches) {
    const std::lock_guard lock(mutex_);
    allowed_ = batches;
    changed_.notify_all();
  }
  /// Waits until so many batches have begun.
  void wait_for(int batches) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return static_cast<int>(batches_.size()) >= batches; });
  }
  std::vector<std::vector<std::string>> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

  std::atomic<int> prepared = 0, decoded = 0;
  std::atomic<std::thread::id> prepared_by;  ///< the thread that has prepared the last input
  std::atomic<std::size_t> image_bytes = 0;  ///< of a prepared image
  std::atomic<bool> images_held = false;     ///< while it is true, no image gets prepared

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = std::numeric_limits<int>::max();
  std::vector<std::vector<std::string>> batches_;
};

}  // namespace e5v::scheduler::test
