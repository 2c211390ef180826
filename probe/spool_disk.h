// The disk below the spool, as far as the spool is concerned: rows with a key. Memory is the truth and the disk
// its shadow: it is read once, at the start, and then only written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace parallax {

struct SpoolRow {
  std::uint64_t key = 0;
  std::string bytes;  // of probe/spool_record.h

  bool operator==(const SpoolRow&) const = default;
};

// What a disk still held when it was opened.
struct SpoolFound {
  std::vector<SpoolRow> rows;    // by rising key; each as it was written once, or it is not here
  bool lost_some = false;        // the file was damaged: there may have been more
  bool must_be_written = false;  // the rows are from a file that was set aside: the disk does not have them now
};

// Done as a whole or not at all: first `remove`, then `put`, which replaces a row with the same key.
struct SpoolWrite {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> remove;  // ranges of keys: first and last
  std::vector<SpoolRow> put;
  bool sync = false;  // this and all that was written before survive a power cut, too
};

struct SpoolOpened {
  std::string trouble;    // empty: it is open
  bool is_taken = false;  // that is the trouble: another process has it
  SpoolFound found;
  std::uint32_t damaged_files = 0;  // that lie beside it
};

struct SpoolWritten {
  std::string trouble;             // empty: it is done. Else why not, for people
  bool may_have_lost_all = false;  // what was written before may be gone: write everything again
  SpoolFound found;                // of a disk that could be opened only now
  std::uint32_t damaged_files = 0;
};

// What it calls back outlives it.
class SpoolDisk {
 public:
  virtual ~SpoolDisk() = default;

  // Opens the disk and reads everything. Once, before the first write(). Trouble is no reason to stop: write()
  // opens it when that is possible later.
  virtual SpoolOpened open() = 0;

  // Begins a write; `done` is called on the loop when it has ended, never before this returns. One at a time.
  virtual void write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) = 0;
};

}  // namespace parallax
