#include "pkg/kube/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace ottoscale::kube {
namespace {

constexpr size_t kMaxBytes = size_t{4} << 20;

absl::Status FromErrno(const std::string& path, int error) {
  const std::string text = absl::StrCat(path, ": ", std::generic_category().message(error));
  return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(text) : absl::InvalidArgumentError(text);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FromErrno(path, errno);
  std::string text;
  std::array<char, 16 * 1024> chunk;
  while (true) {
    const ssize_t size = read(file.get(), chunk.data(), chunk.size());
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FromErrno(path, errno);
    text.append(chunk.data(), static_cast<size_t>(size));
    if (text.size() > kMaxBytes) return absl::InvalidArgumentError(absl::StrCat(path, ": is larger than 4 MiB"));
  }
}

}  // namespace ottoscale::kube
