#include "probe/spool_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "probe/memory_spool.h"
#include "tests/unit/probe/spool_scene.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kNow = 1'790'000'000;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void put_content(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

SpoolRow row_of(std::int64_t slot) {
  return {static_cast<std::uint64_t>(1000 + slot), to_bytes(SpoolRecord(run_at(slot)))};
}
std::vector<SpoolRow> rows_of(std::int64_t slots) {
  std::vector<SpoolRow> rows;
  for (std::int64_t slot = 0; slot < slots; ++slot) rows.push_back(row_of(slot));
  return rows;
}
SpoolWrite write_of(std::vector<SpoolRow> rows) {
  SpoolWrite write;
  write.put = std::move(rows);
  return write;
}

// In memory where the host has that: thousands of files are made and synced in here.
class MemoryFolder {
 public:
  MemoryFolder() {
    const fs::path where = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string name = (where / "parallax-spool-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~MemoryFolder() { fs::remove_all(path_); }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class SpoolFileTest : public ::testing::Test {
 protected:
  MemoryFolder folder;
  const fs::path file = folder.path() / "spool.db";
};

TEST_F(SpoolFileTest, GivesBackWhatWasWrittenAndNotRemoved) {
  {
    SpoolFile spool(file);
    EXPECT_EQ(spool.open(kNow).trouble, "");
    EXPECT_EQ(spool.write(write_of(rows_of(100)), kNow).trouble, "");
    SpoolWrite more;
    more.remove = {{1000, 1019}, {1050, 1050}};
    more.put = {row_of(100)};
    more.sync = true;
    EXPECT_EQ(spool.write(more, kNow).trouble, "");
    SpoolWrite only_sync;
    only_sync.sync = true;
    EXPECT_EQ(spool.write(only_sync, kNow).trouble, "");
  }
  std::vector<SpoolRow> left = rows_of(101);
  left.erase(left.begin() + 50);
  left.erase(left.begin(), left.begin() + 20);
  SpoolFile spool(file);
  const SpoolOpened opened = spool.open(kNow);
  EXPECT_EQ(opened.trouble, "");
  EXPECT_EQ(opened.found.rows, left);
  EXPECT_FALSE(opened.found.lost_some);
  EXPECT_FALSE(opened.found.must_be_written);
  struct stat seen{};
  ASSERT_EQ(::stat(file.c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777, 0600U);
}

TEST_F(SpoolFileTest, ASecondProcessIsRefusedAndSpoilsNothing) {
  SpoolFile first(file);
  ASSERT_EQ(first.open(kNow).trouble, "");
  SpoolFile second(file);
  const SpoolOpened refused = second.open(kNow);
  EXPECT_TRUE(refused.is_taken);
  EXPECT_THAT(refused.trouble, HasSubstr("locked"));
  EXPECT_EQ(first.write(write_of(rows_of(10)), kNow).trouble, "");
}

// A file and its WAL as a kill leaves them: some rows in the database, some only in the WAL.
struct Left {
  std::string database;
  std::string wal;
};
Left left_by_a_kill(const fs::path& folder, std::int64_t in_database, std::int64_t in_wal) {
  const fs::path file = folder / "made.db";
  auto rows = rows_of(in_database + in_wal);
  {
    SpoolFile spool(file);
    spool.open(kNow);
    spool.write(write_of({rows.begin(), rows.begin() + in_database}), kNow);
  }
  SpoolFile spool(file);
  spool.open(kNow);
  for (std::int64_t i = in_database; i < in_database + in_wal; ++i)
    spool.write(write_of({rows[static_cast<std::size_t>(i)]}), kNow);
  return {content_of(file), content_of(file.string() + "-wal")};
}

// Opens the damaged pair; what comes back was written, in order and at most once. How many rows came back.
struct Opened {
  std::size_t rows = 0;
  bool lost_some = false;
};
Opened open_damaged(const fs::path& folder, const Left& left, const std::vector<SpoolRow>& written) {
  const fs::path file = folder / "spool.db";
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("spool.db")) fs::remove(entry.path());
  put_content(file, left.database);
  if (!left.wal.empty()) put_content(file.string() + "-wal", left.wal);
  SpoolFile spool(file);
  SpoolOpened opened = spool.open(kNow);
  EXPECT_EQ(opened.trouble, "") << "it must always be possible to go on";
  std::size_t next = 0;
  for (const SpoolRow& row : opened.found.rows) {
    while (next < written.size() && !(written[next] == row)) ++next;
    EXPECT_LT(next, written.size()) << "a row that was never written, or one twice: key " << row.key;
    ++next;
  }
  EXPECT_EQ(spool.write(write_of({row_of(500)}), kNow).trouble, "");
  return {opened.found.rows.size(), opened.found.lost_some};
}

// PARALLAX_LONG_DRILL=1 tries every bit of every byte, and every length.
bool is_long() { return std::getenv("PARALLAX_LONG_DRILL") != nullptr; }
constexpr int kDatabaseRows = 12;
constexpr int kWalRows = 4;

TEST_F(SpoolFileTest, WhateverByteOfTheDatabaseIsDamagedNothingIsInventedAndALossIsTold) {
  const auto written = rows_of(kDatabaseRows);
  Left left = left_by_a_kill(folder.path(), kDatabaseRows, 0);
  left.wal.clear();
  ASSERT_EQ(open_damaged(folder.path(), left, written).rows, written.size());
  const std::string whole = left.database;
  int told = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : is_long() ? std::vector<int>{1, 2, 4, 8, 16, 32, 64, 128} : std::vector<int>{0x55}) {
      left.database = whole;
      left.database[at] = static_cast<char>(left.database[at] ^ flip);
      const Opened opened = open_damaged(folder.path(), left, written);
      EXPECT_TRUE(opened.rows == written.size() || opened.lost_some)
          << "byte " << at << ": a loss nobody hears of";
      told += opened.lost_some;
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(told, 100) << "the damage hardly hit anything: the test is too kind";
}

// SQLite takes the WAL up to the first frame that is not whole, like after a power cut: what is behind it was
// never promised, and its slots are declared when the controller says up to where it has counted.
TEST_F(SpoolFileTest, WhateverByteOfTheWalIsDamagedNothingIsInvented) {
  const auto written = rows_of(kDatabaseRows + kWalRows);
  Left left = left_by_a_kill(folder.path(), kDatabaseRows, kWalRows);
  ASSERT_GT(left.wal.size(), 1000U);
  ASSERT_EQ(open_damaged(folder.path(), left, written).rows, written.size());
  const std::string whole = left.wal;
  for (std::size_t at = 0; at < whole.size(); at += is_long() ? 1 : 3) {
    left.wal = whole;
    left.wal[at] = static_cast<char>(left.wal[at] ^ 0x55);
    const Opened opened = open_damaged(folder.path(), left, written);
    EXPECT_TRUE(opened.rows >= kDatabaseRows || opened.lost_some) << "byte " << at;
    if (HasFailure()) return;
  }
}

TEST_F(SpoolFileTest, WhereverTheFilesAreCutOffNothingIsInvented) {
  const auto written = rows_of(kDatabaseRows + kWalRows);
  const Left whole = left_by_a_kill(folder.path(), kDatabaseRows, kWalRows);
  const std::size_t step = is_long() ? 1 : 7;
  for (std::size_t size = 0; size < whole.database.size() && !HasFailure(); size += step) {
    const Left left{whole.database.substr(0, size), ""};
    const Opened opened = open_damaged(folder.path(), left, written);
    // Of an empty file nobody can say that there was something in it.
    EXPECT_TRUE(size == 0 || opened.lost_some) << "cut off at " << size;
  }
  for (std::size_t size = 0; size < whole.wal.size() && !HasFailure(); size += step)
    open_damaged(folder.path(), {whole.database, whole.wal.substr(0, size)}, written);
}

TEST_F(SpoolFileTest, ADamagedFileIsSetAsideAndAtMostThreeAreKept) {
  for (int i = 0; i < 5; ++i) {
    put_content(file, std::string(5000, 'x'));
    SpoolFile spool(file);
    const SpoolOpened opened = spool.open(kNow + i);
    EXPECT_EQ(opened.trouble, "");
    EXPECT_TRUE(opened.found.lost_some);
    EXPECT_EQ(opened.damaged_files, static_cast<std::uint32_t>(std::min(i + 1, 3)));
  }
  EXPECT_TRUE(fs::exists(file.string() + ".damaged-" + std::to_string(kNow + 4)));
}

TEST_F(SpoolFileTest, AFileThatIsRemovedWhileItIsUsedIsMadeAgain) {
  SpoolFile spool(file);
  spool.open(kNow);
  spool.write(write_of(rows_of(5)), kNow);
  fs::remove(file);
  fs::remove(file.string() + "-wal");
  const SpoolWritten written = spool.write(write_of({row_of(5)}), kNow);
  EXPECT_EQ(written.trouble, "");
  EXPECT_TRUE(written.may_have_lost_all);
  EXPECT_TRUE(fs::exists(file));
}

TEST_F(SpoolFileTest, ADirectoryThatIsNotThereYetIsTriedAgain) {
  const fs::path later = folder.path() / "later" / "spool.db";
  SpoolFile spool(later);
  EXPECT_THAT(spool.open(kNow).trouble, HasSubstr("unable to open"));
  EXPECT_THAT(spool.write(write_of(rows_of(5)), kNow).trouble, HasSubstr("unable to open"));
  fs::create_directories(later.parent_path());
  EXPECT_EQ(spool.write(write_of(rows_of(5)), kNow).trouble, "");
}

TEST_F(SpoolFileTest, WhatWasThereIsFoundWhenTheDiskComesBackAfterTheStart) {
  {
    SpoolFile spool(file);
    spool.open(kNow);
    spool.write(write_of(rows_of(5)), kNow);
  }
  const fs::path away = folder.path() / "away";
  fs::rename(file, away);
  fs::create_directory(file);  // not a file: nobody can open it
  SpoolFile spool(file);
  EXPECT_NE(spool.open(kNow).trouble, "");
  fs::remove(file);
  fs::rename(away, file);
  const SpoolWritten written = spool.write(write_of({row_of(9)}), kNow);
  EXPECT_EQ(written.trouble, "");
  EXPECT_EQ(written.found.rows, rows_of(5));
}

// The limit of a file's size stands for a disk that is full: it needs no root.
TEST_F(SpoolFileTest, AFullDiskTakesNothingAndSpoilsNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  SpoolFile spool(file);
  spool.open(kNow);
  ASSERT_EQ(spool.write(write_of(rows_of(20)), kNow).trouble, "");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = fs::file_size(file.string() + "-wal") + 3000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  SpoolWrite large = write_of(rows_of(2000));
  large.remove = {{1000, 1010}};
  const SpoolWritten written = spool.write(large, kNow);
  const SpoolWritten again = spool.write(large, kNow);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(written.trouble, "");
  EXPECT_NE(again.trouble, "");
  EXPECT_FALSE(written.may_have_lost_all) << "what was there is still there";
  EXPECT_EQ(spool.write(write_of({row_of(20)}), kNow).trouble, "");
  SpoolWrite sync;
  sync.sync = true;
  EXPECT_EQ(spool.write(sync, kNow).trouble, "");
  const fs::path copy = folder.path() / "copy.db";
  fs::copy(file, copy);
  fs::copy(file.string() + "-wal", copy.string() + "-wal");
  SpoolFile as_found(copy);
  EXPECT_EQ(as_found.open(kNow).found.rows, rows_of(21));
}

TEST_F(SpoolFileTest, StaysBoundedOverDaysOfTheSameLoad) {
  SpoolFile spool(file);
  spool.open(kNow);
  std::uintmax_t largest = 0;
  for (std::int64_t slot = 0; slot < 6000; slot += 10) {
    SpoolWrite write;
    if (slot >= 500)
      write.remove = {
          {static_cast<std::uint64_t>(1000 + slot - 500), static_cast<std::uint64_t>(1000 + slot - 491)}};
    for (std::int64_t i = slot; i < slot + 10; ++i) write.put.push_back(row_of(i));
    ASSERT_EQ(spool.write(write, kNow).trouble, "");
    if (slot >= 1000) largest = std::max(largest, fs::file_size(file));
  }
  EXPECT_LT(largest, 500U * 200) << "the places of removed rows are used again";
  EXPECT_LT(fs::file_size(file.string() + "-wal"), 2U << 20);
}

}  // namespace
}  // namespace parallax
