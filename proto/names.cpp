#include "proto/names.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <map>
#include <string>

namespace parallax {
namespace {

// The lower-case name of each value of an enumeration without its prefix, made once.
class Words {
 public:
  Words(const google::protobuf::EnumDescriptor& type, std::string_view prefix) {
    for (int i = 0; i < type.value_count(); ++i) {
      std::string word = type.value(i)->name();
      if (word.starts_with(prefix)) word.erase(0, prefix.size());
      std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
      words_[type.value(i)->number()] = word;
    }
  }

  std::string_view of(int value, std::string_view otherwise) const {
    const auto found = words_.find(value);
    return value == 0 || found == words_.end() ? otherwise : std::string_view(found->second);
  }

 private:
  std::map<int, std::string> words_;
};

}  // namespace

std::string_view name(proto::State state) {
  static const Words words(*proto::State_descriptor(), "STATE_");
  return words.of(state, "unknown");
}

std::string_view name(proto::Reason reason) {
  static const Words words(*proto::Reason_descriptor(), "REASON_");
  return words.of(reason, "other");
}

std::string_view name(proto::Phase phase) {
  static const Words words(*proto::Phase_descriptor(), "PHASE_");
  return words.of(phase, "");
}

std::string_view name(proto::Gap::Cause cause) {
  static const Words words(*proto::Gap::Cause_descriptor(), "");
  return words.of(cause, "other");
}

std::string_view name(proto::Reject::Cause cause) {
  static const Words words(*proto::Reject::Cause_descriptor(), "");
  return words.of(cause, "other");
}

std::string_view type_name(const proto::Check& check) {
  const auto* oneof = proto::Check::descriptor()->FindOneofByName("type");
  const auto* field = check.GetReflection()->GetOneofFieldDescriptor(check, oneof);
  return field == nullptr ? std::string_view() : std::string_view(field->name());
}

}  // namespace parallax
