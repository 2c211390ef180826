// The books as a message and back: what a snapshot is made of.
#pragma once

#include "controller/applied_sequences.h"
#include "controller/fleet_book.h"
#include "controller/ledger.h"
#include "proto/kept.pb.h"

namespace parallax {

// Everything but the definitions and the checks.
proto::KeptBooks kept_without_checks(const Ledger& ledger, const AppliedSequences& sequences,
                                     const FleetBook& fleet);
proto::KeptCheckBook kept_check(const CheckBook& check);

// Puts a whole set back. Requires: all three are empty. What belongs to no definition of the set is passed over.
void restore_books(const proto::KeptBooks& kept, Ledger& ledger, AppliedSequences& sequences, FleetBook& fleet);

}  // namespace parallax
