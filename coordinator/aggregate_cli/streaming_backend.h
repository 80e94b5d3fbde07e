// A backend that hands another one its passes in ranges of coordinates, and lets the pages of
// mapped updates go behind each range: memory is a range of every update, whatever their number and
// length. The same bytes as the other backend gives (ranges of dot products are full subtrees of
// the fixed tree, dots.h). It also says how far it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "ledger/bytes.h"

namespace gradmint {

// Told what is being done ("combining") and which part of it is done, in [0, 1].
using ProgressListener = std::function<void(const char* doing, double done)>;

inline constexpr std::size_t kRangeBytes = std::size_t{32} << 20;  // of all updates together

// All rows must be fp32, bf16 or fp16. `mapped`: read-only mappings of files; the pages of rows
// that lie in one of them are let go.
class StreamingBackend final : public kernels::Backend {
 public:
  StreamingBackend(std::unique_ptr<kernels::Backend> inner, std::vector<ByteView> mapped,
                   ProgressListener listener, std::size_t range_bytes = kRangeBytes)
      : inner_(std::move(inner)),
        mapped_(std::move(mapped)),
        listener_(std::move(listener)),
        range_bytes_(range_bytes) {}

  std::string name() const override { return inner_->name(); }
  Result<kernels::CombineReport> combine(const kernels::CombinePass& pass) override;
  Result<std::vector<double>> dots(kernels::Rows rows, bool diagonal_only) override;
  Result<double> difference(const kernels::Row& a, double factor_a, const kernels::Row& b,
                            double factor_b) override;
  Status encode(const kernels::EncodePass& pass) override { return inner_->encode(pass); }

 private:
  // Calls `act` with the bytes of each row that lies in a mapping.
  void for_mapped(kernels::Rows rows, void (*act)(ByteView)) const;

  std::unique_ptr<kernels::Backend> inner_;
  std::vector<ByteView> mapped_;
  ProgressListener listener_;
  std::size_t range_bytes_;
};

}  // namespace gradmint
