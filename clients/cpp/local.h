#pragma once

#include "clients/cpp/client.h"
#include "clients/cpp/reconstruction.h"
#include "kernels/exatrkx/networks.h"

#include <memory>
#include <string>
#include <vector>

namespace helix {

/// Geometry used when none is named: environment HELIX_GEOMETRY, else config/geometry/phase1.
std::string default_geometry();

struct LocalOptions {
  std::string geometry = default_geometry();  // folder of patatrack's detector; empty: no patatrack
  std::vector<std::string> models;            // folders, each a pipeline exatrkx/NAME, the first exatrkx too
  std::string settings;                       // TOML file of the pipeline's settings; empty: defaults
  exatrkx::NetworkOptions networks;           // of the models
  EngineOptions engine;
  BeamSpot beam_spot;  // for calls that name none
};

/// The same pipelines in this process, on CPU; echo is always among them. Calls from several threads take turns; `stop`
/// is heeded while waiting for the turn, not during a reconstruction.
class LocalReconstructor : public Reconstructor {
 public:
  /// errors: not_found, invalid_argument (geometry, settings)
  static Result<std::unique_ptr<LocalReconstructor>> make(const LocalOptions& options);
  ~LocalReconstructor() override;

  Result<Reconstruction> reconstruct(const ReconstructCall& call, std::stop_token stop = {}) override;
  Result<std::vector<std::string>> pipelines() override;
  Result<PipelineDescription> describe(const std::string& pipeline) override;

 private:
  struct Impl;
  explicit LocalReconstructor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The server, or this process where no server answers within the connect deadline.
/// errors: those of LocalReconstructor::make, and of connect other than unavailable
Result<std::unique_ptr<Reconstructor>> connect_or_local(const ClientOptions& server, const LocalOptions& local);

}  // namespace helix
