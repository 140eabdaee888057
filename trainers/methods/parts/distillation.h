#pragma once
#include "core/ops/loss.h"
#include "core/tape.h"

namespace TEMPER_API temper {

/// Losses that draw the softened output of a student, softmax(s / T), to that of a teacher, softmax(t / T), of logits s
/// and t, (N, C). Their factor T^2 keeps the size of the gradient (Hinton, Vinyals & Dean 2015, section 2). The teacher
/// takes no gradient.

/// T^2 KL(softmax(t / T) || softmax(s / T)).
Var distillation(Tape& tape, const Var& student, const Tensor& teacher, float temperature,
                 Reduction reduction = Reduction::mean);
/// T^2 times the cross entropy -sum softmax(t / T) log softmax(s / T): the same gradient, and a value that is larger by
/// T^2 times the teacher's entropy.
Var soft_distillation(Tape& tape, const Var& student, const Tensor& teacher, float temperature);

}  // namespace temper
