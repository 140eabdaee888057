#pragma once
// Cases of kernels that add their result to what is there: once in their own pass, once into scratch with an axpby
// after it.
#include "kernels/axpby/axpby.h"
#include "kernels/runtime/case.h"

namespace temper {

/// Where a kernel leaves its result: array `to` of a case, n elements.
struct CaseSink {
  size_t to;
  int64_t n;
  float beta;  ///< y = beta * y + result
};

/// The case with its two ways to run `work(stream, args, beta, y)`; for beta = 0 nothing is joined. Adds an array.
template <class T, class F>
KernelCase with_sink(KernelCase c, CaseSink sink, F work) {
  c.run = [=](Stream s, const CaseArgs& a) { work(s, a, sink.beta, a.get<T>(sink.to)); };
  if (sink.beta == 0) return c;
  c.known = {};  // the result alone would be
  const size_t scratch = c.arrays.size();
  c.arrays.push_back({"result", Role::scratch, dtype_of<T>(), sink.n});
  c.unfused = [=](Stream s, const CaseArgs& a) {
    work(s, a, 0.f, a.get<T>(scratch));
    axpby<T>(s, sink.n, 1.f, a.get<T>(scratch), sink.beta, a.get<T>(sink.to));
  };
  c.unfused_name = "result, axpby";
  return c;
}

}  // namespace temper
