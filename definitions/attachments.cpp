#include "definitions/attachments.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/certificate.h"
#include "base/file.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBody = 64 << 10;
constexpr std::size_t kMostAuthorities = 1 << 20;

// Why `name` does not stay below `folder`; empty when it does.
std::string leaves(const fs::path& folder, const std::string& name) {
  const fs::path path(name);
  if (path.is_absolute()) return "is an absolute path; expected one relative to the definition";
  if (std::find(path.begin(), path.end(), "..") != path.end()) return "leads out of the directory by ..";
  std::error_code error;
  const fs::path base = fs::canonical(folder.empty() ? "." : folder, error);
  if (error) return "";  // reading it will say what is wrong
  const fs::path real = fs::canonical(base / path, error);
  if (error) return "";
  const auto [end, unused] = std::mismatch(base.begin(), base.end(), real.begin(), real.end());
  return end == base.end() ? "" : "is a link that leads out of the directory";
}

Result<std::string> read_attachment(const fs::path& folder, const std::string& name, std::size_t most,
                                    bool by_hand) {
  if (const std::string why = by_hand ? "" : leaves(folder, name); !why.empty()) return failure(why);
  return read_whole_file(folder / name, most);
}

std::string below(const fs::path& folder, const std::string& name) {
  return name.empty() ? name : (folder / name).string();
}

}  // namespace

void attach_files(WrittenCheck& written, const fs::path& folder, bool by_hand, Problems& problems) {
  const bool is_http = written.check.has_http();
  const auto report = [&](std::initializer_list<std::string_view> path, const char* key, const std::string& name,
                          const std::string& why) {
    problems.push_back(written.problem_at(path, fmt::format("\"{}\" is \"{}\": it {}", key, name, why)));
  };
  if (is_http && !written.check.http().body_file().empty()) {
    proto::HttpCheck& http = *written.check.mutable_http();
    auto body = read_attachment(folder, http.body_file(), kMostBody, by_hand);
    if (body)
      http.set_body(std::move(*body));
    else
      report({"body_file"}, "body_file", http.body_file(), body.error().what);
  }
  if (!is_http && !written.check.has_tls()) return;
  proto::TlsOptions& tls =
      is_http ? *written.check.mutable_http()->mutable_tls() : *written.check.mutable_tls()->mutable_tls();
  if (!tls.ca_file().empty()) {
    auto pem = read_attachment(folder, tls.ca_file(), kMostAuthorities, by_hand);
    std::string why = pem ? "" : pem.error().what;
    if (pem && !Authorities::from_file((folder / tls.ca_file()).string())) why = "holds no PEM certificates";
    if (why.empty())
      tls.set_ca_pem(std::move(*pem));
    else if (is_http)
      report({"tls", "ca_file"}, "ca_file", tls.ca_file(), why);
    else
      report({"ca_file"}, "ca_file", tls.ca_file(), why);
  }
  if (!by_hand) return;
  tls.set_cert_file(below(folder, tls.cert_file()));
  tls.set_key_file(below(folder, tls.key_file()));
}

}  // namespace parallax
