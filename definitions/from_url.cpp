#include <fmt/format.h>

#include "base/schema.h"
#include "definitions/address.h"
#include "definitions/definitions.h"
#include "definitions/rules.h"

namespace parallax {
namespace {

TomlEntry text_entry(std::string key, std::string_view text) {
  TomlEntry entry;
  entry.key = std::move(key);
  entry.value.kind = TomlValue::Kind::text;
  entry.value.text = text;
  return entry;
}

}  // namespace

Result<proto::Check> check_from_url(const std::string& url) {
  const std::string scheme = url_scheme(url);
  if (scheme != "http" && scheme != "https" && scheme != "ping" && scheme != "tls")
    return failure(fmt::format("{}: expected a URL with one of http://, https://, ping://, tls://", url));
  std::string_view rest = std::string_view(url).substr(scheme.size() + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  // As if it had been written in a file, so that one set of rules holds.
  WrittenCheck written;
  google::protobuf::Message* own_keys = nullptr;
  written.table.table.push_back(text_entry("name", "url"));
  if (scheme == "ping") {
    own_keys = written.check.mutable_ping();
    written.table.table.push_back(text_entry("host", rest));
  } else if (scheme == "tls") {
    own_keys = written.check.mutable_tls();
    written.table.table.push_back(text_entry("address", rest));
  } else {
    own_keys = written.check.mutable_http();
    written.table.table.push_back(text_entry("url", url));
  }
  Problems problems;
  SchemaReader("", problems).read(written.table, "the URL", {&written.check, own_keys});
  apply_rules(written, problems);
  if (has_errors(problems)) return failure(problems.front().text);  // not the URL itself: it may hold a password
  written.check.clear_name();
  written.check.set_target(url);
  return written.check;
}

}  // namespace parallax
