/* One incoming stream: what is done once per packet, before any leg sees it (stream.IncomingStream). */
#include "media.h"

#include <stdlib.h>

struct media_stream *stream_new(uint32_t ssrc, int codec, int clock_rate_hz, int payload_type, int red_payload_type,
                                int audio_level_id, const struct loss_rules *rules)
{
    struct media_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->cache = cache_new(codec == CODEC_OPUS ? AUDIO_PACKETS : VIDEO_PACKETS);
    if (stream->cache == NULL) {
        free(stream);
        return NULL;
    }
    parser_init(&stream->parser, ssrc, codec, payload_type, red_payload_type, audio_level_id);
    meters_init(&stream->meters, clock_rate_hz);
    losses_init(&stream->losses, rules);
    stream->trusts_repeats = 1;
    return stream;
}

void stream_free(struct media_stream *stream)
{
    if (stream == NULL)
        return;
    cache_free(stream->cache);
    free(stream);
}

int stream_accept(struct media_stream *stream, const uint8_t *plain, int plain_bytes, double now_ms,
                  struct media_packet *out)
{
    int64_t newest = stream->parser.newest;
    if (!packet_parse(&stream->parser, plain, plain_bytes, now_ms, out) || !cache_put(stream->cache, out)) {
        stream->refused++;
        return 0;
    }
    meters_packet(stream, out, plain_bytes, newest);
    parser_accepted(&stream->parser, out);
    if (out->flags & FLAG_KEYFRAME && stream->parser.codec == CODEC_VP8)
        packet_picture_size(out, &stream->width_px, &stream->height_px);
    return 1;
}

int media_sizeof(int which)
{
    switch (which) {
    case 0:
        return (int)sizeof(struct media_packet);
    case 1:
        return (int)sizeof(struct stream_parser);
    case 2:
        return (int)sizeof(struct media_stream);
    case 3:
        return (int)sizeof(struct rewriter_settings);
    case 4:
        return (int)sizeof(struct rewriter_state);
    case 5:
        return (int)sizeof(struct feedback);
    default:
        return 0;
    }
}
