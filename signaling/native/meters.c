/* What is counted once per packet of a stream, whoever asks for it later (stream.IncomingStream._count). */
#include "media.h"

#include <math.h>

#define ACTIVE_LEVEL 35 /* speaker.ACTIVE_LEVEL */
#define MOST_SAMPLES 192 /* temporal.MOST_SAMPLES */
#define DRIFT_FOLLOWS 0.0005 /* clock.DriftMeter */

static void jitter_packet(struct stream_meters *meters, uint32_t timestamp, double now_ms)
{
    /* RFC 3550 A.8 (clock.JitterMeter) */
    double transit = now_ms * meters->ticks_per_ms - timestamp, moved = fabs(transit - meters->transit);
    if (meters->has_transit && moved < 0x7FFFFFFF)
        meters->jitter += (moved - meters->jitter) / 16;
    meters->transit = transit;
    meters->has_transit = 1;
}

static void drift_packet(struct stream_meters *meters, uint32_t timestamp, double now_ms)
{
    /* clock.DriftMeter */
    if (meters->drift_timestamp < 0)
        meters->drift_base = -now_ms;
    else
        meters->drift_ticks += (int32_t)(timestamp - (uint32_t)meters->drift_timestamp);
    meters->drift_timestamp = timestamp;
    double offset = (double)meters->drift_ticks * meters->ms_per_tick - now_ms;
    meters->drift_ms = offset - meters->drift_base;
    meters->drift_base += meters->drift_ms * DRIFT_FOLLOWS;
}

static void temporal_packet(struct stream_meters *meters, const struct media_packet *packet)
{
    /* temporal.TemporalMeter: one packet of eight, chosen by a hash. */
    if ((packet->sequence * 40503 >> 6 & 7) || packet->flags & FLAG_EMPTY)
        return;
    meters->temporal_bytes[packet->temporal_id & 3] += packet->payload_bytes;
    if (++meters->temporal_samples < MOST_SAMPLES)
        return;
    meters->temporal_samples /= 2;
    for (int layer = 0; layer < 4; layer++)
        meters->temporal_bytes[layer] /= 2;
}

static void take_repeats(struct loss_detector *losses, const struct media_packet *packet)
{
    int count = red_repeats(packet->payload, packet->payload_bytes);
    for (int behind = 1; behind <= count; behind++)
        losses_had(losses, packet->sequence - behind);
}

void meters_init(struct stream_meters *meters, int clock_rate_hz)
{
    *meters = (struct stream_meters){
        .first = -1,
        .newest = -1,
        .last_arrival_ms = -1.0,
        .ticks_per_ms = clock_rate_hz / 1000.0,
        .ms_per_tick = 1000.0 / clock_rate_hz,
        .drift_timestamp = -1,
    };
}

void meters_packet(struct media_stream *stream, const struct media_packet *packet, int bytes, int64_t newest)
{
    struct stream_meters *meters = &stream->meters;
    struct loss_detector *losses = &stream->losses;
    int64_t step = packet->sequence - newest;
    meters->last_arrival_ms = packet->arrival_ms;
    if (step > MAX_FORWARD_STEP && meters->received) { /* the sender restarted its numbers: nothing was lost */
        losses_forget(losses);
        meters->first = -1;
        meters->received_base = meters->received;
        meters->expected_before = meters->received_before = 0;
    }
    losses_received(losses, packet->sequence, packet->arrival_ms);
    if (packet->kind == KIND_RED && stream->trusts_repeats && losses->count)
        take_repeats(losses, packet);
    if (meters->first < 0)
        meters->first = packet->sequence;
    meters->received++;
    meters->bytes += bytes;
    if (step > 0) {
        meters->newest = packet->sequence;
        if (packet->timestamp != stream->parser.last_timestamp) { /* once per frame: its packets leave in one burst */
            jitter_packet(meters, packet->timestamp, packet->arrival_ms);
            drift_packet(meters, packet->timestamp, packet->arrival_ms);
        }
    }
    if (stream->parser.codec == CODEC_VP8)
        temporal_packet(meters, packet);
    if (packet->audio_level >= 0)
        meters->levels++;
    if (packet->audio_level >= 0 && packet->audio_level <= ACTIVE_LEVEL) {
        meters->loud++;
        meters->loudness += packet->audio_level;
    }
    if (packet->flags & FLAG_KEYFRAME) {
        losses_keyframe(losses, packet->sequence);
        losses->needs_keyframe = 0;
        meters->keyframes++;
    }
}

void meters_interval(struct stream_meters *meters, double *ratio, int64_t *lost)
{
    /* clock.ReceptionMeter.interval (RFC 3550 A.3) */
    int64_t expected = meters->first >= 0 ? meters->newest - meters->first + 1 : 0;
    int64_t expected_now = expected - meters->expected_before;
    int64_t received = meters->received - meters->received_base;
    int64_t received_now = received - meters->received_before;
    meters->expected_before = expected;
    meters->received_before = received;
    *ratio = expected_now > 0 ? (double)(expected_now - received_now) / (double)expected_now : 0.0;
    if (*ratio < 0)
        *ratio = 0.0;
    *lost = expected > received ? expected - received : 0;
}
