#include "probe/stored_result.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace parallax {
namespace {

using google::protobuf::internal::WireFormatLite;
using proto::RunResult;

// Walks the fields of a serialized message.
class Fields {
 public:
  explicit Fields(std::string_view bytes)
      : bytes_(bytes), in_(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {}

  // The tag of the next field; 0 at the end, or where the bytes are no message.
  std::uint32_t next() { return in_.ReadTag(); }
  bool is_over() { return in_.ConsumedEntireMessage(); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    is_broken_ = !in_.ReadVarint64(&value) || is_broken_;
    return value;
  }
  std::int64_t integer() { return static_cast<std::int64_t>(number()); }
  std::uint64_t fixed() {
    std::uint64_t value = 0;
    is_broken_ = !in_.ReadLittleEndian64(&value) || is_broken_;
    return value;
  }
  std::string_view text() {
    std::uint32_t length = 0;
    const bool is_read = in_.ReadVarint32(&length);
    const auto begin = static_cast<std::size_t>(in_.CurrentPosition());
    is_broken_ = !is_read || !in_.Skip(static_cast<int>(length)) || is_broken_;
    return is_broken_ ? std::string_view() : bytes_.substr(begin, length);
  }
  void skip(std::uint32_t tag) { is_broken_ = !WireFormatLite::SkipField(&in_, tag) || is_broken_; }
  bool is_broken() const { return is_broken_; }

 private:
  std::string_view bytes_;
  google::protobuf::io::CodedInputStream in_;
  bool is_broken_ = false;
};

constexpr std::uint32_t number_tag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_VARINT);
}
constexpr std::uint32_t text_tag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

bool read_phase(std::string_view bytes, StoredResult& result) {
  Fields fields(bytes);
  auto& [phase, nanoseconds] = result.phases.emplace_back();
  for (std::uint32_t tag = fields.next(); tag != 0 && !fields.is_broken(); tag = fields.next()) {
    if (tag == number_tag(proto::PhaseTime::kPhaseFieldNumber))
      phase = static_cast<proto::Phase>(fields.number());
    else if (tag == number_tag(proto::PhaseTime::kNanosecondsFieldNumber))
      nanoseconds = fields.integer();
    else
      fields.skip(tag);
  }
  return !fields.is_broken() && fields.is_over();
}

// False where the bytes of the field are not what its tag says.
bool read_field(std::uint32_t tag, Fields& fields, StoredResult& result) {
  switch (tag) {
    case text_tag(RunResult::kCheckIdFieldNumber):
      result.check_id = fields.text();
      break;
    case WireFormatLite::MakeTag(RunResult::kDefinitionFieldNumber, WireFormatLite::WIRETYPE_FIXED64):
      result.definition = fields.fixed();
      break;
    case number_tag(RunResult::kSlotFieldNumber):
      result.slot = fields.integer();
      break;
    case number_tag(RunResult::kStartedUsFieldNumber):
      result.started_us = fields.integer();
      break;
    case number_tag(RunResult::kDurationNsFieldNumber):
      result.duration_ns = fields.integer();
      break;
    case number_tag(RunResult::kLatenessUsFieldNumber):
      result.lateness_us = fields.integer();
      break;
    case number_tag(RunResult::kStateFieldNumber):
      result.state = static_cast<proto::State>(fields.number());
      break;
    case number_tag(RunResult::kReasonFieldNumber):
      result.reason = static_cast<proto::Reason>(fields.number());
      break;
    case number_tag(RunResult::kPhaseFieldNumber):
      result.phase = static_cast<proto::Phase>(fields.number());
      break;
    case number_tag(RunResult::kAttemptsFieldNumber):
      result.attempts = static_cast<std::uint32_t>(fields.number());
      break;
    case text_tag(RunResult::kDetailFieldNumber):
      result.detail = fields.text();
      break;
    case text_tag(RunResult::kPhasesFieldNumber):
      return read_phase(fields.text(), result) && !fields.is_broken();
    case text_tag(RunResult::kFactsFieldNumber):
      result.facts = fields.text();
      break;
    case number_tag(RunResult::kEveryMsFieldNumber):
      result.every_ms = fields.integer();
      break;
    default:
      fields.skip(tag);  // of a newer version
  }
  return !fields.is_broken();
}

}  // namespace

bool read_stored(std::string_view bytes, StoredResult& result) {
  auto phases = std::move(result.phases);
  phases.clear();
  result = StoredResult();
  result.phases = std::move(phases);
  Fields fields(bytes);
  for (std::uint32_t tag = fields.next(); tag != 0; tag = fields.next())
    if (!read_field(tag, fields, result)) return false;
  return fields.is_over();
}

}  // namespace parallax
