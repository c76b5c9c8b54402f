/* Reading one incoming packet: RTP header (RFC 3550 5.1), header extensions (RFC 8285), sequence unwrapping. */
#include "payloads.h"

#define FIXED_BYTES 12

/* header.RtpHeader: where the parts of a packet lie. */
struct header {
    uint32_t timestamp;
    int payload_type, marker, sequence;
    int start, end; /* of the payload */
    int profile, extension_start, extension_end;
};

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int read_header(const uint8_t *packet, int size, struct header *out)
{
    if (size < FIXED_BYTES || size > MAX_PACKET_BYTES || packet[0] >> 6 != 2)
        return 0;
    int first = packet[0];
    int start = FIXED_BYTES + ((first & 0x0F) << 2);
    out->profile = out->extension_start = out->extension_end = 0;
    if (first & 0x10) {
        if (size < start + 4)
            return 0;
        out->profile = packet[start] << 8 | packet[start + 1];
        out->extension_start = start + 4;
        start = out->extension_end = start + 4 + ((packet[start + 2] << 8 | packet[start + 3]) << 2);
        if (out->extension_end - out->extension_start > MAX_EXTENSION_BYTES)
            return 0;
    }
    int end = size;
    if (first & 0x20) {
        if (packet[size - 1] == 0)
            return 0;
        end -= packet[size - 1];
    }
    if (start > end)
        return 0;
    out->payload_type = packet[1] & 0x7F;
    out->marker = packet[1] & 0x80;
    out->sequence = packet[2] << 8 | packet[3];
    out->timestamp = read32(packet + 4);
    out->start = start;
    out->end = end;
    return 1;
}

/* extensions.find: the header was read, so the block lies inside the packet. */
static const uint8_t *find_extension(const uint8_t *packet, const struct header *header, int id, int *bytes)
{
    int at = header->extension_start, end = header->extension_end;
    int is_one_byte = header->profile == 0xBEDE;
    if (id == 0 || (!is_one_byte && (header->profile & 0xFFF0) != 0x1000))
        return NULL;
    while (at < end) {
        if (packet[at] == 0) { /* padding between elements */
            at++;
            continue;
        }
        int found, length, head = is_one_byte ? 1 : 2;
        if (is_one_byte) {
            found = packet[at] >> 4;
            length = (packet[at] & 0x0F) + 1;
            if (found == 15)
                return NULL;
        } else {
            if (at + 2 > end)
                return NULL;
            found = packet[at];
            length = packet[at + 1];
        }
        if (at + head + length > end)
            return NULL;
        if (found == id) {
            *bytes = length;
            return packet + at + head;
        }
        at += head + length;
    }
    return NULL;
}

const uint8_t *packet_extension(const uint8_t *plain, int plain_bytes, int extension_id, int *bytes)
{
    struct header header;
    *bytes = 0;
    return read_header(plain, plain_bytes, &header) ? find_extension(plain, &header, extension_id, bytes) : NULL;
}

/* sequence.SequenceUnwrapper.unwrap: -1 when the packet must be dropped. */
static int64_t unwrap(struct stream_parser *parser, int sequence)
{
    int64_t highest = parser->highest;
    int step = (int)((sequence - highest) & 0xFFFF);
    if (step == 1 && highest >= 0)
        return parser->highest = highest + 1;
    if (highest < 0) /* one turn above zero, so that packets sent before the first one seen stay positive */
        return parser->highest = 0x10000 + sequence;
    if (step <= MAX_FORWARD_STEP) {
        parser->suspect = -1;
        return parser->highest = highest + step;
    }
    if (step >= 0x10000 - MAX_LATENESS)
        return highest + step - 0x10000;
    if (sequence != parser->suspect) {
        parser->suspect = (sequence + 1) & 0xFFFF;
        return -1;
    }
    parser->suspect = -1;
    parser->restarts++;
    return parser->highest = highest + step;
}

void parser_init(struct stream_parser *parser, uint32_t ssrc, int codec, int payload_type, int red_payload_type,
                 int audio_level_id)
{
    *parser = (struct stream_parser){
        .ssrc = ssrc,
        .codec = codec,
        .payload_type = payload_type,
        .red_payload_type = red_payload_type,
        .audio_level_id = audio_level_id,
        .suspect = -1,
        .highest = -1,
        .newest = -1,
        .last_timestamp = -1,
    };
}

/* What the payload tells; 0 when it is malformed. */
static int read_payload(struct stream_parser *parser, const uint8_t *plain, const struct header *header,
                        struct media_packet *out)
{
    if (out->payload_bytes == 0) {
        out->flags |= FLAG_EMPTY;
        out->temporal_id = PADDING_RANK;
        return 1;
    }
    if (parser->codec == CODEC_VP8)
        return vp8_read(out);
    if (parser->codec == CODEC_H264) {
        h264_read(parser, out);
        return 1;
    }
    out->flags |= FLAG_FRAME_START;
    int bytes = 0;
    const uint8_t *level = find_extension(plain, header, parser->audio_level_id, &bytes);
    if (level != NULL && bytes > 0)
        out->audio_level = level[0] & 0x7F;
    return 1;
}

int packet_parse(struct stream_parser *parser, const uint8_t *plain, int plain_bytes, double now_ms,
                 struct media_packet *out)
{
    struct header header;
    if (!read_header(plain, plain_bytes, &header))
        return 0;
    int is_main = header.payload_type == parser->payload_type;
    if (!is_main && header.payload_type != parser->red_payload_type)
        return 0;
    int64_t sequence = unwrap(parser, header.sequence);
    if (sequence < 0)
        return 0;
    uint32_t time = (uint32_t)((int64_t)(now_ms * 262.144) & 0xFFFFFF);
    *out = (struct media_packet){
        .sequence = sequence,
        .arrival_ms = now_ms,
        .payload = plain + header.start,
        .payload_bytes = header.end - header.start,
        .ssrc = parser->ssrc,
        .timestamp = header.timestamp,
        .picture_id = -1,
        .tl0_index = -1,
        .audio_level = -1,
        .marker = (uint8_t)header.marker,
        .kind = is_main ? KIND_MEDIA : KIND_RED,
        .flags = sequence < parser->newest ? FLAG_LATE : 0,
        .send_time = {(uint8_t)(time >> 16), (uint8_t)(time >> 8), (uint8_t)time},
    };
    return read_payload(parser, plain, &header, out);
}

void parser_accepted(struct stream_parser *parser, const struct media_packet *packet)
{
    if (packet->sequence <= parser->newest)
        return;
    parser->newest = packet->sequence;
    parser->last_timestamp = packet->timestamp;
}
