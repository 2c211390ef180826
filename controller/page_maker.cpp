#include "controller/page_maker.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <optional>
#include <utility>

#include "base/gzip.h"

namespace parallax {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPlacesAtOnce = 250;  // about 16,000 samples: 2 ms
constexpr std::size_t kMostPages = 4;       // two scrapers, and two people who look
constexpr std::chrono::seconds kMostWait{10};
constexpr std::size_t kLeastCompressed = 1024;
constexpr std::size_t kLarge = 16 << 20;

// The turns of those who want a page. Shared: an answer that holds one may outlive the maker.
struct Turns {
  explicit Turns(Loop& loop) : given_back(loop) {}
  std::size_t taken = 0;
  Signal given_back;
};

// A text on its way to the thread and back.
struct Compression {
  explicit Compression(Loop& loop) : done(loop) {}
  TextPieces text;
  std::optional<std::string> compressed;
  Signal done;
};

}  // namespace

struct PageMaker::Members {
  Members(Loop& l, const Clock& c) : loop(l), clock(c), turns(std::make_shared<Turns>(l)) {}

  Task<std::shared_ptr<void>> take_turn();
  Task<std::string> compress(TextPieces text);

  Loop& loop;
  const Clock& clock;
  std::shared_ptr<Turns> turns;
  asio::thread_pool thread{1};
};

PageMaker::PageMaker(Loop& loop, const Clock& clock) : members_(std::make_unique<Members>(loop, clock)) {}

PageMaker::~PageMaker() { members_->thread.join(); }

// Null when none came free in time.
Task<std::shared_ptr<void>> PageMaker::Members::take_turn() {
  const Instant until = clock.now() + kMostWait;
  while (turns->taken >= kMostPages) {
    if (clock.now() >= until) co_return nullptr;
    co_await turns->given_back.wait_until(until);
  }
  ++turns->taken;
  co_return std::shared_ptr<void>(turns.get(), [all = turns](void*) {
    --all->taken;
    all->given_back.notify();
  });
}

Task<std::string> PageMaker::Members::compress(TextPieces text) {
  auto work = std::make_shared<Compression>(loop);
  work->text = std::move(text);
  auto busy = asio::make_work_guard(loop);
  // The thread keeps no hand on the work once it is posted back: a signal is destroyed on the loop.
  asio::post(thread, [work, busy = std::move(busy)]() mutable {
    std::string compressed = gzip(work->text);
    TextPieces().swap(work->text);
    asio::post(busy.get_executor(), [work = std::move(work), compressed = std::move(compressed)]() mutable {
      work->compressed = std::move(compressed);
      work->done.notify();
    });
  });
  while (!work->compressed) co_await work->done.wait_until(Instant::max());
  co_return std::move(*work->compressed);
}

Task<WebResponse> PageMaker::make(Wish wish, const Ledger& ledger, const FleetBook& fleet,
                                  ControllerFigures figures) {
  WebResponse response;
  const std::shared_ptr<void> turn = co_await members_->take_turn();
  if (!turn) {
    response.status = 503;
    response.body = "too many pages are being made or sent; ask for a part with ?service=...&location=...\n";
    co_return response;
  }
  ExpositionWriter writer(wish.format, ledger, fleet, std::move(figures), std::move(wish.filter));
  while (writer.write_some(kPlacesAtOnce, members_->clock.wall())) co_await give_way();
  TextPieces page = writer.take();
  response.content_type = content_type(wish.format);
  response.headers["Vary"] = "Accept, Accept-Encoding";
  const std::size_t size = size_of(page);
  if (wish.compressed && size >= kLeastCompressed) {
    response.body = co_await members_->compress(std::move(page));
    response.headers["Content-Encoding"] = "gzip";
  } else {
    response.pieces = std::move(page);
    if (size >= kLarge) response.held = turn;
  }
  co_return response;
}

}  // namespace parallax
