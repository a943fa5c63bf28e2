#include "baseline/small_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/shapes.hpp"

namespace sw {
namespace {

TEST(SmallModels, are_in_order_of_size_and_can_be_measured_without_weights) {
  EXPECT_TRUE(std::ranges::is_sorted(small_models(), {}, &SmallModel::parameters));
  for (const SmallModel& model : small_models())
    EXPECT_TRUE(model.name == "demo" || find_model_shape(model.name)) << model.name;
  EXPECT_EQ(find_small_model("gpt-5"), nullptr);
}

TEST(SmallModels, have_the_parameters_that_are_published) {
  // Bytes at F32 over four are parameters. A head that shares the embedding is stored once.
  const FileType* f32 = find_file_type("F32");
  for (const SmallModel& model : small_models()) {
    if (model.name == "demo") continue;
    const auto bytes = weight_bytes(model, *f32);
    ASSERT_TRUE(bytes) << model.name << ": " << bytes.error().message();
    EXPECT_NEAR(static_cast<double>(*bytes) / 4, model.parameters, model.parameters * 0.02) << model.name;
  }
}

TEST(SmallModels, demo_is_always_there) {
  const auto weights = pulled_weights(*find_small_model("demo"));
  ASSERT_TRUE(weights);
  EXPECT_TRUE(weights->real);
}

TEST(Room, is_refused_when_it_is_short_before_anything_is_written) {
  EXPECT_TRUE(check_room(1000, 1200, "memory", "m"));
  const Status refused = check_room(1000000000, 1199000000, "memory", "m");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("1199 MB of memory"), std::string::npos) << refused.error().message();
  EXPECT_NE(refused.error().message().find("1200 MB"), std::string::npos);
}

}  // namespace
}  // namespace sw
