// Results as the columns of proto Batch. Facts and detail change seldom and are large, so they travel only when
// they differ from what was last sent for that check in this session: the encoder remembers that, for one session.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "probe/stored_result.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// Owned by the link, new for each session. What add() took is held to be sent: a batch that is taken is sent.
class BatchEncoder {
 public:
  // The controller gave `number` to (check_id, definition).
  void assign(const std::string& check_id, std::uint64_t definition, std::uint32_t number);

  // Begins a batch whose first row has `sequence`.
  void begin(std::uint64_t sequence);

  // Adds the next row; false when the batch is full (by rows, or by bytes: a message has a limit).
  bool add(const StoredResult& result);
  bool add(const proto::RunResult& result);

  std::size_t rows() const { return static_cast<std::size_t>(batch_.check_number_size()); }
  proto::Batch take() { return std::exchange(batch_, {}); }

  // `batch`, which nobody needs any more, becomes the next one: its columns and rows need no memory again.
  // Requires: what was added is taken.
  void reuse(proto::Batch&& batch) {
    batch_ = std::move(batch);
    batch_.Clear();
  }

 private:
  // A check in one of its definitions.
  struct Key {
    std::string check_id;
    std::uint64_t definition = 0;
  };
  struct KeyView {
    std::string_view check_id;
    std::uint64_t definition = 0;
  };
  // Either of the two finds the same, so that looking up copies no text.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const KeyView& key) const;
    std::size_t operator()(const Key& key) const { return (*this)(KeyView{key.check_id, key.definition}); }
  };
  struct Equal {
    using is_transparent = void;
    template <class One, class Other>
    bool operator()(const One& one, const Other& other) const {
      return one.definition == other.definition && one.check_id == other.check_id;
    }
  };
  struct Told {
    std::uint32_t number = 0;
    std::string facts;  // serialized
    std::string detail;
  };
  Told& told_of(const StoredResult& result);
  void add_phases(const StoredResult& result);
  void add_facts_and_detail(const StoredResult& result, Told& told);

  proto::Batch batch_;
  std::size_t bytes_ = 0;  // of batch_, near enough
  std::int64_t last_slot_ = 0;
  std::int64_t last_started_us_ = 0;
  std::unordered_map<Key, Told, Hash, Equal> told_;
  std::uint32_t next_own_number_ = 1U << 31;
};

inline constexpr std::size_t kMostRowsInABatch = 200;

}  // namespace parallax
