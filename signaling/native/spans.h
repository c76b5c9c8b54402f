/* The stretches of one outgoing stream in which every number differs from the publisher's by a constant
 * (spans.SpanHistory), and how far each layer had come when it was left (rewriter.Rewriter._left_at). */
#ifndef SIGNALING_SPANS_H
#define SIGNALING_SPANS_H

#include <stdint.h>

#define MAX_SPANS 256        /* spans._MAX_SPANS */
#define LAYERS_REMEMBERED 16 /* rewriter._LAYERS_REMEMBERED */

/* One stretch; numbers are unwrapped, offsets are outgoing minus incoming. */
struct span {
    int64_t first_out, first_in;
    int64_t sequence_offset, timestamp_offset, picture_offset, tl0_offset;
    int64_t ssrc;         /* of the layer it was made from */
    int64_t max_temporal; /* the highest temporal layer that was forwarded in it */
};

struct span_history {
    int count;
    struct span spans[MAX_SPANS + 1];
};

/* A new span begins; one in which nothing was sent is replaced. Full: the older half is forgotten. */
void spans_push(struct span_history *history, const struct span *span);

/* The span of a late packet of the present layer, and the number that was kept for it; NULL when there is none. */
const struct span *spans_place_of(const struct span_history *history, int64_t ssrc, int64_t sequence, int64_t next_out,
                                  int64_t *out);

/* The span of an outgoing 16-bit number, and that number unwrapped; NULL when never sent or forgotten. */
const struct span *spans_origin_of(const struct span_history *history, uint16_t sequence, int64_t next_out,
                                   int64_t *out);

struct left_layers {
    int count;
    struct {
        int64_t ssrc, sequence;
    } layers[LAYERS_REMEMBERED];
};

/* Full: the layer left longest ago makes room. */
void left_remember(struct left_layers *left, int64_t ssrc, int64_t sequence);

/* How far this layer was forwarded; -1 when unknown. */
int64_t left_at(const struct left_layers *left, int64_t ssrc);

#endif
