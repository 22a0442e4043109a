#pragma once
/// e5v computes embeddings with multimodal large language models: it maps texts, images, and images modified by a text
/// (composed queries) to vectors in one shared space.
///
///   auto embedder = e5v::Embedder::load("path/to/e5-v");
///   auto result = embedder.embed(std::vector{e5v::Input::from_text("a cat"), e5v::Input::from_image("cat.jpg")});
///   // result.row(0), result.row(1): vectors of length 1; their dot product is the similarity
#include "e5v/embedder.h"
#include "e5v/error.h"
#include "e5v/input.h"
#include "e5v/version.h"
