// A set of check definitions: read from files, checked as a whole, ready to be run.
//
// Both programs read definitions (the controller serves a directory, `parallax-probe run` runs a file by hand),
// so this room is known to both and knows only base and proto.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"
#include "base/result.h"
#include "proto/definition.pb.h"

namespace parallax {

// A check with every default filled in, and where it runs.
struct DefinedCheck {
  proto::Check check;
  std::uint64_t fingerprint = 0;       // see fingerprint()
  std::vector<std::string> locations;  // globs expanded, in byte order: the n places of its slot grid
  std::string file;                    // where it is written
  int line = 0;
};

// A set that was accepted: nothing in it is left to check.
struct Definitions {
  std::string revision;                    // commit id of the checkout, else a hash of the content
  std::vector<proto::Location> locations;  // in byte order of their names
  std::vector<proto::Service> services;    // in order of file names
  std::vector<DefinedCheck> checks;        // in order of file names and of the file; disabled ones too
};

// What reading gave: all problems of all files, and a set exactly if none of them is an error.
struct Loaded {
  std::optional<Definitions> definitions;
  Problems problems;
};

struct LoadOptions {
  // By hand: one file without locations.toml is fine, `locations` is not looked at, and relative files are not
  // confined to the directory.
  bool by_hand = false;
};

// Reads FILE or DIR (every *.toml directly in it; locations.toml is reserved). A path that cannot be read is one
// problem that says so.
Loaded load_definitions(const std::filesystem::path& path, const LoadOptions& options = {});

// A check of `url` with all defaults: https://host/path, http://..., ping://host, tls://host[:443]. The error
// names the schemes there are. The check has no service and no id.
Result<proto::Check> check_from_url(const std::string& url);

// Same for definitions that differ at most in cosmetic keys; a change of it drops the last result.
std::uint64_t fingerprint(const proto::Check& check);

}  // namespace parallax
