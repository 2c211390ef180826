// Files that a definition names and the controller reads: request bodies and authorities.
#pragma once

#include <filesystem>

#include "base/problem.h"
#include "definitions/written_check.h"

namespace parallax {

// Puts the content of `body_file` and of `ca_file` into the check. Files lie below `folder`, the definition's, and
// are refused outside of it, also by way of a link, unless `by_hand`. By hand the probe's own files (cert_file,
// key_file) are meant relative to the definition, too.
void attach_files(WrittenCheck& written, const std::filesystem::path& folder, bool by_hand, Problems& problems);

}  // namespace parallax
