#include "probe/bounded_result.h"

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(BoundedResult, ResultsOfATargetThatSendsOtherBytesThanUtf8CanStillBeRead) {
  proto::RunResult result;
  result.set_detail("subject \xff\xfe");
  result.mutable_facts()->mutable_http()->set_final_url("http://shop.example/\x80");
  auto* certificate = result.mutable_facts()->mutable_tls()->add_certificates();
  certificate->set_subject("CN=caf\xe9");
  certificate->add_sans("\xc3");
  bound(result);
  proto::RunResult read;
  EXPECT_TRUE(read.ParseFromString(result.SerializeAsString()));
  EXPECT_EQ(read.facts().tls().certificates(0).subject(), "CN=caf\xef\xbf\xbd");
}

// Puts a byte that is no UTF-8 into every text of the message and of those in it.
void spoil(google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const auto* access = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_message)
      spoil(field->is_repeated() ? *access->AddMessage(&message, field)
                                 : *access->MutableMessage(&message, field));
    else if (field->type() == FieldDescriptor::TYPE_STRING && field->is_repeated())
      access->AddString(&message, field, "bad \xff");
    else if (field->type() == FieldDescriptor::TYPE_STRING)
      access->SetString(&message, field, "bad \xff");
  }
}

TEST(BoundedResult, NoTextOfAnyKindOfFactIsPassedOver) {
  proto::RunResult result;
  spoil(result);
  EXPECT_NE(result.ShortDebugString().find("\\377"), std::string::npos);
  bound(result);
  EXPECT_EQ(result.ShortDebugString().find("\\377"), std::string::npos) << result.ShortDebugString();
}

// A ping's facts are our own numbers and are not looked at; that must not hide another kind's.
TEST(BoundedResult, TextsOfATargetBesideAPingAreCleaned) {
  using google::protobuf::FieldDescriptor;
  const auto* facts = proto::Facts::descriptor();
  for (int i = 0; i < facts->field_count(); ++i) {
    const auto* field = facts->field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->name() == "ping") continue;
    proto::RunResult result;
    result.mutable_facts()->mutable_ping()->set_sent(1);
    const auto* access = result.facts().GetReflection();
    spoil(field->is_repeated() ? *access->AddMessage(result.mutable_facts(), field)
                               : *access->MutableMessage(result.mutable_facts(), field));
    bound(result);
    EXPECT_EQ(result.ShortDebugString().find("\\377"), std::string::npos) << field->name();
  }
}

TEST(BoundedResult, APingIsBoundedLikeAnyOther) {
  proto::RunResult result;
  for (int i = 0; i < 1'001; ++i) result.mutable_facts()->mutable_ping()->add_rtt(0.001);
  bound(result);
  EXPECT_EQ(result.facts().ping().rtt_size(), 1'000);
  result.set_detail("no way to \xff");
  bound(result);
  EXPECT_EQ(result.detail(), "no way to \xef\xbf\xbd");
}

TEST(BoundedResult, LeavesAnOrdinaryResultAsItIs) {
  proto::RunResult result;
  result.set_detail("200 OK in 12 ms");
  result.mutable_facts()->set_address("192.0.2.7");
  const auto before = result.SerializeAsString();
  bound(result);
  EXPECT_EQ(result.SerializeAsString(), before);
}

TEST(BoundedResult, AHugeCertificateChainLosesItsNamesFirst) {
  proto::RunResult result;
  for (int i = 0; i < 3; ++i) {
    auto* certificate = result.mutable_facts()->mutable_tls()->add_certificates();
    certificate->set_subject("CN=shop.example");
    for (int san = 0; san < 5'000; ++san)
      certificate->add_sans("a-host-with-a-long-name-" + std::to_string(san) + ".shop.example");
  }
  bound(result);
  EXPECT_LE(result.ByteSizeLong(), 64U * 1024);
  EXPECT_EQ(result.facts().tls().certificates_size(), 3);
  EXPECT_EQ(result.facts().tls().certificates(0).sans_size(), 100) << "as many as people read";
  result.mutable_facts()->mutable_tls()->mutable_certificates(0)->set_subject(std::string(100'000, 'x'));
  bound(result);
  EXPECT_LE(result.ByteSizeLong(), 64U * 1024);
}

TEST(BoundedResult, ACertificateForThousandsOfNamesKeepsTheFirstThousand) {
  proto::RunResult result;
  auto* certificate = result.mutable_facts()->mutable_tls()->add_certificates();
  for (int san = 0; san < 5'000; ++san) certificate->add_sans("host-" + std::to_string(san) + ".shop.example");
  bound(result);
  EXPECT_EQ(result.facts().tls().certificates(0).sans_size(), 1000);
}

}  // namespace
}  // namespace parallax
