#include "probe/spool_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "base/slot_grid.h"

namespace parallax {
namespace {

constexpr int kPageBytes = 1024;  // of small rows written a few at a time, less goes to the device
constexpr std::string_view kTable = "CREATE TABLE record(key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)";
// Debian's SQLite overwrites what is deleted with zeros unless told otherwise: twice the writing for nothing.
constexpr const char* kSettings =
    "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=1048576; PRAGMA secure_delete=OFF; "
    "PRAGMA cell_size_check=ON; PRAGMA cache_size=-512";
constexpr std::size_t kCheckBytes = sizeof(std::uint64_t);

// Changes with any byte of the record, and with its key.
std::uint64_t check_of(std::uint64_t key, std::string_view bytes) {
  return fnv1a_64(bytes) ^ (key * 0x9e3779b97f4a7c15u);
}

std::string with_check(const SpoolRow& row) {
  const std::uint64_t check = check_of(row.key, row.bytes);
  std::string kept(kCheckBytes, '\0');
  std::memcpy(kept.data(), &check, kCheckBytes);
  return kept + row.bytes;
}

// False for a row that is not as it was written.
bool take_row(const Statement& statement, SpoolFound& found) {
  const auto key = static_cast<std::uint64_t>(statement.number(0));
  const std::string kept = statement.bytes(1);
  if (kept.size() <= kCheckBytes) return false;
  std::uint64_t check = 0;
  std::memcpy(&check, kept.data(), kCheckBytes);
  std::string bytes = kept.substr(kCheckBytes);
  if (check != check_of(key, bytes)) return false;
  found.rows.push_back({key, std::move(bytes)});
  return true;
}

// All good rows in the order of `sql`; false where there were others, too.
bool read_rows(Database& database, std::string_view sql, SpoolFound& found) {
  auto rows = database.prepare(sql);
  if (!rows) return false;
  bool all_good = true;
  for (;;) {
    const auto is_row = rows->step();
    if (!is_row) return false;
    if (!*is_row) return all_good;
    all_good = take_row(*rows, found) && all_good;
  }
}

// From its begin, and where a damaged page ends that, from its end.
bool read_rows(Database& database, SpoolFound& found) {
  if (read_rows(database, "SELECT rowid, bytes FROM record ORDER BY rowid", found)) return true;
  read_rows(database, "SELECT rowid, bytes FROM record ORDER BY rowid DESC", found);
  std::ranges::sort(found.rows, {}, &SpoolRow::key);
  const auto twice = std::ranges::unique(found.rows, {}, &SpoolRow::key);
  found.rows.erase(twice.begin(), twice.end());
  return false;
}

bool is_sound(Database& database) {
  auto check = database.prepare("PRAGMA quick_check(1)");
  if (!check) return false;
  const auto answer = check->step();
  return answer && *answer && check->bytes(0) == "ok";
}

// What SQLite would take for something else: a stump of a file for an empty database, and one whose header names a
// version to come for a disk that is read-only. (https://sqlite.org/fileformat.html: offset 18 is the write
// version, 1 or 2.)
bool is_stump_or_of_another_version(const std::filesystem::path& file) {
  constexpr int kWriteVersionAt = 18;
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const auto size = in.tellg();
  if (size <= 0) return false;  // not there yet, or empty
  if (size < kPageBytes) return true;
  in.seekg(kWriteVersionAt);
  const int version = in.get();
  return version != 1 && version != 2;
}

std::unexpected<DatabaseError> damaged(std::string what) {
  return std::unexpected(DatabaseError{DatabaseError::Kind::damaged, std::move(what)});
}

FromDatabase<std::int64_t> number(Database& database, std::string_view sql) {
  auto statement = database.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->number(0) : 0;
}

}  // namespace

SpoolOpened SpoolFile::open(std::int64_t unix_seconds) {
  SpoolOpened opened;
  count_damaged_files();
  const auto connected = connect();
  if (connected) {
    read_all(opened.found);
    was_read_ = true;
  } else if (connected.error().kind == DatabaseError::Kind::damaged ||
             connected.error().kind == DatabaseError::Kind::other) {
    opened.found.lost_some = true;
  } else {
    opened.trouble = connected.error().what;
    opened.is_taken = connected.error().kind == DatabaseError::Kind::busy;
  }
  if (opened.found.lost_some) replace_damaged(opened, unix_seconds);
  opened.damaged_files = damaged_files_;
  return opened;
}

FromDatabase<void> SpoolFile::connect() {
  if (is_stump_or_of_another_version(file_)) return damaged(file_.string() + ": not a whole database of ours");
  auto database = Database::open(file_, kPageBytes);
  if (!database) return std::unexpected(database.error());
  if (const auto set = database->run(kSettings); !set) return set;
  if (const auto made = make_table(*database); !made) return made;
  auto remove = database->prepare("DELETE FROM record WHERE rowid BETWEEN ? AND ?");
  if (!remove) return std::unexpected(remove.error());
  auto put = database->prepare("INSERT OR REPLACE INTO record(rowid, bytes) VALUES(?, ?)");
  if (!put) return std::unexpected(put.error());
  connection_.emplace(std::move(*database), std::move(*remove), std::move(*put), identity().value_or(Identity()));
  return {};
}

FromDatabase<void> SpoolFile::make_table(Database& database) const {
  const auto tables = number(database, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  if (*tables == 0) {
    const auto pages = number(database, "PRAGMA page_count");
    if (!pages) return std::unexpected(pages.error());
    if (*pages > 1) return damaged(file_.string() + ": pages and no table");
    return database.run(std::string(kTable));
  }
  auto sql = database.prepare("SELECT sql FROM sqlite_schema");
  if (!sql) return std::unexpected(sql.error());
  const auto row = sql->step();
  if (!row) return std::unexpected(row.error());
  if (!*row || sql->bytes(0) != kTable) return damaged(file_.string() + ": another table than ours");
  return {};
}

void SpoolFile::read_all(SpoolFound& found) {
  const bool all_good = read_rows(connection_->database, found);
  found.lost_some = !all_good || !is_sound(connection_->database);
}

// What could be read is in memory; the file itself is not trusted any more.
void SpoolFile::replace_damaged(SpoolOpened& opened, std::int64_t unix_seconds) {
  opened.found.must_be_written = true;
  connection_.reset();
  const auto aside = set_aside(file_, unix_seconds);
  count_damaged_files();
  if (!aside) {
    opened.trouble = aside.error();
    return;
  }
  was_read_ = true;
  if (const auto connected = connect(); !connected) opened.trouble = connected.error().what;
}

SpoolWritten SpoolFile::write(const SpoolWrite& write, std::int64_t unix_seconds) {
  SpoolWritten written;
  if (connection_ && identity() != connection_->identity) connection_.reset();  // removed, or replaced
  if (!connection_) {
    written.may_have_lost_all = true;
    const bool was_read = was_read_;
    SpoolOpened opened = open(unix_seconds);
    written.trouble = std::move(opened.trouble);
    if (!was_read) written.found = std::move(opened.found);  // else memory has it all
  }
  if (written.trouble.empty()) {
    const auto applied = apply(write);
    if (!applied) {
      written.trouble = applied.error().what;
      if (connection_->database.run("ROLLBACK"); applied.error().kind == DatabaseError::Kind::damaged) {
        SpoolOpened opened;
        replace_damaged(opened, unix_seconds);
        written.may_have_lost_all = true;
      }
    }
  }
  written.damaged_files = damaged_files_;
  return written;
}

FromDatabase<void> SpoolFile::apply(const SpoolWrite& write) {
  Database& database = connection_->database;
  if (write.remove.empty() && write.put.empty())
    return write.sync ? database.run("PRAGMA wal_checkpoint(PASSIVE)") : FromDatabase<void>();
  if (write.sync)
    if (const auto set = database.run("PRAGMA synchronous=FULL"); !set) return set;
  if (const auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  for (const auto& [first, last] : write.remove) {
    connection_->remove.bind(1, static_cast<std::int64_t>(first)).bind(2, static_cast<std::int64_t>(last));
    if (const auto removed = connection_->remove.run(); !removed) return removed;
  }
  for (const SpoolRow& row : write.put) {
    const std::string kept = with_check(row);
    connection_->put.bind(1, static_cast<std::int64_t>(row.key)).bind(2, kept);
    if (const auto put = connection_->put.run(); !put) return put;
  }
  if (const auto done = database.run("COMMIT"); !done) return done;
  if (write.sync) return database.run("PRAGMA synchronous=NORMAL");
  return {};
}

std::optional<SpoolFile::Identity> SpoolFile::identity() const {
  struct stat seen{};
  if (::stat(file_.c_str(), &seen) != 0) return std::nullopt;
  return Identity(seen.st_dev, seen.st_ino);
}

void SpoolFile::count_damaged_files() {
  damaged_files_ = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(file_.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(file_.filename().string() + ".damaged-") && !name.ends_with("-wal")) ++damaged_files_;
  }
}

}  // namespace parallax
