#include "kernels/patatrack/config_io.h"

#include "test/support/temp_folder.h"

#include <catch2/catch.hpp>

namespace helix::patatrack {
namespace {

TEST_CASE("config: what is printed reads back to the same settings") {
  Config config;
  config.doublets.min_pt = 0.6f;
  const TempFolder folder;
  const Result<Config> back = load_config(folder.write("c.toml", print_config(config)));
  REQUIRE(back.status().message() == "");
  CHECK(back->doublets.min_pt == 0.6f);
  CHECK(print_config(*back) == print_config(config));
}

TEST_CASE("config: a file sets what it names, over the defaults") {
  const TempFolder folder;
  const Result<Config> config = load_config(folder.write("c.toml", "[doublets]\nmin_pt = 0.9\n"));
  REQUIRE(config.ok());
  CHECK(config->doublets.min_pt == 0.9f);
  CHECK(config->doublets.max_z0 == Config().doublets.max_z0);
}

TEST_CASE("config: errors name file, line and key") {
  const TempFolder folder;
  CHECK(load_config(folder / "none.toml").status().code() == Code::not_found);
  Config config;
  CHECK(load_config_text("[doublets]\nmin_pr = 1\n", "c.toml", config).message() ==
        "c.toml:2: doublets.min_pr: unknown key");
  CHECK(load_config_text("[doublet]\n", "c.toml", config).message() == "c.toml:1: doublet: unknown table");
}

TEST_CASE("config: every setting has a stage, a value, a help text and, if a number, a range") {
  const std::vector<StageSetting> settings = describe_config(Config());
  REQUIRE_FALSE(settings.empty());
  for (const StageSetting& row : settings) {
    INFO(row.stage << "." << row.setting.name);
    CHECK_FALSE(row.stage.empty());
    CHECK_FALSE(row.setting.value.empty());
    CHECK_FALSE(row.setting.help.empty());
    CHECK_FALSE(row.setting.range.empty());
  }
  CHECK(settings[0].stage == "doublets");
  CHECK(settings[0].setting.name == "min_pt");
  CHECK(settings[0].setting.unit == "GeV");
}

TEST_CASE("config: defaults are within their own ranges") {
  Config config;
  CHECK(load_config_text(print_config(Config()), "defaults", config).message() == "");
}

TEST_CASE("config: the digest changes with a value only") {
  Config config;
  const std::string digest = config_digest(config);
  CHECK(digest.size() == 64);
  CHECK(config_digest(Config()) == digest);
  config.doublets.cluster_sizes = !config.doublets.cluster_sizes;
  CHECK(config_digest(config) != digest);
}

}  // namespace
}  // namespace helix::patatrack
