// Values that a definition only names: read on the probe, at the moment of use, from where its owner allows.
// They appear in no log, metric, error, spool or command line.
#pragma once

#include <string>
#include <vector>

#include "probe/outcome.h"
#include "proto/definition.pb.h"

namespace parallax {

class Secrets {
 public:
  // Files only below `dirs` (systemd's $CREDENTIALS_DIRECTORY when empty), variables only those named in `env`.
  Secrets(std::vector<std::string> dirs, std::vector<std::string> env);

  // For `run` by hand: no limits, relative files start at `base_dir`.
  static Secrets by_hand(std::string base_dir);

  // The secret's text without its final newline. blocked_by_policy outside the limits, probe_fault when it is not
  // there; the detail names the file or variable, never the content.
  Step<std::string> read(const proto::Secret& secret) const;
  Step<std::string> read(const proto::Value& value) const;  // plain text passes through

 private:
  Step<std::string> read_file(const std::string& name) const;
  Step<std::string> read_env(const std::string& name) const;

  bool unlimited_ = false;
  std::string base_dir_;
  std::vector<std::string> dirs_;
  std::vector<std::string> env_;
};

}  // namespace parallax
