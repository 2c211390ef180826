#include "controller/settings.h"

#include <gtest/gtest.h>

#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

// What reading this controller.toml says: its problems, one a line, or "fine".
std::string said_of(const std::string& content) {
  const Folder folder;
  folder.write("controller.toml", content);
  proto::ControllerSettings settings;
  Problems problems;
  if (read_controller_settings((folder.path() / "controller.toml").string(), settings, problems)) return "fine";
  std::string text;
  for (Problem problem : problems) {
    problem.file = "controller.toml";
    text += to_text(problem) + "\n";
  }
  return text;
}

TEST(ControllerSettings, ServeWithNothingWritten) { EXPECT_EQ(said_of(""), "fine"); }

TEST(ControllerSettings, ServePlainHttpBeyondThisHostOnlyWhenAllowed) {
  for (const char* listen : {"0.0.0.0:9877", "[::]:9877", "192.0.2.7:9877", "[2001:db8::1]:0"}) {
    const std::string web = std::string("[web]\nlisten = \"") + listen + "\"\n";
    EXPECT_EQ(
        said_of(web),
        std::string("controller.toml: [web] listen = \"") + listen +
            "\" would serve plain HTTP beyond this host; listen on 127.0.0.1, or set allow_plain_http = true "
            "in [web]\n");
    EXPECT_EQ(said_of(web + "allow_plain_http = true\n"), "fine") << listen;
    EXPECT_NE(said_of(web + "allow_plain_http = false\n"), "fine") << listen;
  }
  for (const char* listen : {"127.0.0.1:9877", "127.8.8.8:0", "[::1]:9877", "localhost:80"})
    EXPECT_EQ(said_of(std::string("[web]\nlisten = \"") + listen + "\"\n"), "fine") << listen;
}

TEST(ControllerSettings, SayWhichListenIsNoAddress) {
  EXPECT_NE(said_of("[web]\nlisten = \"9877\"\n").find("controller.toml: [web] listen: "), std::string::npos);
  EXPECT_NE(said_of("[fleet]\nlisten = \"example.org\"\n").find("controller.toml: [fleet] listen: "),
            std::string::npos);
}

TEST(ControllerSettings, NameTheKeyThatWasMeant) {
  EXPECT_EQ(said_of("chekcs_dir = \"checks\"\n[web]\nlisen = \"127.0.0.1:1\"\n"),
            "controller.toml:1:1: unknown key \"chekcs_dir\"; did you mean \"checks_dir\"?\n"
            "controller.toml:3:1: unknown key \"lisen\"; did you mean \"listen\"?\n");
}

TEST(ControllerSettings, SayThatTheFileIsNotThere) {
  proto::ControllerSettings settings;
  Problems problems;
  EXPECT_FALSE(read_controller_settings("/nowhere/controller.toml", settings, problems));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(to_text(problems[0]), "/nowhere/controller.toml: cannot be read: No such file or directory");
}

TEST(ControllerSettings, PutTheControlSocketIntoTheStateDirectory) {
  proto::ControllerSettings settings;
  settings.set_state_dir("/var/lib/parallax-controller");
  EXPECT_EQ(control_socket(settings), "unix:/var/lib/parallax-controller/control.sock");
}

}  // namespace
}  // namespace parallax
