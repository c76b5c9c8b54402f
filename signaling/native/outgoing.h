/* How one viewer's packets look on the wire (outgoing.PacketComposer): between rewriter.c and outgoing.c only. */
#ifndef SIGNALING_OUTGOING_H
#define SIGNALING_OUTGOING_H

#include "media.h"
#include "spans.h"

#define HEADER_BYTES 12

struct outgoing {
    int payload_types[2]; /* by kind; 0: not negotiated */
    int head_bytes;       /* header and extension block */
    int send_time_at;     /* offsets in the packet; 0: not sent */
    int wide_at;
    uint8_t head[HEADER_BYTES + MAX_BLOCK_BYTES]; /* as in every packet, zeros where bytes change */
    int64_t rtx_sequence;
    struct rewriter_settings settings;
};

/* 0 when the settings make no sense. */
int outgoing_init(struct outgoing *outgoing, const struct rewriter_settings *settings);

/* What is left of a packet for this viewer after redundancy was taken off where it must be. */
struct content {
    const uint8_t *payload;
    int payload_bytes;
    int payload_type;
    int is_stripped;
};

/* 0 when redundancy must be taken off and its headers do not add up; then `out` is an empty payload. */
int outgoing_content(const struct outgoing *outgoing, const struct media_packet *packet, struct content *out);

/* The newest packet: length, or -1 when `room` is too small. */
int outgoing_next(const struct outgoing *outgoing, const struct media_packet *packet, const struct content *content,
                  const struct span *offsets, uint8_t *out, int room);

/* A packet for a place in the past; padding when the span left its temporal layer out. */
int outgoing_compose(const struct outgoing *outgoing, const struct media_packet *packet, int64_t sequence,
                     const struct span *span, const uint8_t *send_time, uint8_t *out, int room);

/* The packet once more: as RTX when negotiated, else as it was. */
int outgoing_repair(struct outgoing *outgoing, const struct media_packet *packet, int64_t sequence,
                    const struct span *span, double now_ms, uint8_t *out, int room);

#endif
