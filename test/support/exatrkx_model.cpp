#include "test/support/exatrkx_model.h"

#include "kernels/core/file.h"
#include "kernels/geometry/digest.h"

#include <filesystem>
#include <stdexcept>

namespace helix::exatrkx::test {
namespace {

const std::string kNetworks = HELIX_SOURCE_DIR "/test/data/exatrkx/models/small/";

void write(const std::string& path, const std::string& text) {
  if (const Status status = write_file(path, text); !status.ok()) throw std::runtime_error(status.message());
}

}  // namespace

std::string write_small_model(const TempFolder& in, const SmallModel& model) {
  const std::string folder = in / model.name;
  std::filesystem::create_directory(folder);
  std::string toml = "name = \"" + model.name + "\"\n[features]\nnames = [" + model.names + "]\nscales = [" +
                     model.scales +
                     "]\n[graph]\ndimensions = 2\nradius = 0.1\nmax_neighbours = 50\norder = \"inside_out\"\n"
                     "[filter]\ncut = 0.5\n[gnn]\ncut = 0.5\n[tracks]\nmin_hits = 3\n[digests]\n";
  for (const auto& [name, file] : {std::pair{"embed", model.embed}, {"filter", model.filter}, {"gnn", model.gnn}}) {
    const Result<std::string> bytes = read_file(kNetworks + file);
    if (!bytes.ok()) throw std::runtime_error(bytes.status().message());
    write(folder + "/" + name + ".pt", *bytes);
    toml += std::string(name) + " = \"" + sha256(*bytes) + "\"\n";
  }
  write(folder + "/model.toml", toml);
  return folder;
}

}  // namespace helix::exatrkx::test
