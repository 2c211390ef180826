// Results as a table, for people.
//
//   STATE     REASON                   TIME  CHECK
//   up        ok                      12 ms  shop-api/health
//       200 OK in 12 ms
//       .::======  . resolve 400 us  : connect 200 us  = tls 2.7 ms
//       address     192.0.2.7 (IPv4)
#pragma once

#include <string>
#include <vector>

#include "probe/terminal.h"
#include "proto/definition.pb.h"
#include "proto/result.pb.h"

namespace parallax {

class Table {
 public:
  explicit Table(TableStyle style) : style_(style) {}

  std::string header() const;
  enum class Facts { none, telling, all };  // telling: see fact_lines()

  // A line of columns, the detail, the phases and what else the run found. Within 80 columns on a terminal; in a
  // file each is one line, for grep. Nothing a target sent reaches the terminal as a control character.
  std::string row(const proto::Check& check, const proto::RunResult& result, Facts facts) const;
  // "7 runs: 5 up, 1 degraded, 1 down"; what there is none of is left out.
  std::string summary(const std::vector<proto::State>& states) const;

 private:
  std::string indented(const std::string& text, std::size_t indent, std::size_t first) const;
  std::string phases(const proto::RunResult& result) const;
  std::string bars(const proto::RunResult& result) const;

  TableStyle style_;
};

// How many cells of a bar of `width` each phase takes: in all `width`, or none when nothing took any time.
std::vector<unsigned> bar_cells(const std::vector<std::int64_t>& nanoseconds, unsigned width);

}  // namespace parallax
