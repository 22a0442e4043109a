#include "vectors/vector_index.h"

namespace e5v::vectors {

VectorIndex::VectorIndex(tensor::ConstMatrix vectors_CD, std::int64_t max_bytes)
    : vectors_CD_(vectors_CD), lengths_(lengths_of(vectors_CD)) {
  if (ByteRows::serve(vectors_CD) && vectors_CD.rows <= max_bytes / vectors_CD.columns)
    bytes_ = std::make_shared<const ByteRows>(vectors_CD);
}

}  // namespace e5v::vectors
