#include "base/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/kept_file.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Kind = DatabaseError::Kind;

class SqliteTest : public ::testing::Test {
 protected:
  Database opened() const {
    auto database = Database::open(file);
    EXPECT_TRUE(database.has_value()) << database.error().what;
    return std::move(*database);
  }
  void put(const std::string& bytes) const { std::ofstream(file, std::ios::binary) << bytes; }

  Folder folder;
  const fs::path file = folder.path() / "x.db";
};

TEST_F(SqliteTest, GivesBackBytesWithZerosAndEmptyOnes) {
  Database database = opened();
  ASSERT_TRUE(database.run("CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB NOT NULL)").has_value());
  const std::string zeros("a\0b", 3);
  auto insert = database.prepare("INSERT INTO t VALUES (?, ?)");
  ASSERT_TRUE(insert.has_value());
  ASSERT_TRUE(insert->bind(1, -5).bind(2, zeros).run().has_value());
  ASSERT_TRUE(insert->bind(1, INT64_MAX).bind(2, std::string_view()).run().has_value());
  auto select = database.prepare("SELECT n, b FROM t ORDER BY n");
  ASSERT_TRUE(select.has_value());
  ASSERT_TRUE(select->step().value());
  EXPECT_EQ(select->number(0), -5);
  EXPECT_EQ(select->bytes(1), zeros);
  ASSERT_TRUE(select->step().value());
  EXPECT_EQ(select->number(0), INT64_MAX);
  EXPECT_EQ(select->bytes(1), "");
  EXPECT_FALSE(select->step().value());
}

TEST_F(SqliteTest, KeepsWhatWasCommittedWhenTheProcessThatWroteItIsGone) {
  {
    Database database = opened();
    ASSERT_TRUE(database.run("CREATE TABLE t (n); BEGIN; INSERT INTO t VALUES (7); COMMIT").has_value());
  }
  Database database = opened();
  auto select = database.prepare("SELECT n FROM t");
  ASSERT_TRUE(select.has_value() && select->step().value());
  EXPECT_EQ(select->number(0), 7);
}

TEST_F(SqliteTest, LetsNobodyElseReadTheFile) {
  const Database database = opened();
  struct stat status = {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(SqliteTest, IsBusyForASecondOwner) {
  const Database database = opened();
  const auto second = Database::open(file);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, Kind::busy) << second.error().what;
}

TEST_F(SqliteTest, TellsADamagedFileFromADiskThatFails) {
  put("this is no database, and long enough to be looked at as one, which takes a hundred bytes or so: "
      "...........");
  const auto damaged = Database::open(file);
  ASSERT_FALSE(damaged.has_value());
  EXPECT_EQ(damaged.error().kind, Kind::damaged) << damaged.error().what;
  EXPECT_THAT(damaged.error().what, HasSubstr(file.string()));
  const auto nowhere = Database::open(folder.path() / "missing" / "x.db");
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().kind, Kind::disk) << nowhere.error().what;
}

TEST_F(SqliteTest, TellsAFullDiskAndWorksAgainWhenThereIsRoom) {
  Database database = opened();
  ASSERT_TRUE(database.run("CREATE TABLE t (b); PRAGMA max_page_count=4").has_value());
  const auto full = database.run("INSERT INTO t VALUES (randomblob(100000))");
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().kind, Kind::disk) << full.error().what;
  ASSERT_TRUE(database.run("PRAGMA max_page_count=4000").has_value());
  EXPECT_TRUE(database.run("INSERT INTO t VALUES (randomblob(100000))").has_value());
}

TEST_F(SqliteTest, KeepsTheThreeNewestOfTheFilesSetAside) {
  for (int second = 1'800'000'001; second <= 1'800'000'005; ++second) {
    put("damaged");
    const auto aside = set_aside(file, second);
    ASSERT_TRUE(aside.has_value()) << aside.error();
    EXPECT_FALSE(fs::exists(file));
  }
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("x.db.damaged-1800000003", "x.db.damaged-1800000004",
                                                     "x.db.damaged-1800000005"));
}

TEST(KeptFile, IsReadAsItWasWrittenOrNotAtAll) {
  const Folder folder;
  const fs::path file = folder.path() / "kept";
  EXPECT_FALSE(read_kept_file(file, 1000).value().has_value());
  ASSERT_TRUE(write_kept_file(file, "old").has_value());
  ASSERT_TRUE(write_kept_file(file, "content").has_value());
  EXPECT_EQ(read_kept_file(file, 1000).value(), "content");
  for (std::uintmax_t size = fs::file_size(file); size-- > 0;) {
    fs::resize_file(file, size);
    EXPECT_FALSE(read_kept_file(file, 1000).has_value()) << "cut to " << size;
  }
}

}  // namespace
}  // namespace parallax
