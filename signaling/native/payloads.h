/* Between packet.c, rewriter.c and payloads.c only. */
#ifndef SIGNALING_PAYLOADS_H
#define SIGNALING_PAYLOADS_H

#include "media.h"

/* Fills in what a VP8 payload tells (stream._read_vp8); 0 when its descriptor is malformed. payload_bytes > 0. */
int vp8_read(struct media_packet *out);

/* Fills in what an H264 payload tells (stream._h264_flags). payload_bytes > 0. */
void h264_read(struct stream_parser *parser, struct media_packet *out);

/* Writes other numbers into a VP8 payload of any shape, each cut to its width; absent ones stay absent. */
void vp8_renumber(uint8_t *payload, int payload_bytes, int64_t picture_id, int64_t tl0_index);

#endif
