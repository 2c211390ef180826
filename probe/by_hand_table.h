// Results as a table, for people.
//
//   CHECK            STATE  REASON         TIME  PHASES
//   shop-api/health  up     ok            12 ms  .::======  . resolve 400 us  : connect 200 us  = tls 2.7 ms
//       200 OK in 12 ms
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "proto/definition.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// What the reader's screen can show.
struct TableStyle {
  bool bars = false;    // on a terminal only
  bool colors = false;  // on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb forbids it
  bool blocks = false;  // block characters, where the locale is UTF-8; else ASCII
};
TableStyle style_for(std::FILE* out);

class Table {
 public:
  // Columns are as wide as `checks`, the ones to be shown, need.
  Table(TableStyle style, const std::vector<proto::Check>& checks);

  std::string header() const;
  // A line of columns and a line of detail. Nothing a target sent reaches the terminal as a control character.
  std::string row(const proto::Check& check, const proto::RunResult& result) const;
  // "7 checks: 5 up, 1 degraded, 1 down"; what there is none of is left out.
  std::string summary(const std::vector<proto::State>& states) const;

 private:
  std::string phases(const proto::RunResult& result) const;

  TableStyle style_;
  std::size_t name_width_ = 0;
};

// How many cells of a bar of `width` each phase takes: in all `width`, or none when nothing took any time.
std::vector<unsigned> bar_cells(const std::vector<std::int64_t>& nanoseconds, unsigned width);

}  // namespace parallax
