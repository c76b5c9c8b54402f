/* What a payload tells: the VP8 descriptor (RFC 7741 4.2), H264 NAL units (RFC 6184), RED blocks (RFC 2198). */
#include "payloads.h"

#include <string.h>

/* vp8.Vp8Descriptor */
struct descriptor {
    int size, starts_frame, is_keyframe;
    int picture_id, picture_bits;
    int tl0_index, tl0_at; /* tl0_at: offset in the payload; a picture id always lies at 2 */
    int temporal_id, is_sync;
};

/* The optional fields of an extended descriptor; 0 when they are cut off or nothing follows them. */
static int read_extended(const uint8_t *payload, int size, struct descriptor *out)
{
    int flags = payload[1], at = 2;
    if (flags & 0x80) {
        if (at >= size)
            return 0;
        out->picture_id = payload[at++];
        out->picture_bits = 7;
        if (out->picture_id & 0x80) {
            if (at >= size)
                return 0;
            out->picture_id = (out->picture_id & 0x7F) << 8 | payload[at++];
            out->picture_bits = 15;
        }
    }
    if (flags & 0x40) {
        if (at >= size)
            return 0;
        out->tl0_at = at;
        out->tl0_index = payload[at++];
    }
    if (flags & 0x30) {
        if (at >= size)
            return 0;
        if (flags & 0x20) {
            out->temporal_id = payload[at] >> 6;
            out->is_sync = (payload[at] & 0x20) != 0;
        }
        at++;
    }
    if (at >= size)
        return 0;
    out->size = at;
    out->is_keyframe = out->starts_frame && !(payload[at] & 1);
    return 1;
}

static int read_descriptor(const uint8_t *payload, int size, struct descriptor *out)
{
    if (size < 2)
        return 0;
    *out = (struct descriptor){.size = 1, .picture_id = -1, .tl0_index = -1};
    out->starts_frame = (payload[0] & 0x1F) == 0x10;
    if (payload[0] & 0x80)
        return read_extended(payload, size, out);
    out->is_keyframe = out->starts_frame && !(payload[1] & 1);
    return 1;
}

int vp8_read(struct media_packet *out)
{
    const uint8_t *payload = out->payload;
    int size = out->payload_bytes;
    if (size > 6 && payload[0] & 0x80 && (payload[1] & 0xC0) == 0xC0 && payload[2] & 0x80) {
        int second = payload[1], at = second & 0x30 ? 6 : 5;
        if (second & 0x20) {
            out->temporal_id = payload[5] >> 6;
            if (payload[5] & 0x20)
                out->flags |= FLAG_SYNC;
        }
        if ((payload[0] & 0x1F) == 0x10)
            out->flags |= payload[at] & 1 ? FLAG_FRAME_START : FLAG_FRAME_START | FLAG_KEYFRAME;
        out->layout = LAYOUT_VP8_FULL;
        out->picture_id = (payload[2] & 0x7F) << 8 | payload[3];
        out->tl0_index = payload[4];
        out->prefix = (uint16_t)(payload[0] << 8 | second);
        out->tail = payload + 5;
        out->tail_bytes = size - 5;
        return 1;
    }
    struct descriptor found;
    if (!read_descriptor(payload, size, &found))
        return 0;
    if (found.is_sync)
        out->flags |= FLAG_SYNC;
    if (found.starts_frame)
        out->flags |= found.is_keyframe ? FLAG_FRAME_START | FLAG_KEYFRAME : FLAG_FRAME_START;
    out->layout = found.picture_bits || found.tl0_index >= 0 ? LAYOUT_VP8_OTHER : LAYOUT_PLAIN;
    out->temporal_id = (uint8_t)found.temporal_id;
    out->picture_id = found.picture_id;
    out->tl0_index = found.tl0_index;
    return 1;
}

enum { NAL_NOTHING, NAL_STARTS_IDR, NAL_HAS_PARAMETERS };

static int nal_start(int kind)
{
    return kind == 7 ? NAL_HAS_PARAMETERS : kind == 5 ? NAL_STARTS_IDR : NAL_NOTHING;
}

/* keyframes.h264_start (RFC 6184: single NAL, STAP-A, FU-A); `size` > 0. */
static int h264_start(const uint8_t *payload, int size)
{
    int kind = payload[0] & 0x1F;
    if (kind == 28) /* FU-A: only the first fragment starts anything */
        return size < 2 || !(payload[1] & 0x80) ? NAL_NOTHING : nal_start(payload[1] & 0x1F);
    if (kind != 24)
        return nal_start(kind);
    int best = NAL_NOTHING, at = 1;
    for (int unit = 0; unit < MAX_AGGREGATED && at + 2 < size; unit++) {
        int length = payload[at] << 8 | payload[at + 1];
        if (length == 0 || at + 2 + length > size)
            break;
        int found = nal_start(payload[at + 2] & 0x1F);
        best = found > best ? found : best;
        at += 2 + length;
    }
    return best;
}

void h264_read(struct stream_parser *parser, struct media_packet *out)
{
    if (out->timestamp != parser->last_timestamp)
        out->flags |= FLAG_FRAME_START;
    int found = h264_start(out->payload, out->payload_bytes);
    if (found == NAL_HAS_PARAMETERS)
        parser->has_parameters = 1;
    if (found == NAL_HAS_PARAMETERS || (found == NAL_STARTS_IDR && !parser->has_parameters))
        out->flags |= FLAG_KEYFRAME;
}

void vp8_renumber(uint8_t *payload, int payload_bytes, int64_t picture_id, int64_t tl0_index)
{
    struct descriptor found;
    if (!read_descriptor(payload, payload_bytes, &found))
        return;
    if (found.picture_bits == 15) {
        payload[2] = (uint8_t)(0x80 | (picture_id >> 8 & 0x7F));
        payload[3] = (uint8_t)(picture_id & 0xFF);
    } else if (found.picture_bits == 7) {
        payload[2] = (uint8_t)(picture_id & 0x7F);
    }
    if (found.tl0_index >= 0)
        payload[found.tl0_at] = (uint8_t)(tl0_index & 0xFF);
}

int red_primary(const uint8_t *payload, int payload_bytes)
{
    int at = 0, redundant_bytes = 0;
    while (at < payload_bytes && payload[at] & 0x80) {
        if (at + 4 > payload_bytes)
            return -1;
        redundant_bytes += (payload[at + 2] & 0x03) << 8 | payload[at + 3];
        at += 4;
        if (at > 4 * MAX_REDUNDANT_BLOCKS)
            return -1;
    }
    if (at >= payload_bytes || at + 1 + redundant_bytes > payload_bytes)
        return -1;
    return at + 1 + redundant_bytes;
}

int red_repeats(const uint8_t *payload, int payload_bytes)
{
    int at = 0, redundant_bytes = 0, found = 0;
    while (at < payload_bytes && payload[at] & 0x80) {
        if (at + 4 > payload_bytes)
            return 0;
        int length = (payload[at + 2] & 0x03) << 8 | payload[at + 3];
        found = length ? found + 1 : 0; /* an empty block repeats nothing, nor do those before it */
        redundant_bytes += length;
        at += 4;
    }
    return at >= payload_bytes || at + 1 + redundant_bytes > payload_bytes ? 0 : found;
}

int packet_picture_size(const struct media_packet *packet, int *width_px, int *height_px)
{
    struct descriptor found;
    const uint8_t *payload = packet->payload;
    if (!read_descriptor(payload, packet->payload_bytes, &found))
        return 0;
    int at = found.size;
    if (!found.is_keyframe || packet->payload_bytes < at + 10 || memcmp(payload + at + 3, "\x9d\x01\x2a", 3) != 0)
        return 0;
    int width = (payload[at + 7] << 8 | payload[at + 6]) & 0x3FFF;
    int height = (payload[at + 9] << 8 | payload[at + 8]) & 0x3FFF;
    if (width == 0 || height == 0)
        return 0;
    *width_px = width;
    *height_px = height;
    return 1;
}
