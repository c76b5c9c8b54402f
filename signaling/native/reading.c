/* Python's orders to the meters of a stream. Each takes the lock once; a stream that is gone reads as nothing. */
#include "inside.h"

static struct media_stream *media_of(const struct plane *plane, uint32_t id)
{
    const struct stream *stream = table_get(&plane->streams, id);
    return stream ? stream->media : NULL;
}

void stream_tap(struct plane *plane, uint32_t id, int is_tapped)
{
    /* Whether Python gets its packets. */
    enter(plane);
    struct stream *stream = table_get(&plane->streams, id);
    if (stream) {
        stream->is_tapped = is_tapped;
        stream->has_hole &= is_tapped;
    }
    leave(plane);
}

int stream_read(struct plane *plane, uint32_t id, struct stream_state *state)
{
    /* 1, or 0 when the stream is gone: then `state` stays as it was. */
    enter(plane);
    const struct media_stream *media = media_of(plane, id);
    if (media) {
        state->meters = media->meters;
        state->refused = media->refused;
        state->asked = media->losses.asked;
        state->recovered = media->losses.recovered;
        state->given_up = media->losses.given_up;
        state->width_px = media->width_px;
        state->height_px = media->height_px;
        state->pending = media->losses.count;
        state->needs_keyframe = media->losses.needs_keyframe;
    }
    leave(plane);
    return media != NULL;
}

int stream_due(struct plane *plane, uint32_t id, double now_ms, uint16_t *asked)
{
    /* The 16-bit numbers to ask for now, at most MAX_PENDING: how many. */
    enter(plane);
    struct media_stream *media = media_of(plane, id);
    int count = media ? losses_due(&media->losses, now_ms, asked) : 0;
    leave(plane);
    return count;
}

void stream_tune(struct plane *plane, uint32_t id, double rtt_ms, int trusts_repeats)
{
    /* `rtt_ms` negative: as before. */
    enter(plane);
    struct media_stream *media = media_of(plane, id);
    if (media) {
        media->trusts_repeats = trusts_repeats;
        media->losses.rtt_ms = rtt_ms < 0 ? media->losses.rtt_ms : rtt_ms;
    }
    leave(plane);
}

void stream_healed(struct plane *plane, uint32_t id)
{
    /* A key frame was asked for: no need to say so again. */
    enter(plane);
    struct media_stream *media = media_of(plane, id);
    if (media)
        media->losses.needs_keyframe = 0;
    leave(plane);
}

void stream_forget_losses(struct plane *plane, uint32_t id)
{
    enter(plane);
    struct media_stream *media = media_of(plane, id);
    if (media)
        losses_forget(&media->losses);
    leave(plane);
}

void stream_interval(struct plane *plane, uint32_t id, double *ratio, int64_t *lost)
{
    /* For a receiver report: see meters_interval. */
    *ratio = 0.0;
    *lost = 0;
    enter(plane);
    struct media_stream *media = media_of(plane, id);
    if (media)
        meters_interval(&media->meters, ratio, lost);
    leave(plane);
}
