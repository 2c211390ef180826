// Which set of definitions is in force: read at the start, read again when the directory changed or someone asks,
// all or nothing. A set with one problem is refused whole and the one before stays.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "controller/kept_definitions.h"
#include "definitions/definitions.h"

namespace parallax {

// Owned by main; everything is called on the loop.
class Reload {
 public:
  // `apply` puts an accepted set in force; false when it has to wait for that, as the journal cannot be written.
  using Apply = std::function<bool(std::shared_ptr<const Definitions>)>;
  Reload(std::filesystem::path checks_dir, const std::filesystem::path& state_dir, Log& log, const Clock& clock,
         Apply apply);

  // At the start: the directory, else the last accepted set. False when there is neither; `problems` then has all.
  bool start(Problems& problems);

  struct Report {
    bool ok = false;
    std::string text;  // for whoever asked: what changed, or the problems, one a line
  };
  // Reads the directory now. `why` goes to the log: "SIGHUP", "the files changed".
  Report reload(const std::string& why);

  // Reloads when the files have changed and then stayed the same for a second. Call it about once a second.
  void tick();

  bool last_ok() const { return last_ok_; }
  WallTime last_success() const { return last_success_; }  // the epoch: there was none
  const Definitions& in_force() const { return *in_force_; }
  // Since when a check is in force as it is; the start of the program for what was there then.
  WallTime since(const std::string& check_id) const;

 private:
  Report accept(std::shared_ptr<const Definitions> definitions, const std::string& why);
  bool put_in_force(std::shared_ptr<const Definitions> definitions);
  void refuse(const Problems& problems, const std::string& why);
  std::string stamp() const;

  const std::filesystem::path checks_dir_;
  const KeptDefinitions kept_;
  Log& log_;
  const Clock& clock_;
  const Apply apply_;
  std::shared_ptr<const Definitions> in_force_ = std::make_shared<const Definitions>();
  bool last_ok_ = false;
  WallTime last_success_{};
  std::map<std::string, std::pair<std::uint64_t, WallTime>> since_;  // by id: fingerprint and moment
  std::string read_stamp_;                                           // of the files as they were last read
  std::string latest_stamp_;                                         // of the files a second ago
};

// What differs between two sets, as ids: "added a/b; changed c/d, c/e; removed f/g", or "nothing".
std::string difference(const Definitions& before, const Definitions& after);

}  // namespace parallax
