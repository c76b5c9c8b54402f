/* Composing one viewer's packets: header template, extension block, VP8 numbers, RTX (RFC 4588). */
#include "outgoing.h"

#include <string.h>

#include "payloads.h"

#define PADDING_BYTES 4
#define SEND_TIME_BYTES 3
#define VP8_HEAD_BYTES 5 /* flags, picture id, TL0PICIDX: what LAYOUT_VP8_FULL rewrites */

/* extensions.WIDE_ELEMENT: an octet of padding, id 5 with two octets of number */
static const uint8_t WIDE_ELEMENT[] = {0, 5 << 4 | 1, 0, 0};

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

static int block_bytes(const struct rewriter_settings *settings)
{
    return settings->extension_bytes + (settings->has_send_time ? SEND_TIME_BYTES : 0) +
           (settings->has_wide_sequence ? (int)sizeof WIDE_ELEMENT : 0);
}

static int is_type(int payload_type)
{
    return payload_type >= 0 && payload_type < 128;
}

static int is_sound(const struct rewriter_settings *settings)
{
    int constant = settings->extension_bytes;
    if (constant < 0 || constant > MAX_BLOCK_BYTES || block_bytes(settings) > MAX_BLOCK_BYTES)
        return 0;
    if (constant == 0 && block_bytes(settings) > 0) /* nothing says what would follow */
        return 0;
    return settings->payload_type > 0 && is_type(settings->payload_type) && is_type(settings->red_payload_type) &&
           is_type(settings->rtx_payload_type) && settings->clock_rate_hz > 0 && settings->first_sequence >= 0;
}

int outgoing_init(struct outgoing *outgoing, const struct rewriter_settings *settings)
{
    if (!is_sound(settings))
        return 0;
    *outgoing = (struct outgoing){
        .payload_types = {settings->payload_type, settings->red_payload_type},
        .head_bytes = HEADER_BYTES + block_bytes(settings),
        .send_time_at = settings->has_send_time ? HEADER_BYTES + settings->extension_bytes : 0,
        .rtx_sequence = settings->first_sequence,
        .settings = *settings,
    };
    outgoing->head[0] = settings->extension_bytes ? 0x90 : 0x80;
    write32(outgoing->head + 8, settings->ssrc);
    memcpy(outgoing->head + HEADER_BYTES, settings->extension, (size_t)settings->extension_bytes);
    if (settings->has_wide_sequence) {
        int at = outgoing->head_bytes - (int)sizeof WIDE_ELEMENT;
        memcpy(outgoing->head + at, WIDE_ELEMENT, sizeof WIDE_ELEMENT);
        outgoing->wide_at = outgoing->head_bytes - 2;
    }
    return 1;
}

int outgoing_content(const struct outgoing *outgoing, const struct media_packet *packet, struct content *out)
{
    *out = (struct content){
        .payload = packet->payload,
        .payload_bytes = packet->payload_bytes,
        .payload_type = outgoing->payload_types[packet->kind == KIND_RED],
    };
    if (out->payload_type)
        return 1;
    int start = red_primary(packet->payload, packet->payload_bytes);
    out->payload_type = outgoing->payload_types[KIND_MEDIA];
    out->is_stripped = 1;
    out->payload = start < 0 ? NULL : packet->payload + start;
    out->payload_bytes = start < 0 ? 0 : packet->payload_bytes - start;
    return start >= 0;
}

/* Header and extension block; the SSRC stands in the template. */
static void write_head(const struct outgoing *outgoing, uint8_t *out, int second_octet, int64_t sequence,
                       int64_t timestamp, const uint8_t *send_time)
{
    memcpy(out, outgoing->head, (size_t)outgoing->head_bytes);
    out[1] = (uint8_t)second_octet;
    write16(out + 2, (uint32_t)sequence & 0xFFFF);
    write32(out + 4, (uint32_t)timestamp);
    if (outgoing->send_time_at)
        memcpy(out + outgoing->send_time_at, send_time, 3);
}

/* A payload behind `at` bytes of `out`, renumbered when `span` is given: the whole length, -1: it does not fit. */
static int write_payload(uint8_t *out, int at, int room, const struct media_packet *packet,
                         const struct content *content, const struct span *span)
{
    int bytes = content->payload_bytes;
    if (bytes < 0 || bytes > room - at)
        return -1;
    if (bytes > 0)
        memcpy(out + at, content->payload, (size_t)bytes);
    if (span != NULL)
        vp8_renumber(out + at, bytes, packet->picture_id + span->picture_offset, packet->tl0_index + span->tl0_offset);
    return at + bytes;
}

int outgoing_next(const struct outgoing *outgoing, const struct media_packet *packet, const struct content *content,
                  const struct span *offsets, uint8_t *out, int room)
{
    int at = outgoing->head_bytes;
    if (room < at + VP8_HEAD_BYTES)
        return -1;
    write_head(outgoing, out, packet->marker | content->payload_type, packet->sequence + offsets->sequence_offset,
               packet->timestamp + offsets->timestamp_offset, packet->send_time);
    if (packet->layout != LAYOUT_VP8_FULL)
        return write_payload(out, at, room, packet, content, packet->layout == LAYOUT_PLAIN ? NULL : offsets);
    if (packet->tail_bytes < 0 || packet->tail_bytes > room - at - VP8_HEAD_BYTES)
        return -1;
    write16(out + at, packet->prefix);
    write16(out + at + 2, ((uint32_t)(packet->picture_id + offsets->picture_offset) & 0x7FFF) | 0x8000);
    out[at + 4] = (uint8_t)(packet->tl0_index + offsets->tl0_offset);
    if (packet->tail_bytes > 0)
        memcpy(out + at + VP8_HEAD_BYTES, packet->tail, (size_t)packet->tail_bytes);
    return at + VP8_HEAD_BYTES + packet->tail_bytes;
}

int outgoing_compose(const struct outgoing *outgoing, const struct media_packet *packet, int64_t sequence,
                     const struct span *span, const uint8_t *send_time, uint8_t *out, int room)
{
    int64_t timestamp = packet->timestamp + span->timestamp_offset;
    int at = outgoing->head_bytes;
    struct content content;
    if (room < at + PADDING_BYTES)
        return -1;
    if (packet->temporal_id > span->max_temporal) { /* left out, yet its place was kept: it must be filled */
        write_head(outgoing, out, outgoing->settings.payload_type, sequence, timestamp, send_time);
        out[0] |= 0x20;
        write32(out + at, PADDING_BYTES);
        return at + PADDING_BYTES;
    }
    outgoing_content(outgoing, packet, &content);
    write_head(outgoing, out, packet->marker | content.payload_type, sequence, timestamp, send_time);
    int is_renumbered = !content.is_stripped && packet->layout != LAYOUT_PLAIN;
    return write_payload(out, at, room, packet, &content, is_renumbered ? span : NULL);
}

int outgoing_repair(struct outgoing *outgoing, const struct media_packet *packet, int64_t sequence,
                    const struct span *span, double now_ms, uint8_t *out, int room)
{
    const struct rewriter_settings *settings = &outgoing->settings;
    uint32_t time = (uint32_t)((int64_t)(now_ms * 262.144) & 0xFFFFFF); /* extensions.abs_send_time_bytes */
    const uint8_t send_time[3] = {(uint8_t)(time >> 16), (uint8_t)(time >> 8), (uint8_t)time};
    struct content content;
    if (!settings->rtx_payload_type)
        return outgoing_compose(outgoing, packet, sequence, span, send_time, out, room);
    outgoing->rtx_sequence++;
    int at = outgoing->head_bytes;
    if (room < at + 2)
        return -1;
    /* Padding that filled a left out place is repeated as an empty repair, see outgoing.py. */
    int is_left_out = packet->temporal_id > span->max_temporal;
    outgoing_content(outgoing, packet, &content);
    write_head(outgoing, out, (is_left_out ? 0 : packet->marker) | settings->rtx_payload_type, outgoing->rtx_sequence,
               packet->timestamp + span->timestamp_offset, send_time);
    write32(out + 8, settings->rtx_ssrc);
    write16(out + at, (uint32_t)sequence & 0xFFFF);
    if (is_left_out)
        return at + 2;
    int is_renumbered = !content.is_stripped && packet->layout != LAYOUT_PLAIN;
    return write_payload(out, at + 2, room, packet, &content, is_renumbered ? span : NULL);
}
