#include "tests/unit/across/simulated_spool_disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace parallax {

TrueRecord true_record(const SpoolRecord& record, const Host& host) {
  if (const auto* run = std::get_if<proto::RunResult>(&record)) return true_run(*run, host);
  const auto* missed = std::get_if<MissedSlots>(&record);
  const proto::Gap gap = missed ? gap_of(*missed) : std::get<proto::Gap>(record);
  TrueRecord truth;
  truth.parts = parts_of(gap);
  truth.cause = gap.cause();
  truth.host = &host;
  return truth;
}

SpoolOpened SimulatedSpoolDisk::open() {
  SpoolOpened opened;
  found_.clear();
  for (const auto& [key, bytes] : rows_) {
    opened.found.rows.push_back({key, bytes});
    found_.push_back(*from_bytes(bytes));
  }
  return opened;
}

void SimulatedSpoolDisk::write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) {
  world_.time.after(world_.dice.mostly_short(Milliseconds(1), Milliseconds(300)), &host_,
                    [this, write = std::move(write), done = std::move(done)]() mutable {
                      SpoolWritten written;
                      if (world_.time.now() < fails_until_) {
                        written.trouble = "the disk is full";
                        return done(std::move(written));
                      }
                      apply(write, rows_);
                      for (const SpoolRow& row : write.put) add_slots(row.bytes, ever_there_);
                      unsynced_.push_back(write);
                      if (write.sync) {
                        synced_ = rows_;
                        unsynced_.clear();
                      }
                      done(std::move(written));
                    });
}

void SimulatedSpoolDisk::apply(const SpoolWrite& write, Rows& rows) {
  for (const auto& [first, last] : write.remove) rows.erase(rows.lower_bound(first), rows.upper_bound(last));
  for (const SpoolRow& row : write.put) rows[row.key] = row.bytes;
}

void SimulatedSpoolDisk::add_slots(const std::string& bytes, std::set<Slot>& slots) {
  for_each_range(*from_bytes(bytes),
                 [&](const std::string& check, std::int64_t every_ms, std::int64_t first, std::int64_t last) {
                   for (std::int64_t slot = first; slot <= last; ++slot) slots.emplace(check, every_ms, slot);
                 });
}

// An interval that changed and changed back lets a slot run twice: what was there can be the run that was counted.
bool SimulatedSpoolDisk::tells_of(const std::vector<const TrueRecord*>& records, const Slot& slot) {
  const auto& [check_id, every_ms, number] = slot;
  for (const TrueRecord* record : records)
    for (const TruePart& part : record->parts)
      if (part.check_id == check_id && part.every_ms == every_ms &&
          std::ranges::find(part.slots, number) != part.slots.end())
        return true;
  return false;
}

void SimulatedSpoolDisk::process_ends(const std::vector<const TrueRecord*>& uncounted,
                                      const std::vector<const TrueRecord*>& counted, const std::string& whose) {
  std::set<Slot> there;
  for (const auto& [key, bytes] : rows_) add_slots(bytes, there);
  for (const TrueRecord* record : uncounted)
    for (const TruePart& part : record->parts)
      for (const std::int64_t slot : part.slots) {
        const Slot one{part.check_id, part.every_ms, slot};
        if (ever_there_.contains(one) && !there.contains(one) && !tells_of(counted, one))
          world_.chronicle.broken(
              fmt::format("{}: slot {} of {} was on its disk and is gone", whose, slot, part.check_id));
      }
  ever_there_ = std::move(there);
}

// Some of the last writes never reached the platter.
void SimulatedSpoolDisk::loses_power() {
  const std::size_t kept = world_.dice.below(unsynced_.size() + 1);
  rows_ = synced_;
  for (std::size_t i = 0; i < kept; ++i) apply(unsynced_[i], rows_);
  unsynced_.clear();
  synced_ = rows_;
  ever_there_.clear();
}

}  // namespace parallax
