// A record of the spool as bytes: how it is kept in memory and on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "probe/spool.h"

namespace parallax {

std::string to_bytes(const SpoolRecord& record);
std::string to_bytes(const proto::RunResult& result);
std::string to_bytes(const proto::Gap& gap);

// None where the bytes are no record.
std::optional<SpoolRecord> from_bytes(std::string_view bytes);

// 'R' result, 'M' missed slots, 'G' gap. Requires: bytes of to_bytes().
inline char kind_of(std::string_view bytes) { return bytes.front(); }

// The check of a result, without reading the rest of it; empty where it does not come first. Requires: kind 'R'.
std::string_view check_id_of(std::string_view bytes);

// The declaration of missed slots as the controller is told it, without sequences.
proto::Gap gap_of(const MissedSlots& missed);

// Calls `each` with (check, every_ms, first slot, last slot) for all slots that `record` accounts for.
using EachRange = std::function<void(const std::string&, std::int64_t, std::int64_t, std::int64_t)>;
void for_each_range(const SpoolRecord& record, const EachRange& each);

}  // namespace parallax
