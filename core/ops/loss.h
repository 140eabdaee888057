#pragma once
#include "core/ops/per_sample_loss.h"

namespace TEMPER_API temper {

/// Cross entropy -log softmax(logits)_label; labels (N) i32. With smoothing s the target is (1 - s) * onehot + s / C.
Var cross_entropy(Tape& tape, const Var& logits, const Tensor& labels, Reduction reduction = Reduction::mean,
                  float smoothing = 0);
/// Cross entropy against given distributions: -sum_c target_c log softmax(logits)_c; target (N, C), not differentiated.
Var soft_cross_entropy(Tape& tape, const Var& logits, const Tensor& target, Reduction reduction = Reduction::mean);
/// KL(softmax(target / T) || softmax(logits / T)), without the factor T^2. Differentiates both sides; cut one with
/// stop_gradient. The order of arguments is PyTorch's F.kl_div(log_softmax(logits), softmax(target)).
Var kl_divergence(Tape& tape, const Var& logits, const Var& target, Reduction reduction = Reduction::mean,
                  float temperature = 1);
/// The margin loss -max(z_y - max_{j != y} z_j + kappa, 0), which attacks maximise; papers call the attack C&W (Linf).
/// Carlini & Wagner 2017; with kappa = 50, as in the reference code, the max never clamps.
Var margin_loss(Tape& tape, const Var& logits, const Tensor& labels, float kappa,
                Reduction reduction = Reduction::none);
/// log((1 - p_y) / p_y) with p = softmax(logits), per sample. It increases with the cross entropy, and its gradient is
/// the cross entropy's without the factor 1 - p_y, so it does not vanish where the network is confident. At least 2
/// classes.
Var log_odds(Tape& tape, const Var& logits, const Tensor& labels);
/// kl_divergence(logits, target) per sample, with a normalised gradient: backward() scales each sample's gradient by
/// the logits so that its largest magnitude is 1. Only for attacks that use the direction alone. At least 2 classes;
/// target (N, classes).
Var kl_direction(Tape& tape, const Var& logits, const Tensor& target);
/// Mean squared difference over all elements (Reduction::mean: divided by numel, as PyTorch's mse_loss).
Var mean_squared_error(Tape& tape, const Var& a, const Var& b);
/// 1 - cos(a_i, b_i) of each row of (N, C), in [0, 2]. Differentiates both sides; cut one with stop_gradient. A row of
/// norm 1e-8 or less takes no gradient.
Var cosine_distance(Tape& tape, const Var& a, const Var& b, Reduction reduction = Reduction::mean);

/// On the host: the argmax of every row, and the number of rows whose argmax is their label.
std::vector<int32_t> predictions(Engine& engine, const Tensor& logits);
int64_t count_correct(Engine& engine, const Tensor& logits, const Tensor& labels);

}  // namespace temper
