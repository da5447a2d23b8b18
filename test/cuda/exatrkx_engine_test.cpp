// Exa.TrkX on CUDA against the CPU's answers: with stored networks, so without LibTorch, and with a model.
#include "kernels/core/cuda_error.h"
#include "kernels/core/exec_cpu.h"
#include "kernels/core/exec_cuda.h"
#include "kernels/exatrkx/engine.h"
#include "test/support/exatrkx_reference.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace helix::exatrkx {
namespace {

const std::string kData = HELIX_SOURCE_DIR "/test/data/exatrkx";
constexpr float kScales[3] = {1000.f, 3.14159265f, 1000.f};

/// Stored answers by way of the host.
class StoredOnCuda final : public CudaNetworks {
 public:
  explicit StoredOnCuda(const std::vector<test::Reference>& events) : stored_(events) {}
  Status embed(CudaExec& exec, Span<const float>, Span<float> out) const override {
    std::vector<float> answer(out.size());
    const Status status = stored_.embed(host_, {}, answer);
    send(exec, answer, out);
    return status;
  }
  Status filter(CudaExec& exec, Span<const float>, const EdgeList& edges, Span<float> out) const override {
    return look_up(exec, edges, out, &test::StoredNetworks::filter);
  }
  Status classify(CudaExec& exec, Span<const float>, const EdgeList& edges, Span<float> out) const override {
    return look_up(exec, edges, out, &test::StoredNetworks::classify);
  }
  Index filter_chunk() const override { return 1000; }
  NetworkCost embed_cost() const override { return {}; }
  NetworkCost filter_cost() const override { return {}; }
  NetworkCost gnn_cost() const override { return {}; }

 private:
  template <class Method>
  Status look_up(CudaExec& exec, const EdgeList& edges, Span<float> out, Method method) const {
    const std::vector<Index> source = receive(exec, edges.source), target = receive(exec, edges.target);
    std::vector<float> answer(out.size());
    const Status status = (stored_.*method)(host_, {}, {source, target}, answer);
    send(exec, answer, out);
    return status;
  }
  static void send(CudaExec& exec, const std::vector<float>& from, Span<float> to) {
    cuda_check(
        cudaMemcpyAsync(to.begin(), from.data(), sizeof(float) * to.size(), cudaMemcpyHostToDevice, exec.stream()),
        "cudaMemcpyAsync");
    cuda_check(cudaStreamSynchronize(exec.stream()), "cudaStreamSynchronize");
  }
  static std::vector<Index> receive(CudaExec& exec, Span<const Index> from) {
    std::vector<Index> to(from.size());
    cuda_check(
        cudaMemcpyAsync(to.data(), from.begin(), sizeof(Index) * to.size(), cudaMemcpyDeviceToHost, exec.stream()),
        "cudaMemcpyAsync");
    cuda_check(cudaStreamSynchronize(exec.stream()), "cudaStreamSynchronize");
    return to;
  }

  test::StoredNetworks stored_;
  mutable Arena arena_{host_memory(), std::size_t{1} << 20};
  mutable CpuExec host_{arena_, 1};
};

BatchResult run(Engine& engine, const test::Event& event) {
  Result<BatchResult> result = engine.run(event.view());
  REQUIRE(result.status().message() == "");
  return *std::move(result);
}

std::unique_ptr<Engine> on_cuda(const Model& model, std::shared_ptr<const CudaNetworks> networks) {
  Result<std::unique_ptr<Engine>> engine = make_exatrkx_cuda_engine(model, std::move(networks), {});
  REQUIRE(engine.status().message() == "");
  return *std::move(engine);
}

/// The same hits; parameters to the last bits of double precision, rounded.
void check_same(const BatchResult& a, const BatchResult& b) {
  CHECK(a.tracks.event_offsets == b.tracks.event_offsets);
  CHECK(a.tracks.hit_offsets == b.tracks.hit_offsets);
  CHECK(a.tracks.hit == b.tracks.hit);
  CHECK(a.tracks.ndof == b.tracks.ndof);
  CHECK(a.tracks.quality == b.tracks.quality);
  CHECK(a.vertices.event_offsets == b.vertices.event_offsets);
  REQUIRE(a.tracks.phi.size() == b.tracks.phi.size());
  for (std::size_t t = 0; t < a.tracks.phi.size(); ++t) {
    CHECK(a.tracks.phi[t] == Approx(b.tracks.phi[t]).margin(1e-5));
    CHECK(a.tracks.cot_theta[t] == Approx(b.tracks.cot_theta[t]).epsilon(1e-4).margin(1e-5));
    CHECK(a.tracks.score[t] == Approx(b.tracks.score[t]).epsilon(1e-4).margin(2e-3));
  }
  REQUIRE(a.counters.size() == b.counters.size());
  for (std::size_t e = 0; e < a.counters.size(); ++e) {
    CHECK(a.counters[e].doublets == b.counters[e].doublets);
    CHECK(a.counters[e].cells == b.counters[e].cells);
    CHECK(a.counters[e].tuples == b.counters[e].tuples);
  }
}

std::vector<test::Reference> stored_events() {
  std::vector<test::Reference> stored;
  for (const char* name : {"evt_085", "evt_026", "evt_077"})
    stored.push_back(test::read_reference(kData + "/geometric/" + name));
  return stored;
}

test::Event batch_of(const std::vector<test::Reference>& stored) {
  test::Event event;
  for (const test::Reference& reference : stored) {
    event.append(reference, kScales);
    event.offsets.push_back(event.offsets.back());  // an event without hits between them
    event.spots.emplace_back();
  }
  return event;
}

TEST_CASE("exatrkx on CUDA: with stored networks it gives the CPU's tracks, components or chains") {
  const std::vector<test::Reference> stored = stored_events();
  const test::Event event = batch_of(stored);
  Model model = test::published_model();
  model.field = 2.f;
  model.walk = GENERATE(false, true);
  const auto cpu = make_exatrkx_engine(model, std::make_shared<test::StoredNetworks>(stored), {});
  const auto cuda = on_cuda(model, std::make_shared<StoredOnCuda>(stored));
  const BatchResult expected = run(*cpu, event), found = run(*cuda, event);
  REQUIRE(expected.tracks.n_tracks() > 0);
  check_same(expected, found);
  check_same(found, run(*cuda, event));
}

TEST_CASE("exatrkx on CUDA: no events, and events without hits, are ordinary batches") {
  const auto engine = on_cuda(test::published_model(), std::make_shared<StoredOnCuda>(std::vector<test::Reference>{}));
  test::Event event;
  CHECK(run(*engine, event).tracks.n_tracks() == 0);
  event.offsets = {0, 0, 0};
  event.spots.resize(2);
  CHECK(run(*engine, event).tracks.event_offsets == std::vector<Index>{0, 0, 0});
}

TEST_CASE("exatrkx on CUDA: LibTorch's answers are the CPU's") {
  if (!has_cuda_networks()) {
    WARN("built without LibTorch for CUDA: not tested");
    return;
  }
  const Result<Model> model = load_model(kData + "/models/geometric-lrt");
  REQUIRE(model.status().message() == "");
  const auto networks = load_networks(*model);
  const auto device_networks = load_cuda_networks(*model, {}, 0, std::size_t{4} << 30);
  REQUIRE(networks.status().message() == "");
  REQUIRE(device_networks.status().message() == "");
  const test::Event event = batch_of(stored_events());
  // no value of these events is nearer to a cut than the two LibTorches differ: parameters.json, margins
  const BatchResult expected = run(*make_exatrkx_engine(*model, *networks, {}), event);
  const auto engine = on_cuda(*model, *device_networks);
  check_same(expected, run(*engine, event));
  check_same(expected, run(*engine, event));
}

TEST_CASE("exatrkx on CUDA: a device that is not there is unavailable") {
  if (!has_cuda_networks()) return;
  const Result<Model> model = load_model(kData + "/models/geometric-lrt");
  REQUIRE(model.ok());
  const auto networks = load_cuda_networks(*model, {}, 1000, std::size_t{4} << 30);
  CHECK(networks.status().code() == Code::unavailable);
}

}  // namespace
}  // namespace helix::exatrkx
