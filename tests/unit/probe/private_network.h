// A network of its own for a test: nothing but what the test sets up, gone with it.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

namespace parallax {

// Runs a shell command in the network of the calling thread.
inline void shell(const std::string& command) {
  EXPECT_EQ(std::system(("( " + command + " ) >&2").c_str()), 0) << command;
}

// Writes a sysctl of the network of the calling thread.
inline void set_sysctl(const std::string& name, const std::string& value) {
  std::ofstream file("/proc/sys/" + name);
  file << value << std::flush;
  EXPECT_TRUE(file.good()) << name;
}

// Runs `body` on a thread with a new, empty network whose loopback is up.
// Skips the test where the user may not make one (only root may).
inline void in_private_network(const std::function<void()>& body) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: makes a network namespace";
  std::thread([&] {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    shell("ip link set lo up");
    body();
  }).join();
}

}  // namespace parallax
