#include "model/rope.h"

#include <gmock/gmock.h>

#include "golden.h"
#include "model/config.h"

namespace e5v::model {
namespace {

/// rope_types that transformers knows and this program does not.
bool is_unsupported(const Json& config) {
  for (const char* place : {"rope_scaling", "rope_parameters"}) {
    if (!config.contains(place) || !config[place].is_object()) continue;
    const Json& rope = config[place];
    const std::string type = rope.value("rope_type", Json("")).is_string() ? rope.value("rope_type", "") : "";
    if (type == "proportional" || type == "longrope" || rope.contains("full_attention")) return true;
  }
  return false;
}

void expect_as_reference(const Json& golden) {
  SCOPED_TRACE(golden["config"].dump());
  RotaryFrequencies found;
  try {
    found = rotary_frequencies(parse_config(golden["config"], "config.json").text);
  } catch (const ModelError& error) {
    EXPECT_TRUE(golden.contains("error") || is_unsupported(golden["config"])) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr("[config.json] \""));
    return;
  }
  ASSERT_FALSE(golden.contains("error") || is_unsupported(golden["config"])) << "it was to be refused";
  const Json& expected = golden["frequencies"];
  ASSERT_EQ(found.inverse.size(), expected.size());
  EXPECT_NEAR(found.scale, golden["scale"].get<double>(), 1e-6);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double value = expected[i].get<double>();
    EXPECT_NEAR(found.inverse[i], value, 2e-7 * value) << i;  // two last bits of a float
  }
}

TEST(Rope, ParametersAreThoseOfTransformersOrRefused) {
  const Json golden = read_json(e5v::test::golden("config/rope.json"));
  ASSERT_GT(golden["cases"].size(), 150u);
  for (const Json& item : golden["cases"]) expect_as_reference(item);
}

}  // namespace
}  // namespace e5v::model
