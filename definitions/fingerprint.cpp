#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/slot_grid.h"
#include "definitions/definitions.h"

namespace parallax {

std::uint64_t fingerprint(const proto::Check& check) {
  proto::Check significant = check;
  const auto* type = significant.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i)
    if (type->field(i)->options().GetExtension(proto::key).cosmetic())
      significant.GetReflection()->ClearField(&significant, type->field(i));
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);  // maps (request headers) in one order
  significant.SerializeToCodedStream(&coded);
  coded.Trim();
  return fnv1a_64(bytes);
}

}  // namespace parallax
