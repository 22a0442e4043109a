#pragma once
#include <webp/demux.h>

#include <memory>

namespace e5v::image {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

/// The reader of a WebP file's container.
using WebpDemuxer = std::unique_ptr<WebPDemuxer, DemuxerDeleter>;

}  // namespace e5v::image
