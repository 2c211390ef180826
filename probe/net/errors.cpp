#include "probe/net/errors.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace parallax {

bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS; }

bool is_without_route(int error) {
  return error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EADDRNOTAVAIL ||
         error == EPERM || error == EACCES;
}

std::string own_trouble(int error) {
  const std::string words = std::system_category().message(error);
  if (error != EMFILE && error != ENFILE) return words;
  return words + "; raise this probe's limit (LimitNOFILE, ulimit -n)";
}

Failure connect_failure(int error, ErrorSource source, const std::string& where) {
  const std::string words = std::system_category().message(error);
  if (is_exhaustion(error))
    return {proto::REASON_PROBE_FAULT,
            fmt::format("this probe cannot connect to {}: {}", where, own_trouble(error))};
  if (error == ECONNREFUSED)
    return {proto::REASON_CONNECT_REFUSED, fmt::format("{} refused the connection", where)};
  if (error == ETIMEDOUT) return {proto::REASON_CONNECT_TIMEOUT, fmt::format("{} did not answer", where)};
  if (source == ErrorSource::network)
    return {proto::REASON_CONNECT_UNREACHABLE, fmt::format("{} cannot be reached: {}", where, words)};
  if (is_without_route(error))
    return {proto::REASON_PROBE_ISOLATED, fmt::format("this probe has no way to {}: {}", where, words)};
  return {proto::REASON_PROBE_FAULT, fmt::format("this probe cannot connect to {}: {}", where, words)};
}

}  // namespace parallax
