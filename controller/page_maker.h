// Makes pages of /metrics without holding the loop, which everything else waits for: the text is written part by
// part, and compressed on a thread of its own. A page is as large as the fleet, so only so many are made at a
// time.
#pragma once

#include <memory>

#include "base/task.h"
#include "base/time.h"
#include "base/web_server.h"
#include "controller/exposition.h"

namespace parallax {

// Owned by main; loop and clock outlive it, and so does what a page under way is made of.
class PageMaker {
 public:
  PageMaker(Loop& loop, const Clock& clock);
  ~PageMaker();  // waits for what is being compressed

  struct Wish {
    ExpositionFormat format = ExpositionFormat::text;
    ExpositionFilter filter;
    bool compressed = false;
  };

  // The page; 503 when none could be begun within 10 s, as others were under way. Everything on it is as of a
  // moment after this call.
  Task<WebResponse> make(Wish wish, const Ledger& ledger, const FleetBook& fleet, ControllerFigures figures);

 private:
  struct Members;
  std::unique_ptr<Members> members_;
};

}  // namespace parallax
