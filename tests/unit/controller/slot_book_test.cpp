// The book of slots looks at no more than it must; here beside one that looks at everything, always.
#include "controller/slot_book.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/verdict.h"

namespace parallax {
namespace {

constexpr Milliseconds kEvery(15'000);
constexpr Milliseconds kLifetime(45'000);
constexpr std::array<const char*, 4> kLocations = {"a", "b", "c", "d"};

// What the contract says, written down as it is said.
class PlainSlotBook {
 public:
  explicit PlainSlotBook(std::int64_t slot) : first_(slot) {}

  void note(std::int64_t slot, const std::string& location, Vote vote) {
    if (slot >= first_ && !closed_.contains(slot)) votes_[slot].emplace(location, vote);
  }
  void close(const std::vector<SlotPlace>& places, WallTime now) {
    for (std::int64_t slot = first_; slot < first_ + 120; ++slot)
      if (!closed_.contains(slot)) close(slot, places, now);
  }

  SlotBook::Tally tally;

 private:
  void close(std::int64_t slot, const std::vector<SlotPlace>& places, WallTime now) {
    const auto& votes = votes_[slot];
    bool all_spoke = !votes.empty();
    Votes counted;
    for (const SlotPlace& place : places) {
      ++counted.expected;
      const auto vote = votes.find(std::string(place.location));
      if (vote == votes.end()) {
        all_spoke = false;
        if (now <= place.grid->due(slot) - place.clock_offset + kLifetime) return;  // it may still speak
      } else if (vote->second != Vote::none) {
        ++counted.measured;
        if (vote->second == Vote::up) ++counted.up;
      }
    }
    closed_.insert(slot);
    if (slot == first_ && !all_spoke) return;
    const auto up = verdict("majority", counted);
    ++(!up ? tally.unknown : *up ? tally.up : tally.down);
  }

  std::int64_t first_;
  std::map<std::int64_t, std::map<std::string, Vote>> votes_;
  std::set<std::int64_t> closed_;
};

TEST(SlotBook, CountsAsOneThatLooksAtEverySlotEachTime) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
    std::vector<SlotGrid> grids;
    for (std::uint32_t k = 0; k < 4; ++k) grids.emplace_back("shop/health", kEvery, k, 4);
    WallTime now = from_unix_us(1769853600LL * 1'000'000);
    const std::int64_t begin = grids[0].current(now);
    std::vector<SlotPlace> places;
    for (std::size_t k = 0; k < 4; ++k) places.push_back({kLocations[k], &grids[k], begin, Milliseconds(0)});
    SlotBook book;
    PlainSlotBook plain(begin);
    book.start_at(begin);
    for (int step = 0; step < 250; ++step) {
      now += Milliseconds(pick(4000));
      for (int notes = pick(2); notes > 0; --notes) {
        const std::size_t k = static_cast<std::size_t>(pick(3));
        const std::int64_t slot = grids[k].current(now) + pick(4) - 3;
        const Vote vote = static_cast<Vote>(pick(2));
        book.note(slot, kLocations[k], vote);
        plain.note(slot, kLocations[k], vote);
      }
      const std::size_t moved = static_cast<std::size_t>(pick(60));  // a probe's clock is set, now and then
      if (moved < places.size()) places[moved].clock_offset = Milliseconds(pick(4000) - 2000);
      if (pick(40) == 0 && places.size() > 2) {  // a location leaves the check
        places.erase(places.begin() + pick(static_cast<int>(places.size()) - 1));
        book.expect_others();
      }
      if (pick(3) == 0) continue;
      const bool some = book.has_some_to_close(places, kLifetime, now);
      const SlotBook::Tally before = book.tally();
      const std::int64_t first = book.first_open();
      book.close(places, "majority", kLifetime, now);
      plain.close(places, now);
      ASSERT_EQ(book.tally().up, plain.tally.up) << "seed " << seed << ", step " << step;
      ASSERT_EQ(book.tally().down, plain.tally.down) << "seed " << seed << ", step " << step;
      ASSERT_EQ(book.tally().unknown, plain.tally.unknown) << "seed " << seed << ", step " << step;
      const bool counted =
          before.up + before.down + before.unknown != book.tally().up + book.tally().down + book.tally().unknown;
      ASSERT_TRUE(some || (!counted && first == book.first_open())) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace parallax
