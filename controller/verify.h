// `parallax-controller verify FILE|DIR`: are these definitions fit to be served?
#pragma once

#include <cstdio>
#include <string>

namespace parallax {

// The exit status: 0 for definitions without an error (warnings are told), 4 for invalid ones, 2 for a path that
// is not there. The result goes to `out`, problems to `err`, one a line; with `json` both go to `out` as one
// object:
//   {"valid": true, "revision": "...", "services": 3, "checks": 9, "locations": 3, "problems": [
//     {"file": "checks/shop.toml", "line": 3, "column": 1, "warning": false, "text": "..."}]}
int verify(const std::string& path, bool json, std::FILE* out, std::FILE* err);

}  // namespace parallax
