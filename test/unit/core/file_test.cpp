#include "kernels/core/file.h"

#include "test/support/temp_folder.h"

#include <catch2/catch.hpp>
#include <zlib.h>

#include <filesystem>

namespace helix {
namespace {

std::string gzipped(const TempFolder& folder, const std::string& text) {
  const std::string path = folder / "packed.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return *read_file(path) == text ? path : "";
}

std::string bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("file: plain and compressed ones read the same") {
  const TempFolder folder;
  // Sizes around the first buffer of the reader, 256 KiB.
  const std::size_t size = GENERATE(0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18);
  std::string text(size, 'a');
  for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + i % 23);
  CHECK(*read_file(folder.write("plain", text)) == text);
  CHECK_FALSE(gzipped(folder, text).empty());
}

TEST_CASE("file: a compressed one that is cut off is an error") {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i * i);
  const std::string packed = bytes(gzipped(folder, text));
  const Result<std::string> cut = read_file(folder.write("cut.gz", packed.substr(0, packed.size() / 2)));
  REQUIRE_FALSE(cut.ok());
  CHECK_THAT(cut.status().message(), Catch::Contains("cut.gz: broken gzip file"));
}

TEST_CASE("file: one that is missing, or a folder, is an error") {
  const TempFolder folder;
  const Status missing = read_file(folder / "none").status();
  CHECK(missing.code() == Code::not_found);
  CHECK(missing.message() == (folder / "none") + ": no such file");
  CHECK(read_file(folder.path()).status().code() == Code::invalid_argument);
}

TEST_CASE("file: find_file takes the compressed one where only that exists") {
  const TempFolder folder;
  CHECK(find_file(folder / "a").status().code() == Code::not_found);
  folder.write("a.gz", "");
  CHECK(*find_file(folder / "a") == (folder / "a.gz"));
  folder.write("a", "");
  CHECK(*find_file(folder / "a") == (folder / "a"));
}

TEST_CASE("file: writing replaces the old text and leaves nothing beside it") {
  const TempFolder folder;
  const std::string path = folder.write("out.csv", "old text, longer than the new one");
  REQUIRE(write_file(path, "new").ok());
  CHECK(bytes(path) == "new");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("file: a folder that does not exist, and a full disk, are errors") {
  const TempFolder folder;
  const Status missing = write_file(folder / "none/out.csv", "text");
  CHECK(missing.code() == Code::invalid_argument);
  CHECK_THAT(missing.message(), Catch::StartsWith((folder / "none/out.csv") + ": cannot write: "));
  // The temporary file becomes a link to a device that is always full.
  const std::string part = "full.csv.part" + std::to_string(getpid());
  std::filesystem::create_symlink("/dev/full", folder / part);
  const Status full = write_file(folder / "full.csv", "text");
  CHECK(full.code() == Code::resource_exhausted);
  CHECK_FALSE(std::filesystem::exists(folder / "full.csv"));
  CHECK_FALSE(std::filesystem::is_symlink(folder / part));
}

}  // namespace
}  // namespace helix
