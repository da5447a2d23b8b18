#include "kernels/core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace helix {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string reason() { return std::strerror(errno); }

struct CloseGzip {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseGzip>;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Status write_error(const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return {full ? Code::resource_exhausted : Code::invalid_argument, path + ": cannot write: " + reason()};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const GzipFile file(gzopen(path.c_str(), "rb"));
  if (!file) return errno == ENOENT ? not_found(path + ": no such file") : invalid_argument(path + ": " + reason());
  gzbuffer(file.get(), 1 << 17);
  std::string text;
  std::size_t used = 0;
  for (;;) {
    text.resize(used + std::max<std::size_t>(std::size_t{1} << 18, used));
    const int n = gzread(file.get(), text.data() + used, static_cast<unsigned>(text.size() - used));
    int code = Z_OK;
    const char* message = gzerror(file.get(), &code);
    if (n < 0 || code < 0) {
      if (code == Z_ERRNO) return invalid_argument(path + ": " + reason());
      return invalid_argument(path + ": broken gzip file: " + message);
    }
    used += static_cast<std::size_t>(n);
    if (used > kMaxBytes) return invalid_argument(path + ": more than 1 GiB");
    if (n == 0) break;
  }
  text.resize(used);
  return text;
}

Result<std::string> find_file(const std::string& path) {
  if (exists(path)) return path;
  if (exists(path + ".gz")) return path + ".gz";
  return not_found(path + ": no such file");
}

Status write_file(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".part" + std::to_string(::getpid());
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (fd.get() < 0) return write_error(path);
  if (!write_all(fd.get(), text) || !fd.close() || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const Status status = write_error(path);
    ::unlink(temporary.c_str());
    return status;
  }
  return {};
}

}  // namespace helix
