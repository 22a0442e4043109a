#pragma once
#include <span>

#include "processes/group.h"
#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::train {

/// A matrix that is trained by Muon: its values, their gradient and its momentum, all f32 of one shape and place.
struct MuonMatrix {
  tensor::Matrix values;
  tensor::ConstMatrix gradient;
  tensor::Matrix momentum;  ///< zero before the first step
};

/// One step of Muon: the momentum's directions get about equal lengths before the matrix follows them,
///   momentum = beta momentum + gradient, O = orthogonalised(gradient + beta momentum),
///   values = (1 - rate decay) values - rate 0.2 sqrt(max(rows, columns)) O,
/// where the factor gives O the size of AdamW's steps, so that learning rates serve both. Temporaries are taken from
/// the arena. Collective: all processes give the same, and on CPUs each orthogonalises its share of the matrices.
/// Sources: K. Jordan et al., Muon: An optimizer for hidden layers, 2024; arXiv:2502.16982, equation 4.
void muon_step(std::span<const MuonMatrix> matrices, double learning_rate, double weight_decay, tensor::Arena& arena,
               const processes::Group& group = {});

/// x becomes nearly the nearest matrix whose singular values are all 1, by five steps of a Newton-Schulz iteration of
/// degree 5: singular values from 0.01 of the largest end between about 0.7 and 1.2.
void orthogonalise(tensor::Matrix x, tensor::Arena& arena);

}  // namespace e5v::train
