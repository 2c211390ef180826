#include "base/process_figures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace parallax {
namespace {

TEST(ProcessFigures, AreThoseOfThisProcess) {
  const auto figures = read_process_figures();
  ASSERT_TRUE(figures.has_value()) << figures.error().what;
  EXPECT_GT(figures->resident_bytes, 1'000'000U);
  EXPECT_GE(figures->virtual_bytes, figures->resident_bytes);
  EXPECT_GT(figures->max_fds, 0U);
  EXPECT_GT(figures->start_time_seconds, 1.6e9);
}

TEST(ProcessFigures, CountADescriptorThatIsOpenedAndNotTheirOwn) {
  const auto before = read_process_figures();
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto after = read_process_figures();
  close(fd);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->open_fds, before->open_fds + 1);
}

TEST(ProcessFigures, SayWhereTheyLookedInVain) {
  const auto figures = read_process_figures("/nowhere");
  ASSERT_FALSE(figures.has_value());
  EXPECT_EQ(figures.error().what, "/nowhere/self/stat cannot be read; is /nowhere mounted?");
}

}  // namespace
}  // namespace parallax
