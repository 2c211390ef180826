// A disk below the spool that a test holds in its hand: a write ends when the test says so, well or not.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "probe/spool_disk.h"

namespace parallax {

// What survives a kill.
using Platter = std::map<std::uint64_t, std::string>;

class ModelSpoolDisk final : public SpoolDisk {
 public:
  explicit ModelSpoolDisk(Platter& platter) : platter_(platter) {}

  SpoolOpened open() override {
    SpoolOpened opened;
    opened.trouble = trouble;
    if (trouble.empty())
      for (const auto& [key, bytes] : platter_) opened.found.rows.push_back({key, bytes});
    return opened;
  }
  void write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) override {
    ++writes;
    rows_put += write.put.size();
    syncs += write.sync;
    under_way_.emplace(std::move(write), std::move(done));
  }

  bool is_writing() const { return under_way_.has_value(); }
  // The write under way reaches the platter, or fails with `trouble`.
  void commit() {
    for (const auto& [first, last] : under_way_->first.remove)
      platter_.erase(platter_.lower_bound(first), platter_.upper_bound(last));
    for (const auto& row : under_way_->first.put) platter_[row.key] = row.bytes;
  }
  void answer(SpoolWritten written = {}) {
    auto done = std::move(under_way_->second);
    under_way_.reset();
    done(std::move(written));
  }
  void end() {
    SpoolWritten written;
    written.trouble = trouble;
    written.may_have_lost_all = loses_all;
    if (trouble.empty()) commit();
    answer(std::move(written));
  }

  std::string trouble;
  bool loses_all = false;
  int writes = 0;
  int syncs = 0;
  std::size_t rows_put = 0;

 private:
  Platter& platter_;
  std::optional<std::pair<SpoolWrite, std::move_only_function<void(SpoolWritten)>>> under_way_;
};

}  // namespace parallax
