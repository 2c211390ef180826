#include "controller/identity.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(Identity, IsReadFromTheOneSpiffeName) {
  const auto identity = identity_from_spiffe_id("spiffe://parallax/location/eu-1a/probe/edge-7", "parallax");
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->location, "eu-1a");
  EXPECT_EQ(identity->probe, "edge-7");
}

TEST(Identity, SaysWhichPartOfTheNameIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"https://parallax/location/eu-1a/probe/edge-7", "is not a SPIFFE name"},
      {"spiffe://other/location/eu-1a/probe/edge-7", "is of another trust domain"},
      {"spiffe://parallax/zone/eu-1a/probe/edge-7", "names no location"},
      {"spiffe://parallax/location//probe/edge-7", "has a location with other characters"},
      {"spiffe://parallax/location/eu-1a", "names no probe"},
      {"spiffe://parallax/location/eu-1a/probe/", "has a probe name with other characters"},
      {"spiffe://parallax/location/eu-1a/probe/a/b", "has a probe name with other characters"},
  };
  for (const auto& [name, says] : cases) {
    const auto identity = identity_from_spiffe_id(name, "parallax");
    ASSERT_FALSE(identity.has_value()) << name;
    EXPECT_NE(identity.error().what.find(says), std::string::npos) << identity.error().what;
  }
}

}  // namespace
}  // namespace parallax
