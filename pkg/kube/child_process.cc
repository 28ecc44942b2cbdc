#include "pkg/kube/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ottoscale::kube {
namespace {

constexpr size_t kMaxOut = size_t{1} << 20;
constexpr size_t kMaxErr = 4096;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { Close(); }
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

// Only our end, the one to read, never blocks.
absl::StatusOr<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) == 0) {
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return Pipe{Fd(ends[0]), Fd(ends[1])};
  }
  return absl::ResourceExhaustedError(absl::StrCat("pipe: ", std::generic_category().message(errno)));
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// One of each name, the last.
std::map<std::string, std::string> VariablesOf(const std::vector<std::string>& environment) {
  std::map<std::string, std::string> variables;
  for (const std::string& line : environment) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    variables[parts.first] = parts.second;
  }
  return variables;
}

absl::StatusOr<std::string> FindProgram(const std::string& file, const std::string& path) {
  if (absl::StrContains(file, '/')) return file;
  for (const absl::string_view folder : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    std::string candidate = absl::StrCat(folder, "/", file);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::NotFoundError(absl::StrCat("'", file, "' is not in PATH"));
}

// What the child starts with, and must be released afterwards.
class Preparation {
 public:
  Preparation(int out, int err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    // Our threads block all signals, and the program ignores SIGPIPE: neither is for the child. A group of its own, to
    // be killed with all that it starts.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

absl::StatusOr<pid_t> Spawn(ProcessCall call, int out, int err) {
  std::map<std::string, std::string> variables = VariablesOf(call.environment);
  absl::StatusOr<std::string> program = FindProgram(call.file, variables["PATH"]);
  if (!program.ok()) return program.status();
  std::vector<std::string> words = {call.file};
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(absl::StrCat(name, "=", value));
  const Preparation preparation(out, err);
  pid_t child = 0;
  const int error = posix_spawn(&child, program->c_str(), preparation.actions(), preparation.attributes(),
                                Pointers(words).data(), Pointers(lines).data());
  if (error == 0) return child;
  const std::string text = absl::StrCat(*program, ": ", std::generic_category().message(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  if (error == EACCES || error == ENOEXEC) return absl::PermissionDeniedError(text);
  return absl::ResourceExhaustedError(text);
}

// Appends what is there to `text`, up to `max` bytes; closes `fd` at its end. The rest is read and dropped.
bool ReadAvailable(Fd& fd, std::string& text, size_t max) {
  std::array<char, 16 * 1024> chunk;
  bool fits = true;
  while (fd.get() >= 0) {
    const ssize_t size = read(fd.get(), chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0) {
      fd.Close();
      break;
    }
    const size_t room = max - text.size();
    fits = fits && static_cast<size_t>(size) <= room;
    text.append(chunk.data(), std::min(room, static_cast<size_t>(size)));
  }
  return fits;
}

int Reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct Streams {
  Fd out;
  Fd err;
  Fd wanted;  // at its end when nobody wants the result
};

// Reads until the child has ended; a grandchild that keeps the pipes open is not waited for.
absl::Status Follow(Streams& streams, int ended, ProcessResult& result) {
  while (true) {
    std::array<pollfd, 4> fds = {pollfd{streams.out.get(), POLLIN, 0}, pollfd{streams.err.get(), POLLIN, 0},
                                 pollfd{streams.wanted.get(), POLLIN, 0}, pollfd{ended, POLLIN, 0}};
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
      return absl::InternalError(absl::StrCat("poll: ", std::generic_category().message(errno)));
    }
    if (fds[2].revents != 0) return absl::CancelledError("it was stopped");
    if (!ReadAvailable(streams.out, result.out, kMaxOut)) return absl::OutOfRangeError("it wrote more than 1 MiB");
    ReadAvailable(streams.err, result.err, kMaxErr);
    const bool silent = streams.out.get() < 0 && streams.err.get() < 0;
    if (fds[3].revents != 0 || (ended < 0 && silent)) return absl::OkStatus();
  }
}

absl::StatusOr<ProcessResult> RunProcess(ProcessCall call, Fd wanted) {
  absl::StatusOr<Pipe> out = MakePipe();
  if (!out.ok()) return out.status();
  absl::StatusOr<Pipe> err = MakePipe();
  if (!err.ok()) return err.status();
  const absl::StatusOr<pid_t> child = Spawn(std::move(call), out->write.get(), err->write.get());
  if (!child.ok()) return child.status();
  out->write.Close();
  err->write.Close();
  ProcessResult result;
  Streams streams{std::move(out->read), std::move(err->read), std::move(wanted)};
  // By number: the header of this glibc declares pidfd_open for C only.
  const Fd ended(static_cast<int>(syscall(SYS_pidfd_open, *child, 0)));
  absl::Status followed = Follow(streams, ended.get(), result);
  if (!followed.ok()) kill(-*child, SIGKILL);
  result.exit_code = Reap(*child);
  if (!followed.ok()) return followed;
  return result;
}

class PipeHandle final : public ProcessHandle {
 public:
  explicit PipeHandle(Fd held) : held_(std::move(held)) {}

 private:
  Fd held_;
};

}  // namespace

std::unique_ptr<ProcessHandle> StartProcess(async::BlockingPool& pool, ProcessCall call,
                                            absl::AnyInvocable<void(absl::StatusOr<ProcessResult>)> done) {
  absl::StatusOr<Pipe> pipe = MakePipe();
  if (!pipe.ok()) {
    done(pipe.status());
    return nullptr;
  }
  pool.Submit([call = std::move(call), wanted = std::move(pipe->read), done = std::move(done)]() mutable {
    done(RunProcess(std::move(call), std::move(wanted)));
  });
  return std::make_unique<PipeHandle>(std::move(pipe->write));
}

}  // namespace ottoscale::kube
