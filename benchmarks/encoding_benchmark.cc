// Every encoding: a worker writing an update (encode into memory that is there, encode_call as a
// whole), intake's check of one, and the weighted mean and the median of updates that are decoded
// as they are read. Bytes are those of the encoded updates and of the fp32 values on the other
// side; Gcoord/s counts the values of all updates.
#include <memory>

#include "benchmarks/cases.h"
#include "benchmarks/harness.h"
#include "kernels/aggregate.h"
#include "kernels/blocks_rule.h"
#include "kernels/check_encoded.h"
#include "kernels/encode.h"
#include "kernels/fixed_point.h"

namespace gradmint::benchmarks {
namespace {

using kernels::Encoding;
using kernels::EncodingKind;

constexpr Encoding kEncodings[] = {{EncodingKind::fp32, 0}, {EncodingKind::bf16, 0},
                                   {EncodingKind::fp16, 0}, {EncodingKind::int8, 0},
                                   {EncodingKind::int4, 0}, {EncodingKind::top_k, 64}};

struct EncodedUpdates {
  std::vector<kernels::Encoded> updates;
  std::vector<kernels::Row> rows;
};

// The updates in this encoding; only the last one asked for is kept, to spare memory.
Result<std::shared_ptr<const EncodedUpdates>> encoded_updates(const Encoding& encoding) {
  static Encoding known;
  static std::shared_ptr<const EncodedUpdates> last;
  if (last != nullptr && known == encoding) return last;
  last.reset();
  auto made = std::make_shared<EncodedUpdates>();
  for (const std::vector<float>& values : updates()) {
    auto encoded = kernels::encode(encoding, values);
    if (!encoded.ok()) return encoded.error();
    encoded->residual = {};
    made->updates.push_back(std::move(*encoded));
  }
  for (const kernels::Encoded& each : made->updates) {
    made->rows.emplace_back(encoding, each.bytes, options().size);
  }
  known = encoding;
  last = made;
  return last;
}

Result<Work> prepare_combine(const Encoding& encoding, kernels::CombineKind kind,
                             kernels::CpuLevel level, int threads) {
  const auto encoded = encoded_updates(encoding);
  if (!encoded.ok()) return encoded.error();
  const std::size_t n = options().updates;
  const int shift = kernels::choose_shift(kRoundExponent + 1, 1);  // rounding may pass the largest
  const bool is_mean = kind == kernels::CombineKind::mean;
  const std::vector<double> factors(n, is_mean ? kernels::power_of_two(shift) : 1.0);
  const std::shared_ptr<kernels::Backend> backend = kernels::make_cpu_backend(level, threads);
  return Work([=, updates = *encoded]() -> Status {
    kernels::CombinePass pass;
    pass.kind = kind;
    pass.rows = updates->rows;
    pass.factors = factors;
    pass.finish.bias = kernels::kRoundingBiasBits * n;
    pass.finish.total_weight = static_cast<double>(n);
    pass.finish.unscale = kernels::power_of_two(-shift);
    pass.model = model();
    pass.model_out = model_out();
    const auto report = backend->combine(pass);
    return report.ok() ? Status{} : Status{report.error()};
  });
}

// Encoding one update into memory that is there: bytes and what is lost.
Result<Work> prepare_encode(const Encoding& encoding, kernels::CpuLevel level, int threads) {
  const std::shared_ptr<kernels::Backend> backend = kernels::make_cpu_backend(level, threads);
  const auto written = std::make_shared<kernels::Encoded>();
  written->bytes.resize(kernels::encoded_bytes(encoding, options().size));
  if (encoding.kind != EncodingKind::fp32) written->residual.resize(options().size);
  return Work([=]() -> Status {
    return backend->encode({encoding, updates()[0], {}, written->bytes, written->residual});
  });
}

// The whole call, which asks for that memory.
Result<Work> prepare_encode_call(const Encoding& encoding) {
  return Work([=]() -> Status {
    const auto encoded = kernels::encode(encoding, updates()[0]);
    return encoded.ok() ? Status{} : Status{encoded.error()};
  });
}

Result<Work> prepare_check(const Encoding& encoding) {
  const auto encoded = encoded_updates(encoding);
  if (!encoded.ok()) return encoded.error();
  return Work([=, updates = *encoded]() -> Status {
    const auto check = kernels::check_encoded(updates->updates[0].bytes, encoding, options().size);
    if (check.ok()) return {};
    return Error{ErrorCode::bad_input, kernels::describe(check, encoding)};
  });
}

// What encoding must move: values read, bytes and what is lost written.
double encode_bytes(const Encoding& encoding) {
  const double floats = encoding.kind == EncodingKind::fp32 ? 4 : 8;
  return floats * static_cast<double>(options().size) +
         static_cast<double>(kernels::encoded_bytes(encoding, options().size));
}

// Encoding, and the passes that decode as they read, at one level and number of threads.
void add_passes(const Encoding& encoding, kernels::CpuLevel level, int threads) {
  const double values = static_cast<double>(options().updates * options().size);
  const double bytes =
      static_cast<double>(options().updates * kernels::encoded_bytes(encoding, options().size) +
                          options().size * sizeof(float));
  const std::string suffix =
      kernels::name_of(encoding) + "/" + std::string(kernels::name_of(level));
  add({"encoding/encode/" + suffix, threads, encode_bytes(encoding),
       static_cast<double>(options().size), 0,
       [=] { return prepare_encode(encoding, level, threads); }});
  add({"encoding/mean/" + suffix, threads, bytes, values, 0,
       [=] { return prepare_combine(encoding, kernels::CombineKind::mean, level, threads); }});
  add({"encoding/median/" + suffix, threads, bytes, values, 0,
       [=] { return prepare_combine(encoding, kernels::CombineKind::median, level, threads); }});
}

}  // namespace

// By encoding first, so that the updates are encoded once.
void add_encodings() {
  for (const Encoding& encoding : kEncodings) {
    const auto bytes = static_cast<double>(kernels::encoded_bytes(encoding, options().size));
    const double size = static_cast<double>(options().size);
    const std::string name = kernels::name_of(encoding);
    add({"encoding/encode_call/" + name, 1, encode_bytes(encoding), size, 0,
         [=] { return prepare_encode_call(encoding); }});
    add({"encoding/check/" + name, 1, bytes, size, 0, [=] { return prepare_check(encoding); }});
    for (const int threads : options().threads) {
      for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
        add_passes(encoding, level, threads);
      }
    }
  }
}

}  // namespace gradmint::benchmarks
