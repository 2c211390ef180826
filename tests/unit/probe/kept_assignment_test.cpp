#include "probe/kept_assignment.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "tests/unit/definitions/folder.h"
#include "tests/unit/probe/spool_scene.h"

namespace parallax {
namespace {

class KeptAssignmentTest : public ::testing::Test {
 protected:
  ~KeptAssignmentTest() override { std::fclose(log_file); }

  static proto::AssignedCheck check(const std::string& id, std::uint32_t number) {
    proto::AssignedCheck assigned;
    assigned.mutable_check()->set_id(id);
    assigned.set_number(number);
    assigned.set_accounted_slot(77);
    return assigned;
  }
  // Puts them one after the other, as one life of a probe does.
  void put(const std::vector<proto::Assignment>& assignments) {
    boost::asio::thread_pool disk(1);
    KeptAssignment kept(file, disk, log);
    kept.read();
    for (const auto& assignment : assignments) kept.put(assignment);
  }
  proto::Assignment read() {
    boost::asio::thread_pool disk(1);
    return KeptAssignment(file, disk, log).read();
  }
  std::string logged() const {
    std::string text(static_cast<std::size_t>(std::ftell(log_file)), ' ');
    std::rewind(log_file);
    text.resize(std::fread(text.data(), 1, text.size(), log_file));
    return text;
  }

  Folder folder;
  const std::filesystem::path file = folder.path() / "assignment.kept";
  std::FILE* log_file = std::tmpfile();
  SpoolClock clock;
  Log log{clock, Log::Format::logfmt, Log::Level::debug, log_file};
};

TEST_F(KeptAssignmentTest, TheNextStartHasWhatWasInForce) {
  proto::Assignment whole;
  whole.set_whole(true);
  whole.set_revision("r1");
  *whole.add_check() = check("shop/health", 1);
  *whole.add_check() = check("shop/cart", 2);
  proto::Assignment difference;
  difference.set_revision("r2");
  *difference.add_check() = check("shop/login", 3);
  difference.add_removed("shop/cart");
  put({whole, difference});
  const auto kept = read();
  EXPECT_EQ(kept.revision(), "r2");
  EXPECT_TRUE(kept.whole());
  ASSERT_EQ(kept.check_size(), 2);
  EXPECT_EQ(kept.check(0).check().id(), "shop/health");
  EXPECT_EQ(kept.check(1).check().id(), "shop/login");
  EXPECT_EQ(kept.check(0).number(), 0U) << "a session's number means nothing in the next";
  EXPECT_FALSE(kept.check(0).has_accounted_slot());
  struct stat seen{};
  ASSERT_EQ(::stat(file.c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777, 0600U);
}

TEST_F(KeptAssignmentTest, NothingIsWrittenForTheSameAssignmentInANewSession) {
  proto::Assignment whole;
  whole.set_whole(true);
  *whole.add_check() = check("shop/health", 1);
  put({whole});
  const auto written = std::filesystem::last_write_time(file) - std::chrono::hours(1);
  std::filesystem::last_write_time(file, written);
  whole.mutable_check(0)->set_number(9);
  whole.mutable_check(0)->set_accounted_slot(99);
  put({whole});
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
}

TEST_F(KeptAssignmentTest, ADamagedOneIsToldAndDoneWithout) {
  proto::Assignment whole;
  whole.set_whole(true);
  *whole.add_check() = check("shop/health", 1);
  put({whole});
  std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
  damage.seekp(70);
  damage.put('x');
  damage.close();
  EXPECT_EQ(read().check_size(), 0);
  EXPECT_NE(logged().find("the kept assignment is of no use"), std::string::npos);
}

TEST_F(KeptAssignmentTest, ADiskThatDoesNotTakeItIsTold) {
  std::filesystem::create_directory(file);
  proto::Assignment whole;
  whole.set_whole(true);
  *whole.add_check() = check("shop/health", 1);
  put({whole});
  EXPECT_NE(logged().find("the assignment is not kept"), std::string::npos);
}

}  // namespace
}  // namespace parallax
