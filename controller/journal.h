// Where what changes the books becomes durable before it is counted: journal, then ledger, then acknowledgement.
#pragma once

#include <google/protobuf/arena.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"
#include "controller/shared_facts.h"
#include "definitions/definitions.h"
#include "proto/kept.pb.h"

namespace parallax {

// One event and its number: 1 for the first that was ever kept, and so on without holes.
//
// A hundred results are a thousand parts: they lie in one arena, which is given back as a whole. Copies share the
// event, which nobody changes once it is appended.
class JournalEntry {
 public:
  JournalEntry() : event_(empty_event()) {}
  // An event of this moment; what happened is filled in by the caller.
  explicit JournalEntry(WallTime at) : JournalEntry() { event_->set_at_us(unix_us(at)); }

  proto::BookEvent& event() { return *event_; }
  const proto::BookEvent& event() const { return *event_; }

  std::uint64_t number = 0;  // given by the journal
  // What an event of definitions says, where the program has it already: then no second copy is made of it.
  std::shared_ptr<const Definitions> definitions;
  // The facts that the results of the event show, by row, null for a result without; empty where they are its own.
  std::vector<SharedFacts> facts;

 private:
  static std::shared_ptr<proto::BookEvent> empty_event() {
    google::protobuf::ArenaOptions options;
    options.start_block_size = 1 << 10;
    options.max_block_size = 32 << 10;
    const auto arena = std::make_shared<google::protobuf::Arena>(options);
    return {arena, google::protobuf::Arena::CreateMessage<proto::BookEvent>(arena.get())};
  }

  std::shared_ptr<proto::BookEvent> event_;
};

// Owned by main; outlives what appends to it.
class Journal {
 public:
  using Durable = std::move_only_function<void(const JournalEntry&)>;
  virtual ~Journal() = default;

  // Numbers `entry` and makes it durable, then hands it to `durable`, on the loop and in the order of the calls;
  // possibly before this returns. While the disk does not take it, it waits.
  virtual void append(JournalEntry entry, Durable durable) = 0;

  // The disk does not take events at present.
  virtual bool is_failing() const { return false; }
};

// Keeps nothing: what is counted lasts as long as the process, and so does the ledger.
class MemoryJournal final : public Journal {
 public:
  void append(JournalEntry entry, Durable durable) override {
    entry.number = ++last_;
    durable(entry);
  }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace parallax
