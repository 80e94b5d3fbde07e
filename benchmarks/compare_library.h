// A C interface over the kernels for benchmarks/compare, which calls it on the arrays that the
// other libraries get. Built for that alone, never installed. One thread at a time.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct GradmintCompare GradmintCompare;

// n updates of `size` values, which must outlive the result and are not copied. The model is zero
// and the optimizer plain with lr 1, so that the new model is the aggregate. Null on an error, with
// `error` (at least 256 bytes) saying what.
GradmintCompare* gradmint_compare_open(const float* const* updates, const uint32_t* weights,
                                       uint64_t n, uint64_t size, int threads, char* error);
void gradmint_compare_close(GradmintCompare* compare);

// The backend's name, for the report.
const char* gradmint_compare_backend(const GradmintCompare* compare);

// What intake does before an aggregation: looks at every value for the round's exponent. 0, or 1
// with `error` set.
int gradmint_compare_scan(GradmintCompare* compare, char* error);

// Runs "nnm:f=3 krum:f=3,convention=byzfl" (pre-aggregations, then the aggregator, as spec_text.h
// reads each) on the scanned updates. 0, or 1 with `error` set.
int gradmint_compare_run(GradmintCompare* compare, const char* rule, char* error);

// Of the last run; they live until the next one. selected: n values, 1 where the update had a say.
const float* gradmint_compare_aggregate(const GradmintCompare* compare);
const uint8_t* gradmint_compare_selected(const GradmintCompare* compare);

#ifdef __cplusplus
}
#endif
