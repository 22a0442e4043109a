#pragma once
#include <span>

#include "processes/group.h"
#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::train {

/// A matrix that is trained by Muon: its values, their gradient and its momentum. All are f32, of one shape and place.
struct MuonMatrix {
  tensor::Matrix values;
  tensor::ConstMatrix gradient;
  tensor::Matrix momentum;  ///< zero before the first step
};

/// One step of Muon. It gives the directions of the momentum about equal lengths before the matrix follows them:
///   momentum = beta momentum + gradient, O = orthogonalised(gradient + beta momentum),
///   values = (1 - rate decay) values - rate 0.2 sqrt(max(rows, columns)) O.
/// The factor gives O the size of AdamW's steps, so that both need the same learning rates. Temporaries are taken from
/// the arena. All processes compute the same values; on CPUs each orthogonalises its share of the matrices. Collective.
/// Sources: K. Jordan et al., Muon: An optimizer for hidden layers, 2024; arXiv:2502.16982, equation 4.
void muon_step(std::span<const MuonMatrix> matrices, double learning_rate, double weight_decay, tensor::Arena& arena,
               const processes::Group& group = {});

/// Replaces x by nearly the nearest matrix that has only singular values of 1, with five steps of a Newton-Schulz
/// iteration of degree 5. Singular values from 0.01 of the largest one become about 0.7 to 1.2.
void orthogonalise(tensor::Matrix x, tensor::Arena& arena);

}  // namespace e5v::train
