#include "probe/net/aws_sigv4.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace parallax {
namespace {

// The examples of AWS' own manual ("Signature Calculations for the Authorization Header", Amazon S3).
const AwsCredentials kExample{"us-east-1", "s3", "AKIAIOSFODNN7EXAMPLE",
                              "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
constexpr std::int64_t kMoment = 1369353600'000000;  // 2013-05-24T00:00:00Z

std::string signature_of(const std::string& query) {
  const AwsRequest request{"GET", "/", query, "examplebucket.s3.amazonaws.com", ""};
  const auto headers = aws_sigv4(kExample, request, from_unix_us(kMoment));
  EXPECT_EQ(headers.back().first, "Authorization");
  const std::string& value = headers.back().second;
  EXPECT_TRUE(
      value.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="))
      << value;
  return value.substr(value.rfind('=') + 1);
}

TEST(AwsSigV4, SignsAsTheManualHasIt) {
  EXPECT_EQ(signature_of("lifecycle"), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  const auto listing = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
  EXPECT_EQ(signature_of("max-keys=2&prefix=J"), listing);
  EXPECT_EQ(signature_of("prefix=%4A&max-keys=2"), listing) << "whatever the order and the notation";
}

TEST(AwsSigV4, SendsTheSumOfTheBodyTheMomentAndTheToken) {
  AwsCredentials temporary = kExample;
  temporary.session_token = "token";
  const auto headers = aws_sigv4(temporary, {"PUT", "/a b", "", "x", "hello"}, from_unix_us(kMoment));
  ASSERT_EQ(headers.size(), 4U);
  EXPECT_EQ(headers[0].second, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(headers[1].second, "20130524T000000Z");
  EXPECT_EQ(headers[2].second, "token");
  EXPECT_NE(headers[3].second.find("x-amz-date;x-amz-security-token,"), std::string::npos);
}

TEST(AwsSigV4, MakesTheHmacOfRfc4231) {
  std::string hex;
  for (const char byte : hmac_sha256("Jefe", "what do ya want for nothing?"))
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  EXPECT_EQ(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace parallax
