/* One viewer's view of one publication: one continuous RTP stream, whatever happens on the publisher's side.
 *
 * The twin of rewriter.Rewriter, outgoing.PacketComposer and spans.SpanHistory. The names are the same, so that the
 * two can be read side by side; the reasons stand there.
 */
#include "payloads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_SOURCE (-1)
#define LOWERING (-1)             /* as highest temporal layer: the next frame start brings the real limit */
#define MAX_SHIFT_ERROR_MS 2000.0 /* rewriter.MAX_SHIFT_ERROR_MS */
#define MIN_STEP_MS 1.0           /* rewriter.MIN_STEP_MS */
#define MAX_SPANS 256             /* spans._MAX_SPANS */
#define LAYERS_REMEMBERED 16      /* rewriter._LAYERS_REMEMBERED */
#define HEADER_BYTES 12
#define PADDING_BYTES 4

struct span {
    int64_t first_out, first_in;
    int64_t sequence_offset, timestamp_offset, picture_offset, tl0_offset;
    int64_t ssrc;
    int64_t max_temporal;
};

struct left { /* how far a layer was forwarded when another took over */
    int64_t ssrc, sequence;
};

struct rewriter {
    int64_t source, target, last_source;
    int64_t highest_in; /* newest number of `source`, forwarded or skipped */
    int64_t sequence_offset, timestamp_offset, picture_offset, tl0_offset;
    int64_t packets_sent, octets_sent, retransmitted;
    int max_temporal, temporal_limit, lowering_from;
    int payload_types[2]; /* by kind; 0: not negotiated */
    int head_bytes;       /* header and extension block */
    int send_time_at;     /* offsets in the packet; 0: not sent */
    int wide_at;
    uint8_t head[HEADER_BYTES + MAX_EXTENSION_BYTES];
    /* the newest packet with media, forwarded or skipped */
    int has_last;
    int32_t last_picture_id, last_tl0_index;
    uint32_t last_timestamp;
    double last_arrival_ms;
    int has_shift;
    int64_t shift;
    int64_t rtx_sequence;
    double ticks_per_ms;
    struct rewriter_settings settings;
    int left_count;
    struct left left[LAYERS_REMEMBERED];
    int span_count;
    struct span spans[MAX_SPANS + 1];
};

/* Writing */

static void write16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void write32(uint8_t *at, uint32_t value)
{
    write16(at, value >> 16);
    write16(at + 2, value);
}

/* Header and extension block; the SSRC is in the template already. */
static void write_head(const struct rewriter *rw, uint8_t *out, int second_octet, int64_t sequence, int64_t timestamp,
                       const uint8_t *send_time)
{
    memcpy(out, rw->head, (size_t)rw->head_bytes);
    out[1] = (uint8_t)second_octet;
    write16(out + 2, (uint32_t)sequence & 0xFFFF);
    write32(out + 4, (uint32_t)timestamp);
    if (rw->send_time_at)
        memcpy(out + rw->send_time_at, send_time, 3);
}

/* Payload of a packet for this viewer behind `at` bytes of `out`: the whole length, -1 when it does not fit. */
static int write_payload(uint8_t *out, int at, int room, const struct media_packet *packet, const uint8_t *payload,
                         int payload_bytes, int64_t picture_offset, int64_t tl0_offset)
{
    if (payload_bytes < 0 || payload_bytes > room - at)
        return -1;
    if (payload_bytes > 0)
        memcpy(out + at, payload, (size_t)payload_bytes);
    if (packet->layout != LAYOUT_PLAIN)
        vp8_renumber(out + at, payload_bytes, packet->picture_id + picture_offset, packet->tl0_index + tl0_offset);
    return at + payload_bytes;
}

/* Spans */

static int64_t next_out(const struct rewriter *rw)
{
    return rw->highest_in + rw->sequence_offset + 1;
}

static void push_span(struct rewriter *rw, int64_t first_in)
{
    struct span span = {
        .first_out = first_in + rw->sequence_offset,
        .first_in = first_in,
        .ssrc = rw->source,
        .sequence_offset = rw->sequence_offset,
        .timestamp_offset = rw->timestamp_offset,
        .picture_offset = rw->picture_offset,
        .tl0_offset = rw->tl0_offset,
        .max_temporal = rw->max_temporal == LOWERING ? rw->lowering_from : rw->max_temporal,
    };
    if (rw->span_count > 0 && rw->spans[rw->span_count - 1].first_out == span.first_out) {
        rw->spans[rw->span_count - 1] = span;
        return;
    }
    rw->spans[rw->span_count++] = span;
    if (rw->span_count > MAX_SPANS) {
        rw->span_count -= MAX_SPANS / 2;
        memmove(rw->spans, rw->spans + MAX_SPANS / 2, (size_t)rw->span_count * sizeof *rw->spans);
    }
}

/* spans.SpanHistory.place_of */
static const struct span *place_of(const struct rewriter *rw, int64_t ssrc, int64_t sequence, int64_t *out)
{
    int64_t limit = next_out(rw);
    for (int at = rw->span_count - 1; at >= 0; at--) {
        const struct span *span = &rw->spans[at];
        if (span->ssrc != ssrc)
            return NULL;
        if (sequence >= span->first_in) {
            *out = sequence + span->sequence_offset;
            return *out < limit ? span : NULL;
        }
        limit = span->first_out;
    }
    return NULL;
}

/* spans.SpanHistory.origin_of */
static const struct span *origin_of(const struct rewriter *rw, uint16_t sequence, int64_t *out)
{
    int64_t next = next_out(rw), reference = next - 1;
    *out = reference + ((sequence - reference + 0x8000) & 0xFFFF) - 0x8000;
    if (*out >= next)
        return NULL;
    for (int at = rw->span_count - 1; at >= 0; at--)
        if (*out >= rw->spans[at].first_out)
            return &rw->spans[at];
    return NULL;
}

/* Which layer was left where */

static int64_t reached(const struct rewriter *rw, int64_t ssrc)
{
    if (ssrc == rw->last_source)
        return rw->highest_in;
    for (int at = 0; at < rw->left_count; at++)
        if (rw->left[at].ssrc == ssrc)
            return rw->left[at].sequence;
    return -1;
}

static void leave(struct rewriter *rw, int64_t ssrc, int64_t sequence)
{
    int at = 0;
    while (at < rw->left_count && rw->left[at].ssrc != ssrc)
        at++;
    if (at == LAYERS_REMEMBERED) /* full, and not among them: the one left longest ago makes room */
        at = 0;
    if (at < rw->left_count) {
        rw->left_count--;
        memmove(rw->left + at, rw->left + at + 1, (size_t)(rw->left_count - at) * sizeof *rw->left);
    }
    rw->left[rw->left_count++] = (struct left){ssrc, sequence};
}

/* Moves of the numbering */

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
    int64_t before = rw->last_timestamp + rw->timestamp_offset;
    int64_t place = before + rounded((packet->arrival_ms - rw->last_arrival_ms) * rw->ticks_per_ms);
    if (has_shift) {
        int64_t exact = packet->timestamp + shift + rw->timestamp_offset;
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
    leave(rw, rw->last_source, rw->highest_in);
    if (!rw->has_last) {
        rw->timestamp_offset = rw->settings.first_timestamp - packet->timestamp;
    } else {
        if (packet->picture_id >= 0 && rw->last_picture_id >= 0)
            rw->picture_offset += rw->last_picture_id + 1 - packet->picture_id;
        if (packet->tl0_index >= 0 && rw->last_tl0_index >= 0)
            rw->tl0_offset += rw->last_tl0_index + 1 - packet->tl0_index;
        rw->timestamp_offset = continued_timestamp(rw, packet, has_shift, shift) - packet->timestamp;
    }
    rw->sequence_offset = first_out - packet->sequence;
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
            rw->picture_offset--;
        remember(rw, packet);
    }
    rw->highest_in = packet->sequence;
    rw->sequence_offset--;
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
    const uint8_t *payload = packet->payload;
    int payload_bytes = packet->payload_bytes, payload_type = rw->payload_types[packet->kind == KIND_RED];
    if (!payload_type) {
        int start = red_primary(payload, payload_bytes);
        if (start < 0 || start == payload_bytes) {
            skip(rw, packet);
            return 0;
        }
        payload += start;
        payload_bytes -= start;
        payload_type = rw->payload_types[KIND_MEDIA];
    }
    rw->highest_in = packet->sequence;
    remember(rw, packet);
    rw->packets_sent++;
    rw->octets_sent += payload_bytes;
    int at = rw->head_bytes;
    if (room < at)
        return -1;
    write_head(rw, out, packet->marker | payload_type, packet->sequence + rw->sequence_offset,
               packet->timestamp + rw->timestamp_offset, packet->send_time);
    if (packet->layout != LAYOUT_VP8_FULL)
        return write_payload(out, at, room, packet, payload, payload_bytes, rw->picture_offset, rw->tl0_offset);
    if (packet->tail_bytes < 0 || packet->tail_bytes > room - at - 5)
        return -1;
    write16(out + at, packet->prefix);
    write16(out + at + 2, ((uint32_t)(packet->picture_id + rw->picture_offset) & 0x7FFF) | 0x8000);
    out[at + 4] = (uint8_t)(packet->tl0_index + rw->tl0_offset);
    memcpy(out + at + 5, packet->tail, (size_t)packet->tail_bytes);
    return at + 5 + packet->tail_bytes;
}

/* outgoing.PacketComposer.compose and, with `rtx_sequence` >= 0, the RTX half of `repair` */
static int compose(const struct rewriter *rw, const struct media_packet *packet, int64_t sequence,
                   const struct span *span, const uint8_t *send_time, int64_t rtx_sequence, uint8_t *out, int room)
{
    const struct rewriter_settings *settings = &rw->settings;
    int64_t timestamp = packet->timestamp + span->timestamp_offset;
    int at = rw->head_bytes;
    if (room < at + PADDING_BYTES)
        return -1;
    if (packet->temporal_id > span->max_temporal) { /* left out, yet its place was kept: it must be filled */
        write_head(rw, out, settings->payload_type, sequence, timestamp, send_time);
        out[0] |= 0x20;
        write32(out + at, PADDING_BYTES);
        return at + PADDING_BYTES;
    }
    const uint8_t *payload = packet->payload;
    int payload_bytes = packet->payload_bytes, payload_type = rw->payload_types[packet->kind == KIND_RED];
    int is_renumbered = payload_type && packet->layout != LAYOUT_PLAIN;
    if (!payload_type) {
        int start = red_primary(payload, payload_bytes);
        payload = start < 0 ? NULL : payload + start;
        payload_bytes = start < 0 ? 0 : payload_bytes - start;
        payload_type = settings->payload_type;
    }
    if (rtx_sequence >= 0) {
        write_head(rw, out, packet->marker | settings->rtx_payload_type, rtx_sequence, timestamp, send_time);
        write32(out + 8, settings->rtx_ssrc);
        write16(out + at, (uint32_t)sequence & 0xFFFF);
        at += 2;
    } else {
        write_head(rw, out, packet->marker | payload_type, sequence, timestamp, send_time);
    }
    if (is_renumbered)
        return write_payload(out, at, room, packet, payload, payload_bytes, span->picture_offset, span->tl0_offset);
    if (payload_bytes > room - at)
        return -1;
    if (payload_bytes > 0)
        memcpy(out + at, payload, (size_t)payload_bytes);
    return at + payload_bytes;
}

static int forward_late(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    int64_t sequence;
    const struct span *span = place_of(rw, packet->ssrc, packet->sequence, &sequence);
    if (span == NULL)
        return 0;
    rw->packets_sent++;
    rw->octets_sent += packet->payload_bytes;
    return compose(rw, packet, sequence, span, packet->send_time, -1, out, room);
}

static int begin_target(struct rewriter *rw, const struct media_packet *packet, uint8_t *out, int room)
{
    if (packet->flags & FLAG_EMPTY || (rw->settings.needs_keyframe && !(packet->flags & FLAG_KEYFRAME)))
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
    const struct span *span = origin_of(rw, sequence, &out);
    if (span == NULL)
        return 0;
    *ssrc = (uint32_t)span->ssrc;
    *number = out - span->sequence_offset;
    return 1;
}

int rewriter_retransmit(struct rewriter *rw, uint16_t sequence, const struct media_packet *packet, double now_ms,
                        uint8_t *out, int room)
{
    int64_t place;
    const struct span *span = origin_of(rw, sequence, &place);
    if (span == NULL || packet->ssrc != span->ssrc || packet->sequence != place - span->sequence_offset)
        return 0;
    rw->retransmitted++;
    uint32_t time = (uint32_t)((int64_t)(now_ms * 262.144) & 0xFFFFFF);
    const uint8_t send_time[3] = {(uint8_t)(time >> 16), (uint8_t)(time >> 8), (uint8_t)time};
    int has_rtx = rw->settings.rtx_payload_type > 0 && packet->temporal_id <= span->max_temporal;
    if (has_rtx)
        rw->rtx_sequence++;
    return compose(rw, packet, place, span, send_time, has_rtx ? rw->rtx_sequence : -1, out, room);
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
    rw->span_count = rw->left_count = 0;
    rw->sequence_offset = 0;
    rw->highest_in = next - 1;
}

void rewriter_take_redundancy(struct rewriter *rw, int payload_type)
{
    rw->payload_types[KIND_RED] = payload_type > 0 && payload_type < 128 ? payload_type : 0;
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
        .timestamp_offset = rw->timestamp_offset,
        .packets_sent = rw->packets_sent,
        .octets_sent = rw->octets_sent,
        .retransmitted = rw->retransmitted,
        .redundancy = rw->payload_types[KIND_RED],
        .temporal_limit = rw->temporal_limit,
    };
}

int rewriter_wide_offset(const struct rewriter *rw)
{
    return rw->wide_at;
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

static int is_sound(const struct rewriter_settings *settings)
{
    int block = settings->extension_bytes;
    return settings->payload_type > 0 && settings->payload_type < 128 && settings->red_payload_type >= 0 &&
           settings->red_payload_type < 128 && settings->rtx_payload_type >= 0 && settings->rtx_payload_type < 128 &&
           settings->clock_rate_hz > 0 && settings->first_sequence >= 0 && block >= 0 && block <= MAX_EXTENSION_BYTES &&
           settings->send_time_at <= block - 3 && settings->wide_sequence_at <= block - 2;
}

struct rewriter *rewriter_new(const struct rewriter_settings *settings)
{
    if (!is_sound(settings))
        return NULL;
    struct rewriter *rw = calloc(1, sizeof *rw);
    if (rw == NULL)
        return NULL;
    rw->settings = *settings;
    rw->source = rw->target = rw->last_source = NO_SOURCE;
    rw->highest_in = settings->first_sequence - 1;
    rw->rtx_sequence = settings->first_sequence;
    rw->max_temporal = rw->temporal_limit = rw->lowering_from = ALL_TEMPORAL_LAYERS;
    rw->payload_types[KIND_MEDIA] = settings->payload_type;
    rw->payload_types[KIND_RED] = settings->red_payload_type;
    rw->ticks_per_ms = settings->clock_rate_hz / 1000.0;
    rw->head_bytes = HEADER_BYTES + settings->extension_bytes;
    rw->send_time_at = settings->send_time_at >= 0 ? HEADER_BYTES + settings->send_time_at : 0;
    rw->wide_at = settings->wide_sequence_at >= 0 ? HEADER_BYTES + settings->wide_sequence_at : 0;
    rw->head[0] = settings->extension_bytes ? 0x90 : 0x80;
    write32(rw->head + 8, settings->ssrc);
    memcpy(rw->head + HEADER_BYTES, settings->extension, (size_t)settings->extension_bytes);
    return rw;
}

void rewriter_free(struct rewriter *rw)
{
    free(rw);
}
