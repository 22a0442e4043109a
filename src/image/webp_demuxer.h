#pragma once
#include <webp/demux.h>

#include <memory>

namespace e5v::image {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

/// Reads the container of a WebP file.
using WebpDemuxer = std::unique_ptr<WebPDemuxer, DemuxerDeleter>;

}  // namespace e5v::image
