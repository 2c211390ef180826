// The key `compression`: what was asked for is undone within bounds, anything else is judged as it came.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <zlib.h>

#include "base/gzip.h"
#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string gzipped(const std::string& text) { return gzip(std::span(&text, 1)); }

// zlib's format, and without its header and checksum, as some servers understand "deflate".
std::string zlibbed(const std::string& text) {
  std::string made(compressBound(text.size()), '\0');
  uLongf size = made.size();
  compress(reinterpret_cast<Bytef*>(made.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size());
  made.resize(size);
  return made;
}
std::string deflated(const std::string& text) { return zlibbed(text).substr(2, zlibbed(text).size() - 6); }

const std::string kHelloInBrotli("\x0b\x02\x80hello\x03", 9);
// 64 MiB of zeros.
const std::string kBombInBrotli = [] {
  const std::string hex =
      "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ff"
      "cffff837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffcbffff3ffc1300715800a07bff07";
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}();

class HttpCompressionTest : public HttpCheckTest {
 protected:
  // A run that asks for `asked` and wants `wanted` as its body, at a server that sends `body` with `headers`.
  Outcome judged(const std::vector<std::string>& asked, const std::string& wanted, const std::string& body,
                 const std::string& headers) {
    return at(always(answer_of(body, headers)), asked, wanted);
  }

  Outcome at(Script script, const std::vector<std::string>& asked, const std::string& wanted,
             int timeout_ms = 5000) {
    TestServer server(loop, std::move(script));
    auto c = check(server.url());
    for (const std::string& one : asked) c.mutable_http()->add_compression(one);
    if (!wanted.empty()) c.mutable_http()->mutable_expect()->add_body_matches(wanted);
    const Outcome outcome = run(c, timeout_ms);
    received = server.received();
    return outcome;
  }

  std::string received;  // by the server of the last run
};

TEST_F(HttpCompressionTest, UndoesEachEncodingThatWasAskedFor) {
  const struct {
    std::string name, body;
  } kCases[] = {{"gzip", gzipped("hello")},    {"x-gzip", gzipped("hello")},        {"GZip", gzipped("hello")},
                {"deflate", zlibbed("hello")}, {"deflate", deflated("hello")},      {"br", kHelloInBrotli},
                {"identity", "hello"},         {"gzip, identity", gzipped("hello")}};
  for (const auto& one : kCases) {
    const Outcome outcome =
        judged({"gzip", "deflate", "br"}, "^hello$", one.body, "Content-Encoding: " + one.name + "\r\n");
    EXPECT_EQ(reason(outcome), "ok") << one.name << ": " << outcome.detail;
    EXPECT_EQ(outcome.facts.http().body_bytes(), 5) << one.name;
    EXPECT_EQ(outcome.facts.http().content_length(), static_cast<std::int64_t>(one.body.size())) << one.name;
  }
  EXPECT_THAT(received, HasSubstr("\r\nAccept-Encoding: gzip, deflate, br\r\n"));
}

TEST_F(HttpCompressionTest, APlainAnswerIsFine) {
  const Outcome outcome = judged({"gzip"}, "^hello$", "hello", "");
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
}

TEST_F(HttpCompressionTest, WhatWasNotAskedForIsJudgedAsItCame) {
  EXPECT_EQ(reason(judged({}, "^\\x1f", gzipped("hello"), "Content-Encoding: gzip\r\n")), "ok");
  EXPECT_THAT(received, Not(HasSubstr("Accept-Encoding")));
  EXPECT_EQ(reason(judged({"br"}, "^\\x1f", gzipped("hello"), "Content-Encoding: gzip\r\n")), "ok");
  EXPECT_EQ(reason(judged({"gzip"}, "hello\\x03$", kHelloInBrotli, "Content-Encoding: br\r\n")), "ok");
  EXPECT_EQ(reason(judged({"gzip"}, "^zstd bytes$", "zstd bytes", "Content-Encoding: zstd\r\n")), "ok");
  EXPECT_EQ(reason(judged({"gzip"}, "^\\x1f", gzipped(kHelloInBrotli), "Content-Encoding: br, gzip\r\n")), "ok")
      << "one of two was not asked for";
}

TEST_F(HttpCompressionTest, UndoesOneEncodingOverAnother) {
  EXPECT_EQ(reason(judged({"gzip", "br"}, "^hello$", gzipped(kHelloInBrotli), "Content-Encoding: br, gzip\r\n")),
            "ok");
  EXPECT_EQ(reason(judged({"gzip", "br"}, "^hello$", gzipped(kHelloInBrotli),
                          "Content-Encoding: br\r\nContent-Encoding: gzip\r\n")),
            "ok")
      << "two headers of a name are one list";
}

TEST_F(HttpCompressionTest, ABrokenOrCutStreamIsAProtocolError) {
  const std::string whole = gzipped(std::string(20'000, 'a') + "end");
  std::string spoiled = whole;
  spoiled[spoiled.size() - 6] ^= 1;  // in the checksum
  const struct {
    std::string name, body;
  } kCases[] = {{"gzip", "not gzip at all"},
                {"gzip", whole.substr(0, whole.size() - 9)},
                {"gzip", whole.substr(0, 4)},
                {"gzip", whole.substr(0, 1)},
                {"gzip", spoiled},
                {"gzip", zlibbed("hello")},
                {"deflate", "\xff\xff\xff"},
                {"deflate", zlibbed("hello").substr(0, 8)},
                {"br", kHelloInBrotli.substr(0, 5)},
                {"br", "no brotli"}};
  for (const auto& one : kCases) {
    // Over chunks nothing but the encoding tells that something is missing.
    const std::string chunked = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        one.name, one.body.size(), one.body);
    const Outcome outcome = at(always(chunked), {"gzip", "deflate", "br"}, "");
    EXPECT_EQ(reason(outcome), "protocol_error") << "#" << (&one - kCases) << " " << outcome.detail;
    EXPECT_EQ(phase(outcome), "transfer");
  }
}

TEST_F(HttpCompressionTest, ABodyOfNothingIsWholeInEveryEncoding) {
  for (const char* status : {"200 OK", "304 Not Modified", "204 No Content"}) {
    TestServer server(loop, always(std::string("HTTP/1.1 ") + status +
                                   "\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"));
    auto c = check(server.url());
    c.mutable_http()->add_compression("gzip");
    auto& range = *c.mutable_http()->mutable_expect()->add_status();
    range.set_from(200);
    range.set_to(399);
    EXPECT_EQ(reason(run(c)), "ok") << status;
  }
  TestServer server(loop, always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 500\r\n\r\n"));
  auto c = check(server.url());
  c.mutable_http()->add_compression("gzip");
  c.mutable_http()->set_method("HEAD");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().content_length(), 500);
}

Task<> byte_by_byte(TestConnection& connection, std::string whole, std::string rest) {
  co_await connection.read_request();
  co_await connection.send(std::move(whole));
  for (const char byte : rest) {
    std::string one(1, byte);
    co_await connection.send(one);
    co_await sleep_until(in_ms(1));
  }
}

TEST_F(HttpCompressionTest, TakesAStreamByteForByte) {
  const std::string body = gzipped("hel") + gzipped("lo");  // members one behind the other (RFC 1952, 2.2)
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  const Outcome outcome =
      at([&](TestConnection& connection) { return byte_by_byte(connection, head, body); }, {"gzip"}, "^hello$");
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
}

std::int64_t most_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

// 64 MiB of zeros, which are never there at once.
std::string gzip_bomb() {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string zeros(1 << 20, '\0'), made(1 << 20, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  for (int i = 0; i < 64; ++i) {
    stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(zeros.size());
    deflate(&stream, i == 63 ? Z_FINISH : Z_NO_FLUSH);
  }
  deflateEnd(&stream);
  return made.substr(0, stream.total_out);
}

TEST_F(HttpCompressionTest, ABombIsReadNoFurtherThanSixteenMebibytes) {
  const std::string bomb = gzip_bomb();
  const struct {
    const char* name;
    const std::string& body;
  } kCases[] = {{"gzip", bomb}, {"br", kBombInBrotli}};
  for (const auto& one : kCases) {
    const auto before = most_memory();
    const Outcome outcome =
        judged({one.name}, "^never$", one.body, std::string("Content-Encoding: ") + one.name + "\r\n");
    EXPECT_EQ(reason(outcome), "body_too_large") << one.name << ": " << outcome.detail;
    EXPECT_LE(outcome.facts.http().body_bytes(), (16 << 20) + (32 << 10)) << one.name;
    EXPECT_LT(most_memory() - before, 48 << 20) << one.name;
  }
}

// Deflate's stored block of no bytes: five bytes that are nothing when undone.
const std::string kNothing("\x00\x00\x00\xff\xff", 5);
const std::string kGzipHead("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);

TEST_F(HttpCompressionTest, ABombThatComesToNothingInTheEndIsBoundedToo) {
  std::string inner = kGzipHead;
  for (int i = 0; i < 4'000'000; ++i) inner += kNothing;  // 20 MB
  const Outcome outcome = judged({"gzip"}, "", gzipped(gzipped(inner)), "Content-Encoding: gzip, gzip, gzip\r\n");
  EXPECT_EQ(reason(outcome), "body_too_large") << outcome.detail;
}

TEST_F(HttpCompressionTest, AStreamOfNothingWithoutEndEndsAtTheDeadline) {
  const Outcome outcome =
      at(dripping("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + kGzipHead, kNothing), {"gzip"}, "", 300);
  EXPECT_EQ(reason(outcome), "response_timeout") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().body_bytes(), 0);
}

}  // namespace
}  // namespace parallax
