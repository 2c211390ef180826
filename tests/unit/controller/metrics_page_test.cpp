#include "controller/metrics_page.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(MetricsPage, OfAnySizeHoldsEveryLineOnceAndInOrder) {
  MetricsPage page;
  Family& small = page.family("small", MetricKind::gauge, "Few.");
  Family& large = page.family("large", MetricKind::counter, "Many.");
  Family& last = page.family("last", MetricKind::gauge, "One.");
  std::string expected =
      "# HELP small Few.\n# TYPE small gauge\nsmall 0.5\n# HELP large Many.\n# TYPE large counter\n";
  small.add({}, 0.5);
  // From less than a piece to many of them, with lines of all lengths, the longest longer than a piece.
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const std::string labels = "a=\"" + std::string(i % 300, 'x') + "\"";
    large.add(labels, i % 2 == 0 ? "" : "b=\"2\"", i);
    expected += "large{" + labels + (i % 2 == 0 ? "} " : ",b=\"2\"} ") + std::to_string(i) + "\n";
  }
  const std::string longest = "a=\"" + std::string(200'000, 'y') + "\"";
  large.add(longest, std::uint64_t{7});
  large.add({}, longest, std::uint64_t{8});
  expected += "large{" + longest + "} 7\nlarge{" + longest + "} 8\n";
  last.add({}, std::uint64_t{1});
  expected += "# HELP last One.\n# TYPE last gauge\nlast 1\n";

  const TextPieces pieces = page.take(ExpositionFormat::text);
  EXPECT_EQ(size_of(pieces), expected.size());
  EXPECT_EQ(joined(pieces), expected);
}

TEST(MetricsPage, LeavesOutFamiliesWithoutSamples) {
  MetricsPage page;
  page.family("none", MetricKind::gauge, "Nothing.");
  EXPECT_EQ(joined(page.take(ExpositionFormat::open_metrics)), "# EOF\n");
}

}  // namespace
}  // namespace parallax
