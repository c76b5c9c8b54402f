/* One viewer's view of one publication: one continuous RTP stream, whatever happens on the publisher's side.
 *
 * The twin of rewriter.Rewriter, outgoing.PacketComposer and spans.SpanHistory. The names are the same, so that the
 * two can be read side by side; the reasons stand there.
 */
#include <math.h>
#include <stdlib.h>

#include "outgoing.h"

#define NO_SOURCE (-1)
#define LOWERING (-1)             /* as highest temporal layer: the next frame start brings the real limit */
#define MAX_SHIFT_ERROR_MS 2000.0 /* rewriter.MAX_SHIFT_ERROR_MS */
#define MIN_STEP_MS 1.0           /* rewriter.MIN_STEP_MS */

struct rewriter {
    int64_t source, target, last_source;
    int64_t highest_in; /* newest number of `source`, forwarded or skipped */
    struct span now;    /* the offsets in force */
    int max_temporal, temporal_limit, lowering_from;
    int64_t packets_sent, octets_sent, retransmitted;
    /* the newest packet with media, forwarded or skipped */
    int has_last;
    int32_t last_picture_id, last_tl0_index;
    uint32_t last_timestamp;
    double last_arrival_ms;
    struct outgoing outgoing;
    int has_shift;
    int64_t shift;
    double ticks_per_ms;
    struct left_layers left;
    struct span_history spans;
};

/* Moves of the numbering */

static int64_t next_out(const struct rewriter *rw)
{
    return rw->highest_in + rw->now.sequence_offset + 1;
}

static void push_span(struct rewriter *rw, int64_t first_in)
{
    rw->now.first_in = first_in;
    rw->now.first_out = first_in + rw->now.sequence_offset;
    rw->now.ssrc = rw->source;
    rw->now.max_temporal = rw->max_temporal == LOWERING ? rw->lowering_from : rw->max_temporal;
    spans_push(&rw->spans, &rw->now);
}

/* How far this layer was forwarded when it last was. */
static int64_t reached(const struct rewriter *rw, int64_t ssrc)
{
    return ssrc == rw->last_source ? rw->highest_in : left_at(&rw->left, ssrc);
}

static void remember(struct rewriter *rw, const struct media_packet *packet)
{
    rw->has_last = 1;
    rw->last_picture_id = packet->picture_id;
    rw->last_tl0_index = packet->tl0_index;
    rw->last_timestamp = packet->timestamp;
    rw->last_arrival_ms = packet->arrival_ms;
}

static int64_t rounded(double value)
{
    /* Half to even as Python does; a clock that went mad must not be undefined behaviour. */
    return fabs(value) < 9e15 ? (int64_t)nearbyint(value) : 0;
}

static int64_t continued_timestamp(const struct rewriter *rw, const struct media_packet *packet, int has_shift,
                                   int64_t shift)
{
    int64_t before = rw->last_timestamp + rw->now.timestamp_offset;
    int64_t place = before + rounded((packet->arrival_ms - rw->last_arrival_ms) * rw->ticks_per_ms);
    if (has_shift) {
        int64_t exact = packet->timestamp + shift + rw->now.timestamp_offset;
        int64_t error = ((exact - place + 0x80000000) & 0xFFFFFFFF) - 0x80000000;
        if ((double)(error < 0 ? -error : error) <= MAX_SHIFT_ERROR_MS * rw->ticks_per_ms)
            place += error;
    }
    int64_t least = before + rounded(MIN_STEP_MS * rw->ticks_per_ms);
    return place > least ? place : least;
}

static void begin(struct rewriter *rw, const struct media_packet *packet, int has_shift, int64_t shift)
{
    int64_t first_out = next_out(rw);
    left_remember(&rw->left, rw->last_source, rw->highest_in);
    if (!rw->has_last) {
        rw->now.timestamp_offset = rw->outgoing.settings.first_timestamp - packet->timestamp;
    } else {
        if (packet->picture_id >= 0 && rw->last_picture_id >= 0)
            rw->now.picture_offset += rw->last_picture_id + 1 - packet->picture_id;
        if (packet->tl0_index >= 0 && rw->last_tl0_index >= 0)
            rw->now.tl0_offset += rw->last_tl0_index + 1 - packet->tl0_index;
        rw->now.timestamp_offset = continued_timestamp(rw, packet, has_shift, shift) - packet->timestamp;
    }
    rw->now.sequence_offset = first_out - packet->sequence;
    rw->highest_in = packet->sequence - 1;
    rw->source = rw->last_source = packet->ssrc;
    rw->target = NO_SOURCE;
    rw->max_temporal = rw->temporal_limit > packet->temporal_id ? rw->temporal_limit : packet->temporal_id;
    push_span(rw, packet->sequence);
}

static void skip(struct rewriter *rw, const struct media_packet *packet)
{
    if (!(packet->flags & FLAG_EMPTY)) {
        if (packet->picture_id >= 0 && (!rw->has_last || packet->picture_id != rw->last_picture_id))
            rw->now.picture_offset--;
        remember(rw, packet);
    }
    rw->highest_in = packet->sequence;
    rw->now.sequence_offset--;
    push_span(rw, packet->sequence + 1);
}

static void set_temporal(struct rewriter *rw, int highest, int64_t first_in)
{
    rw->max_temporal = highest;
    push_span(rw, first_in);
}

/* Forwarding */

/* The next packet of the selected layer: the hot path. */
static int forward_next(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    struct content content;
    int is_whole = outgoing_content(&rw->outgoing, packet, &content);
    if (!is_whole || (content.is_stripped && content.payload_bytes == 0)) {
        skip(rw, packet);
        return 0;
    }
    rw->highest_in = packet->sequence;
    remember(rw, packet);
    rw->packets_sent++;
    rw->octets_sent += content.payload_bytes;
    return outgoing_next(&rw->outgoing, packet, &content, &rw->now, out, room);
}

static int forward_late(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    int64_t sequence;
    const struct span *span = spans_place_of(&rw->spans, packet->ssrc, packet->sequence, next_out(rw), &sequence);
    if (span == NULL)
        return 0;
    rw->packets_sent++;
    rw->octets_sent += packet->payload_bytes;
    return outgoing_compose(&rw->outgoing, packet, sequence, span, packet->send_time, out, room);
}

static int begin_target(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    if (packet->flags & FLAG_EMPTY || (rw->outgoing.settings.needs_keyframe && !(packet->flags & FLAG_KEYFRAME)))
        return 0;
    if (packet->flags & FLAG_LATE && packet->sequence <= reached(rw, packet->ssrc))
        return 0;
    begin(rw, packet, rw->has_shift, rw->shift);
    return forward_next(rw, packet, out, room);
}

/* While the limit falls: a frame begun is a frame finished. */
static int forward_unfinished(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    if (packet->temporal_id > rw->lowering_from) {
        skip(rw, packet);
        return 0;
    }
    rw->max_temporal = rw->lowering_from;
    int bytes = forward_next(rw, packet, out, room);
    rw->max_temporal = LOWERING;
    return bytes;
}

/* Everything but the next packet of the selected layer. */
static int forward_rare(struct rewriter *rw, const struct media_packet *packet, int64_t step, uint8_t *out, int room)
{
    if (packet->ssrc == rw->target)
        return begin_target(rw, packet, out, room);
    if (packet->ssrc != rw->source)
        return 0;
    if (step <= 0)
        return forward_late(rw, packet, out, room);
    if (step > MAX_FORWARD_STEP) {
        if (packet->flags & FLAG_EMPTY)
            return 0;
        begin(rw, packet, 1, 0);
        return forward_next(rw, packet, out, room);
    }
    if (packet->flags & FLAG_EMPTY) {
        skip(rw, packet);
        return 0;
    }
    if (rw->max_temporal == LOWERING) {
        if (!(packet->flags & FLAG_FRAME_START))
            return forward_unfinished(rw, packet, out, room);
        set_temporal(rw, rw->temporal_limit, packet->sequence);
        if (packet->temporal_id <= rw->max_temporal)
            return forward_next(rw, packet, out, room);
    }
    int climbs = FLAG_SYNC | FLAG_FRAME_START;
    if (packet->temporal_id <= rw->temporal_limit && (packet->flags & climbs) == climbs) {
        set_temporal(rw, packet->temporal_id, packet->sequence);
        return forward_next(rw, packet, out, room);
    }
    skip(rw, packet);
    return 0;
}

int rewriter_forward(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    int64_t step = packet->sequence - rw->highest_in;
    if (packet->ssrc != rw->source || packet->temporal_id > rw->max_temporal || step <= 0 || step > MAX_FORWARD_STEP)
        return forward_rare(rw, packet, step, out, room);
    return forward_next(rw, packet, out, room);
}

int rewriter_locate(const struct rewriter *rw, uint16_t sequence, uint32_t *ssrc, int64_t *number)
{
    int64_t out;
    const struct span *span = spans_origin_of(&rw->spans, sequence, next_out(rw), &out);
    if (span == NULL)
        return 0;
    *ssrc = (uint32_t)span->ssrc;
    *number = out - span->sequence_offset;
    return 1;
}

uint16_t rewriter_newest(const struct rewriter *rw)
{
    return (uint16_t)(next_out(rw) - 1);
}

int rewriter_retransmit(struct rewriter *rw, uint16_t sequence, const struct media_packet *packet, double now_ms,
                        uint8_t *out, int room)
{
    int64_t place;
    const struct span *span = spans_origin_of(&rw->spans, sequence, next_out(rw), &place);
    if (span == NULL || packet->ssrc != span->ssrc || packet->sequence != place - span->sequence_offset)
        return 0;
    rw->retransmitted++;
    return outgoing_repair(&rw->outgoing, packet, place, span, now_ms, out, room);
}

/* Orders and questions */

void rewriter_select(struct rewriter *rw, uint32_t ssrc, int has_shift, int64_t shift)
{
    if (ssrc == rw->source) {
        rw->target = NO_SOURCE;
        return;
    }
    rw->target = ssrc;
    rw->has_shift = has_shift || ssrc == rw->last_source;
    rw->shift = has_shift ? shift : 0;
}

void rewriter_pause(struct rewriter *rw)
{
    rw->source = rw->target = NO_SOURCE;
}

void rewriter_forget_sources(struct rewriter *rw)
{
    int64_t next = next_out(rw);
    rewriter_pause(rw);
    rw->last_source = NO_SOURCE;
    rw->spans.count = rw->left.count = 0;
    rw->now.sequence_offset = 0;
    rw->highest_in = next - 1;
}

void rewriter_take_redundancy(struct rewriter *rw, int payload_type)
{
    rw->outgoing.payload_types[KIND_RED] = payload_type > 0 && payload_type < 128 ? payload_type : 0;
}

void rewriter_limit_temporal(struct rewriter *rw, int highest)
{
    rw->temporal_limit = highest;
    if (rw->max_temporal >= 0 && rw->max_temporal > highest) {
        rw->lowering_from = rw->max_temporal;
        rw->max_temporal = LOWERING;
    }
}

void rewriter_read(const struct rewriter *rw, struct rewriter_state *out)
{
    *out = (struct rewriter_state){
        .source = rw->source,
        .target = rw->target,
        .last_source = rw->last_source,
        .timestamp_offset = rw->now.timestamp_offset,
        .packets_sent = rw->packets_sent,
        .octets_sent = rw->octets_sent,
        .retransmitted = rw->retransmitted,
        .redundancy = rw->outgoing.payload_types[KIND_RED],
        .temporal_limit = rw->temporal_limit,
    };
}

int rewriter_wide_offset(const struct rewriter *rw)
{
    return rw->outgoing.wide_at;
}

int64_t rewriter_source(const struct rewriter *rw)
{
    return rw->source;
}

int64_t rewriter_target(const struct rewriter *rw)
{
    return rw->target;
}

/* Life */

struct rewriter *rewriter_new(const struct rewriter_settings *settings)
{
    struct rewriter *rw = calloc(1, sizeof *rw);
    if (rw == NULL || !outgoing_init(&rw->outgoing, settings)) {
        free(rw);
        return NULL;
    }
    rw->source = rw->target = rw->last_source = NO_SOURCE;
    rw->highest_in = settings->first_sequence - 1;
    rw->max_temporal = rw->temporal_limit = rw->lowering_from = ALL_TEMPORAL_LAYERS;
    rw->ticks_per_ms = settings->clock_rate_hz / 1000.0;
    return rw;
}

void rewriter_free(struct rewriter *rw)
{
    free(rw);
}
