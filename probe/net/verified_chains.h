// Chains that were verified without a fault, so that the same certificates are not verified again at every run:
// their signatures cannot change, and all else that decides is the time.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace parallax {

// Of one set of authorities, on the loop thread. A chain is named by the digests of all that the server sent.
class VerifiedChains {
 public:
  // A verdict, and the seconds in which no certificate that it rests on begins or ends: in them it is the same.
  struct Verdict {
    WallTime expiry;  // of the best chain
    WallTime from;
    WallTime until;  // no longer at this very second, as with a certificate's end
  };

  // The verdict that holds at `now`; null: verify it.
  const Verdict* find(const std::string& chain, WallTime now) {
    const auto known = known_.find(chain);
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (known == known_.end() || second < known->second.from || second >= known->second.until) return nullptr;
    ++spared_;
    return &known->second;
  }

  void keep(const std::string& chain, const Verdict& verdict) {
    // A server with ever new certificates shall not fill memory; what is in use is soon known again.
    if (known_.size() >= kMostKnown) known_.clear();
    known_.insert_or_assign(chain, verdict);
  }

  std::size_t size() const { return known_.size(); }
  static constexpr std::size_t kMostKnown = 1024;

  // How many verifications were spared so far, for a test that counts.
  std::size_t spared() const { return spared_; }

 private:
  std::unordered_map<std::string, Verdict> known_;
  std::size_t spared_ = 0;
};

}  // namespace parallax
