#include "base/gzip.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/unit/controller/gunzip.h"

namespace parallax {
namespace {

std::string gzip_of(const std::string& text) { return gzip({&text, 1}); }

// Bytes that do not compress (xorshift64).
std::string noise(std::size_t size) {
  std::string bytes;
  std::uint64_t state = 88172645463325252ULL;
  while (bytes.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bytes += static_cast<char>(state & 0xff);
  }
  return bytes;
}

TEST(Gzip, ComesBackAsItWas) {
  std::string page;
  for (int i = 0; i < 50'000; ++i) page += "probe_success{check=\"" + std::to_string(i) + "\"} 1\n";
  for (const std::string& text : {std::string(), std::string("x"), std::string("a\0b", 3), page, noise(300'000)})
    EXPECT_EQ(gunzip(gzip_of(text)), text) << text.size() << " bytes";
}

TEST(Gzip, JoinsThePieces) {
  EXPECT_EQ(gunzip(gzip(std::vector<std::string>{"one ", "", noise(100'000), "two"})),
            "one " + noise(100'000) + "two");
  EXPECT_EQ(gunzip(gzip(std::vector<std::string>{})), "");
}

TEST(Gzip, MakesAPageOfSeriesMuchSmaller) {
  std::string page;
  for (int i = 0; i < 1000; ++i) page += "probe_duration_seconds{service=\"shop\"} 0.02\n";
  EXPECT_LT(gzip_of(page).size(), page.size() / 10);
}

TEST(Gzip, IsUsedWhereTheHeaderAllowsIt) {
  for (const char* allows : {"gzip", "deflate, gzip;q=1.0, *;q=0.5", "br , gzip ;q=0.001", "*", "*;q=0, gzip"})
    EXPECT_TRUE(accepts_gzip(allows)) << allows;
  for (const char* forbids : {"", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "xgzip"})
    EXPECT_FALSE(accepts_gzip(forbids)) << forbids;
}

}  // namespace
}  // namespace parallax
