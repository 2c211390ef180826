#include "base/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace parallax {
namespace {

DatabaseError::Kind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
      return DatabaseError::Kind::damaged;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return DatabaseError::Kind::busy;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
    case SQLITE_AUTH:
    case SQLITE_TOOBIG:
    case SQLITE_PROTOCOL:
      return DatabaseError::Kind::disk;
    default:
      return DatabaseError::Kind::other;
  }
}

std::unexpected<DatabaseError> error_of(sqlite3* database, int code) {
  const char* file = database ? sqlite3_db_filename(database, "main") : nullptr;
  const char* words =
      database && sqlite3_errcode(database) != SQLITE_OK ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  return std::unexpected(DatabaseError{kind_of(code), fmt::format("{}: {}", file ? file : "database", words)});
}

// SQLite would make the file readable for all that the umask lets in.
void make_private_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor >= 0) ::close(descriptor);  // when it cannot be made, sqlite3_open_v2() says why
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), parameter, number);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view bytes) {
  // A null pointer would bind NULL.
  const char* begin = bytes.empty() ? "" : bytes.data();
  sqlite3_bind_blob64(statement_.get(), parameter, begin, bytes.size(), SQLITE_STATIC);
  return *this;
}

FromDatabase<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(database_, code);
}

FromDatabase<void> Statement::run() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_DONE || code == SQLITE_ROW) {
    reset();
    return {};
  }
  const auto error = error_of(database_, code);
  reset();
  return error;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::bytes(int column) const {
  const void* begin = sqlite3_column_blob(statement_.get(), column);
  const int count = sqlite3_column_bytes(statement_.get(), column);
  return begin ? std::string(static_cast<const char*>(begin), static_cast<std::size_t>(count)) : std::string();
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

FromDatabase<Database> Database::open(const std::filesystem::path& file, int page_bytes) {
  make_private_file(file);
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(opened);
  if (code != SQLITE_OK) return error_of(opened, code);
  sqlite3_extended_result_codes(opened, 1);
  // Exclusive before WAL: then there is no shared-memory file, and the lock is held as long as the process lives.
  const auto settings = fmt::format(
      "PRAGMA page_size={}; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; COMMIT",
      page_bytes);
  if (const auto set = database.run(settings); !set) return std::unexpected(set.error());
  return database;
}

FromDatabase<void> Database::run(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(database_.get(), code);
  return {};
}

FromDatabase<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error_of(database_.get(), code);
  return Statement(database_.get(), statement);
}

namespace {

constexpr std::size_t kMostSetAside = 3;

// The oldest names go: the times in them have the same number of digits for the next 260 years.
void remove_oldest_set_aside(const std::filesystem::path& file) {
  const std::string begin = file.filename().string() + ".damaged-";
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(begin) && !name.ends_with("-wal")) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  for (std::size_t i = 0; i + kMostSetAside < found.size(); ++i) {
    std::filesystem::remove(found[i], ignored);
    std::filesystem::remove(found[i].string() + "-wal", ignored);
  }
}

}  // namespace

std::expected<std::filesystem::path, std::string> set_aside(const std::filesystem::path& file,
                                                            std::int64_t unix_seconds) {
  const std::filesystem::path aside = fmt::format("{}.damaged-{}", file.string(), unix_seconds);
  std::error_code error;
  std::filesystem::rename(file, aside, error);
  if (error) return std::unexpected(fmt::format("{} cannot be renamed: {}", file.string(), error.message()));
  std::error_code ignored;  // the WAL may be there or not; without its database it must not stay
  std::filesystem::rename(file.string() + "-wal", aside.string() + "-wal", ignored);
  std::filesystem::remove(file.string() + "-shm", ignored);
  remove_oldest_set_aside(file);
  return aside;
}

}  // namespace parallax
