#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/notation.h"

namespace parallax {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::unexpected<Error> cannot_be_read() { return failure(std::string("cannot be read: ") + std::strerror(errno)); }

}  // namespace

Result<std::string> read_whole_file(const std::filesystem::path& file, std::size_t most) {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.number() < 0) return cannot_be_read();
  struct stat info = {};
  if (::fstat(descriptor.number(), &info) != 0) return cannot_be_read();
  if (!S_ISREG(info.st_mode)) return failure("is not a regular file");
  std::string content;
  char block[65536];
  while (content.size() <= most) {
    const ssize_t got = ::read(descriptor.number(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_be_read();
    if (got == 0) return content;
    content.append(block, static_cast<std::size_t>(got));
  }
  return failure("is larger than " + size_text(static_cast<std::int64_t>(most)));
}

}  // namespace parallax
