#include "tests/unit/across/true_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/slot_grid.h"

namespace parallax {
namespace {

using ByCheck = std::map<std::pair<std::string, std::int64_t>, TruePart>;

void add(ByCheck& all, const TruePart& part) {
  TruePart& sum = all[{part.check_id, part.every_ms}];
  sum.slots.insert(sum.slots.end(), part.slots.begin(), part.slots.end());
  for (std::size_t state = 0; state < part.runs.size(); ++state) sum.runs[state] += part.runs[state];
}

bool is_same(ByCheck& a, ByCheck& b) {
  for (ByCheck* all : {&a, &b})
    for (auto& [check, part] : *all) std::sort(part.slots.begin(), part.slots.end());
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.slots == y.second.slots && x.second.runs == y.second.runs;
  });
}

}  // namespace

std::uint64_t digest_of(const proto::RunResult& result) {
  proto::RunResult told = result;
  told.clear_every_ms();  // travels only where the definition is not in force
  return fnv1a_64(told.SerializeAsString());
}

TrueRecord true_run(const proto::RunResult& result, const Host& host) {
  TrueRecord record;
  TruePart& part = record.parts.emplace_back();
  part.check_id = result.check_id();
  part.every_ms = result.every_ms();
  part.slots = {result.slot()};
  part.runs[static_cast<std::size_t>(result.state()) - 1] = 1;
  record.digest = digest_of(result);
  record.host = &host;
  return record;
}

std::vector<TruePart> parts_of(const proto::Gap& gap) {
  std::vector<TruePart> parts;
  for (const auto& check : gap.check()) {
    TruePart& part = parts.emplace_back();
    part.check_id = check.check_id();
    part.every_ms = check.every_ms();
    part.slots.assign(check.slot().begin(), check.slot().end());
    for (int i = 0; i + 1 < check.range_size(); i += 2)
      for (std::int64_t slot = check.range(i); slot <= check.range(i + 1); ++slot) part.slots.push_back(slot);
    part.runs = {check.runs_up(), check.runs_degraded(), check.runs_down(), check.runs_unknown()};
  }
  return parts;
}

void TrueBook::made(const std::string& spool_id, TrueRecord record) {
  if (record.is_run()) {
    const auto ran = runs_.find(record.digest);
    if (ran == runs_.end()) return world_.chronicle.broken("a spool tells of a run that never was");
    record.due = ran->second;
  }
  spools_[spool_id].records.push_back(std::move(record));
}

std::vector<const TrueRecord*> TrueBook::uncounted(const std::string& spool_id) const {
  std::vector<const TrueRecord*> found;
  const auto spool = spools_.find(spool_id);
  if (spool == spools_.end()) return found;
  for (std::uint64_t i = spool->second.ever_consumed; i < spool->second.records.size(); ++i)
    found.push_back(&spool->second.records[i]);
  return found;
}

std::vector<const TrueRecord*> TrueBook::counted(const std::string& spool_id) const {
  std::vector<const TrueRecord*> found;
  const auto spool = spools_.find(spool_id);
  if (spool == spools_.end()) return found;
  for (std::uint64_t i = 0; i < spool->second.ever_consumed; ++i) found.push_back(&spool->second.records[i]);
  return found;
}

std::uint64_t TrueBook::made_in(const std::string& spool_id) const {
  const auto spool = spools_.find(spool_id);
  return spool == spools_.end() ? 0 : spool->second.records.size();
}

std::uint64_t TrueBook::consumed(const std::string& spool_id) const {
  const auto spool = spools_.find(spool_id);
  return spool == spools_.end() ? 0 : spool->second.consumed;
}

std::vector<const TrueRecord*> TrueBook::take(const std::string& spool_id, std::uint64_t first,
                                              std::uint64_t last) {
  SpoolBook& spool = spools_[spool_id];
  std::vector<const TrueRecord*> taken;
  if (first > spool.consumed + 1 || last > spool.records.size()) {
    world_.chronicle.broken(
        fmt::format("sequences {} to {} of a spool are counted, after {}, of {} that were made", first, last,
                    spool.consumed, spool.records.size()));
    return taken;
  }
  for (; spool.consumed < last; ++spool.consumed) taken.push_back(&spool.records[spool.consumed]);
  spool.ever_consumed = std::max(spool.ever_consumed, spool.consumed);
  return taken;
}

void TrueBook::resume(const std::string& spool_id, std::uint64_t behind) {
  SpoolBook& spool = spools_[spool_id];
  if (behind > spool.ever_consumed)
    world_.chronicle.broken(
        fmt::format("a spool is resumed behind {}, and {} were counted", behind, spool.ever_consumed));
  spool.consumed = behind;
}

std::uint64_t TrueBook::ever_consumed(const std::string& spool_id) const {
  const auto spool = spools_.find(spool_id);
  return spool == spools_.end() ? 0 : spool->second.ever_consumed;
}

bool TrueBook::tells(const proto::Gap& gap, const std::vector<const TrueRecord*>& records) {
  ByCheck truth;
  for (const TrueRecord* record : records) {
    if (records.size() == 1 && gap.cause() != record->cause) return false;
    for (const TruePart& part : record->parts) add(truth, part);
  }
  ByCheck said;
  for (const TruePart& part : parts_of(gap)) add(said, part);
  return is_same(truth, said);
}

}  // namespace parallax
