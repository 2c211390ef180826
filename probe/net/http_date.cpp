#include <curl/curl.h>

#include <ctime>

#include "probe/net/http_message.h"

namespace parallax {

std::optional<double> parse_http_date(const std::string& text) {
  const std::time_t moment = curl_getdate(text.c_str(), nullptr);
  if (moment == -1) return std::nullopt;
  return static_cast<double>(moment);
}

}  // namespace parallax
