// The disk below a simulated probe's spool. It outlives the process; what was handed over and is not yet done when
// that dies is lost, and with the power some of what was not synced.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "probe/spool_disk.h"
#include "probe/spool_record.h"
#include "tests/unit/across/true_book.h"

namespace parallax {

// The truth of a record, as it is written.
TrueRecord true_record(const SpoolRecord& record, const Host& host);

class SimulatedSpoolDisk final : public SpoolDisk {
 public:
  SimulatedSpoolDisk(World& world, const Host& host) : world_(world), host_(host) {}

  SpoolOpened open() override;
  void write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) override;

  // What open() found last, oldest first.
  const std::vector<SpoolRecord>& found() const { return found_; }
  // Whoever lives on must find each of the `uncounted` records that was ever on the disk, one way or another; the
  // `counted` ones may be gone.
  void process_ends(const std::vector<const TrueRecord*>& uncounted, const std::vector<const TrueRecord*>& counted,
                    const std::string& whose);
  void loses_power();
  void fail_until(Nanoseconds moment) { fails_until_ = moment; }

 private:
  using Rows = std::map<std::uint64_t, std::string>;
  using Slot = std::tuple<std::string, std::int64_t, std::int64_t>;  // check, every_ms, slot
  static void apply(const SpoolWrite& write, Rows& rows);
  static bool tells_of(const std::vector<const TrueRecord*>& records, const Slot& slot);
  static void add_slots(const std::string& bytes, std::set<Slot>& slots);

  World& world_;
  const Host& host_;
  Rows rows_;
  Rows synced_;
  std::vector<SpoolWrite> unsynced_;
  std::set<Slot> ever_there_;
  std::vector<SpoolRecord> found_;
  Nanoseconds fails_until_{0};
};

}  // namespace parallax
