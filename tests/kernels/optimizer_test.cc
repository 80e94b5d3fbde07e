// The server optimizers on every backend: byte for byte against the reference, over several steps,
// and against float64 mathematics.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "kernels/aggregate.h"
#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/reference_optimizers.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;
using kernels::NamedRule;

namespace {

AggregateSpec with_optimizer(NamedRule optimizer) {
  AggregateSpec spec;
  spec.optimizer = std::move(optimizer);
  return kernels::complete_spec(spec).value();
}

// Every optimizer at its presets, and with parameters at the ends of their ranges.
std::vector<AggregateSpec> all_specs() {
  std::vector<AggregateSpec> specs;
  for (const auto& rule : kernels::optimizer_rules()) {
    specs.push_back(with_optimizer({std::string(rule.name), {{"lr", 0.3f}}}));
  }
  specs.push_back(with_optimizer({"momentum", {{"beta", 0.0f}}}));
  specs.push_back(with_optimizer({"adagrad", {{"beta1", 0.9f}, {"eps", 1e-40f}}}));
  specs.push_back(with_optimizer({"adam", {{"beta1", 1.0f}, {"beta2", 0.0f}}}));
  specs.push_back(with_optimizer({"yogi", {{"beta1", 0.0f}, {"beta2", 1.0f}, {"eps", 1e30f}}}));
  return specs;
}

std::string describe(const AggregateSpec& spec) {
  std::string text = spec.optimizer.name;
  for (const auto& each : spec.optimizer.parameters) {
    text += " " + each.name + "=" + std::to_string(each.value);
  }
  return text;
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

// One update of weight 1: what the optimizer sees is the update itself.
kernels::AggregateInput alone(std::span<const float> update, std::span<const float> model,
                              std::span<const float> state) {
  kernels::AggregateInput input;
  input.updates = {kernels::Row(update)};
  input.weights = {1};
  const int exponents[] = {kernels::exponent_of_largest(update)};
  input.round_exponent = kernels::choose_round_exponent(exponents);
  input.shift = kernels::choose_shift(input.round_exponent, 1);
  input.model = model;
  input.optimizer_state = state;
  input.want_delta = true;
  return input;
}

// One coordinate's state in float64, stepped by the formulas of Reddi et al.
struct Exact {
  double model = 0;
  double first = 0;
  double second = 0;

  void step(const NamedRule& rule, double delta) {
    const auto value = [&](const char* name) {
      return static_cast<double>(kernels::parameter_of(rule, name));
    };
    const double lr = value("lr");
    if (rule.name == "plain") {
      model += lr * delta;
      return;
    }
    if (rule.name == "momentum" || rule.name == "nesterov") {
      first = value("beta") * first + delta;
      model += lr * (rule.name == "momentum" ? first : delta + value("beta") * first);
      return;
    }
    first = value("beta1") * first + (1 - value("beta1")) * delta;
    const double squared = delta * delta;
    if (rule.name == "adagrad") second += squared;
    if (rule.name == "adam") second = value("beta2") * second + (1 - value("beta2")) * squared;
    if (rule.name == "yogi") {
      const double sign = second > squared ? 1.0 : second < squared ? -1.0 : 0.0;
      second -= (1 - value("beta2")) * squared * sign;
    }
    model += lr * first / (std::sqrt(second) + value("eps"));
  }
};

}  // namespace

TEST_CASE("every optimizer gives the reference's bytes at odd sizes") {
  const auto all = backends();
  int compared = 0;
  for (const AggregateSpec& spec : all_specs()) {
    for (const Kind kind : kAllKinds) {
      for (const std::size_t size : {0u, 1u, 3u, 17u, 2047u, 4095u, 4097u}) {
        CAPTURE(describe(spec));
        CAPTURE(name_of(kind));
        CAPTURE(size);
        Sample sample;
        sample.updates = sample_updates(kind, 3, size, 71 + size);
        prepare(sample, spec, 73);
        for (const auto& backend : all) {
          CAPTURE(backend->name());
          const auto plain = kernels::aggregate(
              {},
              [&] {
                kernels::AggregateInput input = sample.input;
                input.optimizer_state = {};
                return input;
              }(),
              *backend);
          const auto got = kernels::aggregate(spec, sample.input, *backend);
          if (plain.ok()) {
            const auto expected = reference_step(spec.optimizer, sample.model, plain->delta,
                                                 sample.input.optimizer_state);
            REQUIRE(got.ok() == (all_finite(expected.model) && all_finite(expected.state)));
            if (got.ok()) {
              CHECK(same_bytes(got->model, expected.model));
              CHECK(same_bytes(got->optimizer_state, expected.state));
            }
          }
          if (!got.ok()) CHECK(got.error().message.find("non_finite_result") != std::string::npos);
          ++compared;
        }
      }
    }
  }
  std::printf("optimizers: %d comparisons at odd sizes\n", compared);
}

TEST_CASE("several steps in a row keep the reference's bytes and stay near float64") {
  constexpr std::size_t kSize = 2051;
  constexpr int kSteps = 12;
  for (const AggregateSpec& spec : all_specs()) {
    CAPTURE(describe(spec));
    const std::size_t states = kSize * kernels::optimizer_state_per_value(spec.optimizer.name);
    Sequence sequence(79);
    std::vector<float> start(kSize);
    for (float& x : start) x = any_float(sequence, 115, 126);
    const Updates deltas = sample_updates(Kind::ordinary, kSteps, kSize, 83);
    ReferenceStep expected{start, std::vector<float>(states, 0.0f)};
    std::vector<ReferenceStep> trail;
    std::vector<Exact> exact(kSize);
    for (std::size_t c = 0; c < kSize; ++c) exact[c].model = static_cast<double>(start[c]);
    for (const auto& delta : deltas) {
      expected = reference_step(spec.optimizer, expected.model, delta, expected.state);
      trail.push_back(expected);
      for (std::size_t c = 0; c < kSize; ++c) {
        exact[c].step(spec.optimizer, static_cast<double>(delta[c]));
      }
    }
    for (const auto& backend : backends()) {
      std::vector<float> model = start;
      std::vector<float> state(states, 0.0f);
      for (std::size_t s = 0; s < deltas.size(); ++s) {
        const auto got = kernels::aggregate(spec, alone(deltas[s], model, state), *backend);
        REQUIRE(got.ok());
        CHECK(same_bytes(got->delta, deltas[s]));
        CHECK(same_bytes(got->model, trail[s].model));
        CHECK(same_bytes(got->optimizer_state, trail[s].state));
        model.assign(got->model.begin(), got->model.end());
        state.assign(got->optimizer_state.begin(), got->optimizer_state.end());
      }
    }
    // eps in fp32's denormals divides near-cancelled moments: only normal ones are bounded here.
    if (describe(spec).find("eps=0.000000") != std::string::npos) continue;
    double worst = 0;
    for (std::size_t c = 0; c < kSize; ++c) {
      const double error = std::fabs(exact[c].model - static_cast<double>(expected.model[c]));
      worst = std::max(worst, error / (std::fabs(exact[c].model) + 1.0));
    }
    CHECK_MESSAGE(worst < 2e-6, worst);
  }
}

TEST_CASE("flush-to-zero or not, denormal moments are kept") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const std::vector<float> update(37, 64 * tiny);
  const std::vector<float> model(37, 0.0f);
  for (const auto& backend : backends()) {
    const AggregateSpec spec = with_optimizer({"adam", {{"eps", 1.0f}}});
    const auto got =
        kernels::aggregate(spec, alone(update, model, std::vector<float>(74, 0.0f)), *backend);
    REQUIRE(got.ok());
    const float first = got->optimizer_state[0];
    CHECK(first == 6 * tiny);  // 6.4, rounded to even
    CHECK(got->optimizer_state[37] == 0.0f);
    CHECK(got->model[36] == 6 * tiny);
  }
}

TEST_CASE("the definition of each rule on values worked out by hand") {
  struct Case {
    NamedRule rule;
    std::vector<float> state;
    float delta;
    float model;
    std::vector<float> state_after;
  };
  const Case cases[] = {
      {{"momentum", {{"lr", 0.5f}, {"beta", 0.5f}}}, {4.0f}, 2.0f, 12.0f, {4.0f}},
      {{"nesterov", {{"lr", 0.5f}, {"beta", 0.5f}}}, {4.0f}, 2.0f, 12.0f, {4.0f}},
      {{"adagrad", {{"lr", 1.0f}, {"eps", 1.0f}}}, {9.0f, 16.0f}, 3.0f, 10.5f, {3.0f, 25.0f}},
      {{"adam", {{"beta1", 0.5f}, {"beta2", 0.5f}, {"eps", 1.0f}}},
       {6.0f, 14.0f},
       2.0f,
       11.0f,
       {4.0f, 9.0f}},
      // Yogi: above delta^2 the second moment falls, below it rises, at it nothing moves.
      {{"yogi", {{"beta1", 0.5f}, {"beta2", 0.75f}, {"eps", 1.0f}}},
       {6.0f, 10.0f},
       2.0f,
       11.0f,
       {4.0f, 9.0f}},
      {{"yogi", {{"beta1", 0.5f}, {"beta2", 0.5f}, {"eps", 1.0f}}},
       {6.0f, 7.0f},
       4.0f,
       0.0f,
       {5.0f, 15.0f}},
      {{"yogi", {{"beta1", 0.5f}, {"beta2", 0.5f}, {"eps", 1.0f}}},
       {4.0f, 4.0f},
       2.0f,
       11.0f,
       {3.0f, 4.0f}},
      {{"yogi", {}}, {0.0f, 0.0f}, 0.0f, 10.0f, {0.0f, 0.0f}},
  };
  for (const auto& backend : backends()) {
    for (const Case& each : cases) {
      CAPTURE(each.rule.name);
      const std::vector<float> update{each.delta};
      const std::vector<float> model{10.0f};
      const auto got =
          kernels::aggregate(with_optimizer(each.rule), alone(update, model, each.state), *backend);
      REQUIRE(got.ok());
      CHECK(same_bytes(got->optimizer_state, each.state_after));
      if (each.model != 0.0f) CHECK(got->model[0] == each.model);
    }
  }
}

TEST_CASE("golden fingerprints after five steps") {
  struct Golden {
    const char* optimizer;
    std::uint64_t fingerprint;
  };
  const Golden goldens[] = {
      {"plain", 0x00eb5a46790b00a6ULL},    {"momentum", 0xfe219286798a1be8ULL},
      {"nesterov", 0xa67376c938c33c46ULL}, {"adagrad", 0xa0fe1c44b9901eb7ULL},
      {"adam", 0x4c0f6fd8fcfdb42aULL},     {"yogi", 0x6c6decc488394f97ULL},
  };
  const Updates deltas = sample_updates(Kind::wide, 5, 1003, 89);
  for (const Golden& golden : goldens) {
    CAPTURE(std::string(golden.optimizer));
    const AggregateSpec spec = with_optimizer({golden.optimizer, {{"lr", 0.1f}}});
    for (const auto& backend : backends()) {
      kernels::Floats model(1003, 0.125f);
      kernels::Floats state(1003 * kernels::optimizer_state_per_value(golden.optimizer), 0.0f);
      for (const auto& delta : deltas) {
        auto got = kernels::aggregate(spec, alone(delta, model, state), *backend).value();
        model = std::move(got.model);
        state = std::move(got.optimizer_state);
      }
      CHECK_MESSAGE(fingerprint(state, fingerprint(model)) == golden.fingerprint,
                    fingerprint(state, fingerprint(model)));
    }
  }
}

TEST_CASE("a state of the wrong size is refused with what is needed") {
  const std::vector<float> update(5, 1.0f);
  const std::vector<float> model(5, 0.0f);
  const auto all = backends();
  if (all.empty()) return;
  const auto got = kernels::aggregate(with_optimizer({"yogi", {}}),
                                      alone(update, model, std::vector<float>(5)), *all.front());
  REQUIRE_FALSE(got.ok());
  CHECK_MESSAGE(got.error().message.find("optimizer 'yogi' needs a state of 10 values, got 5") !=
                    std::string::npos,
                got.error().message);
}
