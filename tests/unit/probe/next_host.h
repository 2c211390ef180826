// A host beside this one, for what only another host can do.
#pragma once

#include <sys/syscall.h>

#include <future>
#include <string>
#include <thread>

#include "tests/unit/probe/private_network.h"

namespace parallax {

// Another host, behind a wire: 10.9.0.9 and 2001:db8:9::9. This one, the private network of the calling thread, is
// 10.9.0.1 and 2001:db8:9::1. `set_up` is a shell command of the other's.
class NextHost {
 public:
  explicit NextHost(const std::string& set_up) {
    std::promise<pid_t> made;
    std::promise<void> connected;
    thread_ = std::thread([&, set_up] {
      EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
      made.set_value(static_cast<pid_t>(::syscall(SYS_gettid)));
      connected.get_future().wait();
      shell(
          "ip link set lo up; ip address add 10.9.0.9/24 dev d1 && ip address add 2001:db8:9::9/64 dev d1 nodad");
      shell("ip link set d1 up && " + set_up);
      ready_.set_value();
      done_.get_future().wait();
    });
    const auto peer = made.get_future().get();
    shell("ip link add d0 type veth peer name d1 && ip link set d1 netns " + std::to_string(peer));
    shell(
        "ip address add 10.9.0.1/24 dev d0 && ip address add 2001:db8:9::1/64 dev d0 nodad && ip link set d0 up");
    connected.set_value();
    ready_.get_future().wait();
  }
  ~NextHost() {
    done_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> ready_, done_;
  std::thread thread_;
};

}  // namespace parallax
