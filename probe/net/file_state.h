// Whether a file is another than it was when we read it.
#pragma once

#include <string>

namespace parallax {

// Differs whenever somebody has written or replaced the file; "none" when there is none. One system call.
std::string file_state(const std::string& path);

}  // namespace parallax
