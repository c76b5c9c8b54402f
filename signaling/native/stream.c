/* One incoming stream: what is done once per packet, before any leg sees it. */
#include "media.h"

#include <stdlib.h>

struct media_stream *stream_new(uint32_t ssrc, int codec, int payload_type, int red_payload_type, int audio_level_id)
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
    if (!packet_parse(&stream->parser, plain, plain_bytes, now_ms, out) || !cache_put(stream->cache, out)) {
        stream->refused++;
        return 0;
    }
    parser_accepted(&stream->parser, out);
    stream->received++;
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
    default:
        return 0;
    }
}
