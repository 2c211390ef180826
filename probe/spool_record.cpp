#include "probe/spool_record.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace parallax {
namespace {

std::string with_kind(char kind, const google::protobuf::MessageLite& message) {
  std::string bytes(1, kind);
  message.AppendToString(&bytes);
  return bytes;
}

MissedSlots missed_of(const proto::Gap& gap) {
  MissedSlots missed;
  missed.cause = gap.cause();
  if (gap.check().empty()) return missed;
  const proto::CheckGap& check = gap.check(0);
  missed.check_id = check.check_id();
  missed.slots.assign(check.slot().begin(), check.slot().end());
  missed.ranges.assign(check.range().begin(), check.range().end());
  missed.every_ms = check.every_ms();
  return missed;
}

}  // namespace

proto::Gap gap_of(const MissedSlots& missed) {
  proto::Gap gap;
  gap.set_cause(missed.cause);
  auto& check = *gap.add_check();
  check.set_check_id(missed.check_id);
  check.mutable_slot()->Add(missed.slots.begin(), missed.slots.end());
  check.mutable_range()->Add(missed.ranges.begin(), missed.ranges.end());
  check.set_every_ms(missed.every_ms);
  return gap;
}

std::string to_bytes(const proto::RunResult& result) { return with_kind('R', result); }

std::string to_bytes(const proto::Gap& gap) { return with_kind('G', gap); }

std::string to_bytes(const SpoolRecord& record) {
  if (const auto* result = std::get_if<proto::RunResult>(&record)) return to_bytes(*result);
  if (const auto* missed = std::get_if<MissedSlots>(&record)) return with_kind('M', gap_of(*missed));
  return to_bytes(std::get<proto::Gap>(record));
}

std::optional<SpoolRecord> from_bytes(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  const char kind = kind_of(bytes);
  const char* content = bytes.data() + 1;
  const int size = static_cast<int>(bytes.size() - 1);
  if (kind == 'R') {
    proto::RunResult result;
    if (!result.ParseFromArray(content, size)) return std::nullopt;
    return result;
  }
  proto::Gap gap;
  if ((kind != 'M' && kind != 'G') || !gap.ParseFromArray(content, size)) return std::nullopt;
  if (kind == 'M') return missed_of(gap);
  return gap;
}

// Protobuf writes the fields of a message in order of their numbers, and the check is number 1.
std::string_view check_id_of(std::string_view bytes) {
  using google::protobuf::internal::WireFormatLite;
  constexpr auto kTag =
      WireFormatLite::MakeTag(proto::RunResult::kCheckIdFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  const auto content = bytes.substr(1);
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(content.data()),
                                            static_cast<int>(content.size()));
  std::uint32_t length = 0;
  if (in.ReadTag() != kTag || !in.ReadVarint32(&length)) return {};
  return content.substr(static_cast<std::size_t>(in.CurrentPosition()), length);
}

void for_each_range(const SpoolRecord& record, const EachRange& each) {
  if (const auto* result = std::get_if<proto::RunResult>(&record))
    return each(result->check_id(), result->every_ms(), result->slot(), result->slot());
  const auto* missed = std::get_if<MissedSlots>(&record);
  const proto::Gap gap = missed ? gap_of(*missed) : std::get<proto::Gap>(record);
  for (const auto& check : gap.check()) {
    for (const std::int64_t slot : check.slot()) each(check.check_id(), check.every_ms(), slot, slot);
    for (int i = 0; i + 1 < check.range_size(); i += 2)
      each(check.check_id(), check.every_ms(), check.range(i), check.range(i + 1));
  }
}

}  // namespace parallax
