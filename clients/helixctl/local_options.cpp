#include "clients/helixctl/local_options.h"

namespace helix::helixctl {
namespace {

void set_precision(const std::string& name, exatrkx::NetworkOptions& networks) {
  for (int k = 0; const char* known = exatrkx::setting_names(exatrkx::Precision{})[k]; ++k)
    if (name == known) networks.precision = static_cast<exatrkx::Precision>(k);
}

}  // namespace

std::vector<CLI::Option*> LocalFlags::add_to(CLI::App& command) {
  return {
      command.add_option("--geometry", options.geometry, "folder of the detector's geometry")->capture_default_str(),
      command
          .add_option("--model", options.models,
                      "folder of a model for --pipeline exatrkx; may be given more than once "
                      "[config/models/phase1, config/models/generic]")
          ->allow_extra_args(false),  // what follows the folder is an event
      command
          .add_option_function<std::string>(
              "--precision", [this](const std::string& name) { set_precision(name, options.networks); },
              "numbers that a model's networks compute with: fp32, fp16, bf16; default: fp32")
          ->check(CLI::IsMember({"fp32", "fp16", "bf16"})),
      command.add_option("--settings", options.settings, "TOML file of the pipeline's settings"),
      command.add_option("--threads", options.engine.threads, "CPU threads of the pipeline")
          ->check(CLI::Range(1, 4096))
          ->capture_default_str()};
}

Result<std::unique_ptr<LocalReconstructor>> LocalFlags::make(const std::string& pipeline) const {
  LocalOptions here = options;
  const bool exatrkx = pipeline.starts_with("exatrkx");
  if (exatrkx || pipeline == "echo") here.geometry.clear();  // not looked at
  if (exatrkx && here.models.empty()) here.models = {"config/models/phase1", "config/models/generic"};
  return LocalReconstructor::make(here);
}

}  // namespace helix::helixctl
