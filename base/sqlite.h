// A small door to SQLite (https://sqlite.org/c3ref/intro.html): a database file, its statements, and errors as
// values.
//
// For one thread at a time. What an error means for its owner is in its kind: a damaged file is set aside, a full
// or failing disk is tried again later.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace parallax {

struct DatabaseError {
  enum class Kind {
    damaged,  // the file is no database, or not a whole one
    busy,     // another process has it locked
    disk,     // full, read-only, gone, or it failed: later it may work
    other,    // a statement that is wrong: a mistake of ours
  };
  Kind kind = Kind::other;
  std::string what;  // SQLite's words and the file's name
};

template <class T>
using FromDatabase = std::expected<T, DatabaseError>;

// A prepared statement. Its database outlives it. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement& bind(int parameter, std::int64_t number);
  // The bytes must stay until reset() or the end of run().
  Statement& bind(int parameter, std::string_view bytes);

  // The next row: false when there is none any more.
  FromDatabase<bool> step();
  // Runs a statement without rows from its begin, and makes it ready for other parameters.
  FromDatabase<void> run();
  void reset();

  // Of the row that step() came to.
  std::int64_t number(int column) const;
  std::string bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // Opens `file`, makes it if need be (mode 0600), and takes it for this process alone: a second one gets `busy`.
  // In WAL mode with pages of `page_bytes` (a power of two; only a new file takes it).
  static FromDatabase<Database> open(const std::filesystem::path& file, int page_bytes = 4096);

  // One or more statements without parameters; rows are thrown away.
  FromDatabase<void> run(const std::string& sql);
  FromDatabase<Statement> prepare(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

// Renames a damaged database and what belongs to it (-wal, -shm) to "<file>.damaged-<unix seconds>", so that a new
// one can be made; of the files set aside before, the oldest go, so that at most three are kept. The new name, or
// why not.
std::expected<std::filesystem::path, std::string> set_aside(const std::filesystem::path& file,
                                                            std::int64_t unix_seconds);

}  // namespace parallax
