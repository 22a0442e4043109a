#include "serve/metrics.h"

#include "serve/service_fixture.h"
#include "tensor/fake_device.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

TEST(Metrics, RequestsAreCountedByRouteStatusAndTime) {
  Metrics metrics;
  metrics.count("/a", 200, 0.02);
  metrics.count("/a", 200, 0.2);
  metrics.count("/a", 500, 100);
  const std::string text = metrics.text({}, {.open = 3, .accepted = 5, .refused = 1});
  EXPECT_THAT(text, HasSubstr("e5v_connections 3\n"));
  EXPECT_THAT(text, HasSubstr("e5v_requests_total{route=\"/a\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("e5v_request_seconds_bucket{route=\"/a\",le=\"0.025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("e5v_request_seconds_bucket{route=\"/a\",le=\"60\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("e5v_request_seconds_bucket{route=\"/a\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("e5v_request_seconds_count{route=\"/a\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE e5v_request_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("# HELP e5v_inputs_cancelled_total Inputs in the queue that were cancelled before they "
                              "were computed\n"));
}

TEST(Metrics, FetchesAreCountedByTheirProblem) {
  http::FetchCounters counters{.bytes = 7, .seconds = 0.5, .waiting = 2, .active = 3};
  counters.ended[static_cast<std::size_t>(http::FetchProblem::time)] = 4;
  const std::string text = fetch_metrics(counters);
  EXPECT_THAT(text, HasSubstr("e5v_image_fetches_total{problem=\"none\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("e5v_image_fetches_total{problem=\"time\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("e5v_image_fetch_bytes_total 7\n"));
  EXPECT_THAT(text, HasSubstr("e5v_image_fetch_seconds_total 0.5\n"));
  EXPECT_THAT(text, HasSubstr("e5v_image_fetches_active 3\n"));
  EXPECT_THAT(text, HasSubstr("e5v_image_fetches_waiting 2\n"));
}

/// An accelerator of which only the memory matters.
class Accelerator : public tensor::test::FakeDevice {
 public:
  std::size_t total_bytes() const override { return 8'000'000'000; }
  std::size_t free_bytes() const override { return 3; }
};

TEST(Metrics, TheMemoryOfTheAcceleratorIsShown) {
  const std::string text = memory_metrics(Accelerator());
  EXPECT_THAT(text, HasSubstr("e5v_gpu_memory_bytes 8000000000\n"));
  EXPECT_THAT(text, HasSubstr("e5v_gpu_memory_free_bytes 3\n"));
  const bool shown = Metrics().text({}, {}).find("e5v_gpu_memory_bytes") != std::string::npos;
  EXPECT_EQ(shown, tensor::has_device());
}

class ModelMetrics : public ServiceTest {};

TEST_F(ModelMetrics, AModelsCountersHaveItsName) {
  post("/v1/embeddings", {{"input", "a text for the counters"}});
  EXPECT_THAT(ask("GET", "/metrics").body, testing::ContainsRegex("e5v_inputs_done_total\\{model=\"tiny\"\\} [1-9]"));
  const std::shared_ptr<ServedModel> served = model();
  served->held->inputs = 5;
  served->held->bytes = 70;
  const std::string text = ask("GET", "/metrics").body;
  EXPECT_THAT(text, HasSubstr("e5v_held_inputs{model=\"tiny\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("e5v_held_bytes{model=\"tiny\"} 70\n"));
  served->held->inputs = 0;
  served->held->bytes = 0;
}

}  // namespace
}  // namespace e5v::serve
