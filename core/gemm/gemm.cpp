#include "core/gemm/gemm.h"

#include <Eigen/Core>

#include "kernels/row_add/row_add.h"
#include "kernels/runtime/range.h"
#include "kernels/runtime/team.h"
#if defined(TEMPER_CUDA)
#include "core/gemm/gemm_cublas.h"
#endif

namespace temper {

namespace {

template <class T>
void gemm_eigen(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, float beta,
                const Tensor& c) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> ma(a.as<T>(), a.shape[0], a.shape[1]), mb(b.as<T>(), b.shape[0], b.shape[1]);
  Eigen::Map<Matrix> mc(c.as<T>(), c.shape[0], c.shape[1]);
  if (beta == 0) mc.setZero();
  // Row by row where rows are samples: a matrix product would round a row differently according to its place in the
  // batch.
  if (ta == Transpose::no) {
    in_pieces(stream, ma.rows(), ma.cols() * mc.cols(), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; ++i)
        if (tb == Transpose::no)
          mc.row(i).noalias() += ma.row(i) * mb;
        else
          mc.row(i).noalias() += ma.row(i) * mb.transpose();
    });
    return;
  }
  // Some rows at a time, always the same ones.
  constexpr int64_t kRows = 64;
  each_item(team_for(stream, ma.size() * mc.cols()), (mc.rows() + kRows - 1) / kRows, [&](int64_t i, int) {
    const int64_t rows = std::min(kRows, mc.rows() - i * kRows);
    auto part = mc.middleRows(i * kRows, rows);
    const auto a_part = ma.middleCols(i * kRows, rows).transpose();
    if (tb == Transpose::no)
      part.noalias() += a_part * mb;
    else
      part.noalias() += a_part * mb.transpose();
  });
}

}  // namespace

void add_bias(Stream stream, const Tensor& bias, const Tensor& c) {
  dispatch_full(c.dtype, [&](auto tag) {
    using T = decltype(tag);
    row_add(stream, c.shape[0], static_cast<int>(c.shape[1]), bias.as<T>(), c.as<T>());
  });
}

void gemm(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, const GemmEpilogue& e,
          const Tensor& c) {
  const int64_t m = a.shape[ta == Transpose::no ? 0 : 1], ka = a.shape[ta == Transpose::no ? 1 : 0];
  const int64_t kb = b.shape[tb == Transpose::no ? 0 : 1], n = b.shape[tb == Transpose::no ? 1 : 0];
  TEMPER_CHECK(ka == kb && c.shape == (Shape{m, n}) && a.dtype == b.dtype && a.dtype == c.dtype, "gemm: op(a) is (", m,
               ", ", ka, "), op(b) is (", kb, ", ", n, "), c is ", c.shape, " (", a.dtype, ", ", b.dtype, ", ", c.dtype,
               ")");
  TEMPER_CHECK(!e.bias || (e.bias.shape == Shape{n} && e.bias.dtype == c.dtype), "gemm: c is ", c.shape, " ", c.dtype,
               " so its bias must be (", n, ") ", c.dtype, ", got ", e.bias.shape, " ", e.bias.dtype);
  const KernelRange range(stream, "gemm", {m, n, ka});
#if defined(TEMPER_CUDA)
  if (stream.device == Device::cuda) return gemm_cublas(stream, ta, tb, a, b, e, c);
#endif
  TEMPER_CHECK(stream.device == Device::cpu, "gemm: this build has no CUDA back end");
  if (!planning(stream))
    dispatch_full(c.dtype, [&](auto tag) { gemm_eigen<decltype(tag)>(stream, ta, tb, a, b, e.beta, c); });
  if (e.bias) add_bias(stream, e.bias, c);
}

}  // namespace temper
