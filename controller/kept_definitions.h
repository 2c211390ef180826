// The last set of definitions that was accepted, kept in the state directory: what a controller runs that starts
// on an invalid checkout.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "definitions/definitions.h"
#include "proto/kept.pb.h"

namespace parallax {

// A set as a message, and back: the same fingerprints come out.
proto::KeptDefinitions to_kept(const Definitions& definitions);
std::shared_ptr<const Definitions> from_kept(const proto::KeptDefinitions& kept);

class KeptDefinitions {
 public:
  // `state_dir` must exist by the first call.
  explicit KeptDefinitions(const std::filesystem::path& state_dir);

  // Replaces the file as a whole: a reader, or the next start after a crash, finds the old set or the new one.
  Result<void> keep(const Definitions& definitions, WallTime accepted) const;

  // Null when none was ever kept; the error says why a file that is there is of no use.
  Result<std::shared_ptr<const Definitions>> read() const;

 private:
  std::filesystem::path file_;
};

}  // namespace parallax
