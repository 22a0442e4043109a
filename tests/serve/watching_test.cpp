#include "serve/watching.h"

#include "e5v/version.h"
#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

class Watched : public ServiceTest {};

TEST_F(Watched, AServerThatRunsIsHealthy) {
  for (const char* path : {"/health", "/ping", "/ready"}) {
    const Answer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, R"({"status":"ok"})") << path;
    EXPECT_EQ(answer.type, "application/json") << path;
  }
}

TEST_F(Watched, VersionIsThatOfTheProgram) {
  EXPECT_EQ(ask("GET", "/version").json(), (Json{{"version", E5V_VERSION}}));
}

/// Prometheus knows the format by its version.
TEST_F(Watched, MetricsAreInPrometheusFormat) {
  post("/v1/embeddings", {{"input", "a cat"}});
  const Answer answer = ask("GET", "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answer.body, testing::HasSubstr("# TYPE "));
  EXPECT_THAT(answer.body, testing::HasSubstr("model=\"tiny\""));
}

/// A server that loads its models or shuts down runs, and answers nothing else.
TEST_F(Watched, OnlyWhatIsOpenAnswersWhileItIsNotReady) {
  service_.drain();
  const auto status = [&](const char* path) { return ask("GET", path).status; };
  EXPECT_EQ(status("/health"), 200);
  EXPECT_EQ(status("/ping"), 200);
  EXPECT_EQ(status("/version"), 200);
  EXPECT_EQ(status("/ready"), 503);
  EXPECT_EQ(status("/metrics"), 503);
}

TEST_F(Watched, AllPathsAreRead) {
  EXPECT_THAT(watching_routes(), testing::Each(testing::Field(&Route::method, "GET")));
  for (const Route& route : watching_routes()) EXPECT_EQ(ask("POST", std::string(route.path), "{}").status, 405);
}

}  // namespace
}  // namespace e5v::serve
