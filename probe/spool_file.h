// The spool's file: one SQLite database with a row for each record. Each row carries a checksum of its own, so
// that what comes back from a damaged file is what was written once, or nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/sqlite.h"
#include "probe/spool_disk.h"

namespace parallax {

// For one thread at a time.
class SpoolFile {
 public:
  explicit SpoolFile(std::filesystem::path file) : file_(std::move(file)) {}

  // `unix_seconds` is now: a damaged file that is set aside has it in its name.
  SpoolOpened open(std::int64_t unix_seconds);
  // Opens the file again when that failed, or when somebody put another one in its place.
  SpoolWritten write(const SpoolWrite& write, std::int64_t unix_seconds);

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device and inode
  struct Connection {
    Database database;
    Statement remove;
    Statement put;
    Identity identity;
  };
  FromDatabase<void> connect();
  FromDatabase<void> make_table(Database& database) const;
  void read_all(SpoolFound& found);
  void replace_damaged(SpoolOpened& opened, std::int64_t unix_seconds);
  FromDatabase<void> apply(const SpoolWrite& write);
  std::optional<Identity> identity() const;
  void count_damaged_files();

  std::filesystem::path file_;
  std::optional<Connection> connection_;
  bool was_read_ = false;
  std::uint32_t damaged_files_ = 0;
};

}  // namespace parallax
